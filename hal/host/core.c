/*
 * hal/host/core.c - cores as threads: how they start, who the caller is, masking.
 *
 * The mask belongs to the core: a G that waits or was preempted leaves it set, since g0 is always
 * masked, and opens it where it goes on.
 */
#include "hal/host/fiber.h"

#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SIGNAL_STACK (64u << 10)

/* hal_relax() calls after which a spinning thread lets another have the processor: with more cores
 * than processors the one it waits for may not be running. */
#define RELAX_YIELD 64u

static struct host_core host_cores[HAL_MAX_CORES];
static unsigned core_count;

static _Thread_local struct host_core *current;

__attribute__((noinline)) struct host_core *host_self(void) {
    struct host_core *c = current;
    /* Keeps two calls from becoming one: between them the thread may change. */
    __asm__ volatile("" : "+r"(c) : : "memory");
    return c;
}

struct host_core *host_core_at(unsigned i) {
    return &host_cores[i];
}

_Noreturn void host_die(const char *why) {
    /* not kprintf: its lock masks the caller's core, and the caller may be none */
    dprintf(STDERR_FILENO, "host: %s\n", why);
    hal_exit(2);
}

static void wait_for(sem_t *s) {
    while (sem_wait(s) != 0) { /* a signal came */
    }
}

/* ---- start ----------------------------------------------------------------------------------- */

static sem_t is_up; /* the core just started is known to the scheduler */
static sem_t gate;  /* core 0 has entered the scheduler */

/* On the core stack, which nothing but signals leaves downwards. */
static void core_main(void *arg) {
    struct host_core *c = arg;
    unsigned index = (unsigned)(c - host_cores);
    host_fiber_on_core(c);
    c->core = sched_core(index, c->stack_top);
    c->hal = (struct hal_core *)c->core;
    c->self = c->hal->g0;
    sem_post(&is_up);
    if (index != 0) {
        wait_for(&gate);
    }
    sem_post(&gate); /* the next one may pass */
    sched_core_main();
}

static void *core_thread(void *arg) {
    struct host_core *c = arg;
    void *unused;
    if (c != &host_cores[0]) { /* whose name is the process's */
        char name[] = "core 0";
        name[5] = (char)(name[5] + (c - host_cores));
        pthread_setname_np(pthread_self(), name);
    }
    prctl(PR_SET_TIMERSLACK, 1L); /* Linux adds 50 us to a thread's sleeps otherwise */
    current = c;
    c->thread = pthread_self();
    c->tid = gettid();
    host_fault_stack(c->stacks_lo, SIGNAL_STACK);
    host_fiber_to_core(c, NULL, true);
    host_switch_out(&unused, c->stack_top, core_main, c);
    return NULL; /* never: the thread's own stack is not used again */
}

/* Low to high: signal stack, guard, core stack. */
static void stacks_make(struct host_core *c) {
    char *lo = host_reserve(SIGNAL_STACK + HAL_PAGE + HOST_CORE_STACK);
    if (lo == NULL || mprotect(lo + SIGNAL_STACK, HAL_PAGE, PROT_NONE) != 0) {
        host_die("no memory for the cores' stacks");
    }
    c->stacks_lo = lo;
    c->stack_top = lo + SIGNAL_STACK + HAL_PAGE + HOST_CORE_STACK;
}

/* Core 0 last: it opens the gate, so that all cores are there before one of them runs anything. */
_Noreturn void host_cores_start(unsigned n) {
    core_count = n;
    sem_init(&is_up, 0, 0);
    sem_init(&gate, 0, 0);
    for (unsigned i = 0; i < n; i++) {
        host_cores[i].masked = true;
        host_cores[i].armed = INT64_MAX;
        stacks_make(&host_cores[i]);
    }
    for (unsigned i = 1; i < n; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, core_thread, &host_cores[i]) != 0) {
            host_die("no thread for a core: set BARELOOM_CORES lower");
        }
        wait_for(&is_up);
    }
    core_thread(&host_cores[0]);
    host_die("a core's thread came back");
}

/* What /proc says of the thread: "tid (name) S ...", S where it sleeps in the kernel. */
bool hal_waits_outside(unsigned core) {
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", host_cores[core].tid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    ssize_t n = read(file, text, sizeof text - 1);
    close(file);
    const char *state = n > 0 ? strrchr(text, ')') : NULL;
    return state != NULL && (state[2] == 'S' || state[2] == 'D');
}

const char *hal_core_stage(unsigned i) {
    return i < hal_core_count() ? "runs" : NULL;
}

unsigned hal_core_count(void) {
    return core_count;
}

/* ---- who am I -------------------------------------------------------------------------------- */

struct g *hal_self(void) {
    return host_self()->self;
}

struct core *hal_core(void) {
    return host_self()->core;
}

bool hal_on_core_stack(void) {
    const struct host_core *c = host_self();
    const char *sp = __builtin_frame_address(0);
    return sp >= c->stacks_lo && sp < c->stack_top;
}

/* ---- masking --------------------------------------------------------------------------------- */

bool hal_irq_masked(void) {
    return host_self()->masked;
}

void hal_irq_mask(void) {
    host_self()->masked = true;
}

hal_irq_t hal_irq_save(void) {
    struct host_core *c = host_self();
    if (c == NULL) {
        return true; /* there are no cores yet: kprintf() in main() */
    }
    bool was = c->masked;
    c->masked = true;
    return was;
}

void hal_irq_unmask(void) {
    struct host_core *c = host_self();
    if (c->self == c->hal->g0 || c->hal->in_handler) {
        host_die("interrupts opened on the core stack");
    }
    c->masked = false;
    __sanitizer_cov_trace_pc(); /* what came meanwhile is taken here */
}

void hal_irq_restore(hal_irq_t was) {
    if (!was) {
        hal_irq_unmask();
    }
}

void hal_relax(void) {
    if (++host_self()->relaxed % RELAX_YIELD == 0) {
        sched_yield();
    }
}
