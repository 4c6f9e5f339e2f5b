/* sched/schedtrace.c - see schedtrace.h.
 *
 * A system G prints. Its sleeping is no hope that the program goes on: a deadlock is found while it
 * does (asleep.c). A line is one call of kprintf(), which holds interrupts off for as long as the
 * UART takes: ten milliseconds and more at 115200 baud, on one core. Columns of Go's that have no
 * meaning here are 0, so that what reads Go's lines reads these: a core is P and M at once.
 * TOUR 15 / read next: sched/panic.c */
#include "sched/schedtrace.h"

#include <bareloom/info.h>
#include <bareloom/policy.h>
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "hal/kprint.h"
#include "sched/info.h"
#include "sched/runq.h"

#define COLUMN 12 /* characters for each core in the lists */

static struct {
    _Atomic bool made, detail;
    _Atomic int64_t period; /* 0: off */
    struct sema anew;       /* period was set */
} trace;

/* ---- the line ------------------------------------------------------------------------------- */

static bool asleep(unsigned i) {
    return atomic_load_explicit(&cores[i].naps, memory_order_relaxed) % 2 != 0;
}

static unsigned idle_cores(void) {
    unsigned n = 0;
    uint32_t mask = atomic_load_explicit(&machine.idle_mask, memory_order_relaxed);
    for (unsigned i = 0; i < hal_core_count(); i++) {
        n += mask >> i & 1;
    }
    return n;
}

static unsigned sleeping_cores(void) {
    unsigned n = 0;
    for (unsigned i = 0; i < hal_core_count(); i++) {
        n += asleep(i);
    }
    return n;
}

struct text {
    size_t n;
    char s[HAL_MAX_CORES * COLUMN + 1];
};

static void append(struct text *t, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    kvformat(t->s + t->n, sizeof t->s - t->n, format, ap);
    va_end(ap);
    while (t->s[t->n] != '\0') {
        t->n++;
    }
}

static void print_line(int64_t now, bool detail) {
    struct text queued = {0}, ticks = {0};
    for (unsigned i = 0; i < hal_core_count(); i++) {
        struct core_info c;
        info_core(i, &c);
        append(&queued, "%u ", c.queued);
        append(&ticks, "%lu ", (unsigned long)c.switches);
    }
    kprintf(detail ? "SCHED %lums: gomaxprocs=%u idleprocs=%u threads=%u spinningthreads=%u "
                     "needspinning=0 "
                     "idlethreads=%u runqueue=%u\n"
                   : "SCHED %lums: gomaxprocs=%u idleprocs=%u threads=%u spinningthreads=%u "
                     "needspinning=0 "
                     "idlethreads=%u runqueue=%u [ %s] schedticks=[ %s]\n",
            (unsigned long)(now / MS(1)), go_cores(), idle_cores(), hal_core_count(),
            atomic_load_explicit(&machine.searchers, memory_order_relaxed), sleeping_cores(),
            globq_length(), queued.s, ticks.s);
    if (go_missed() != 0) {
        kprintf("  missed=%lu\n", (unsigned long)go_missed());
    }
}

/* ---- in detail ------------------------------------------------------------------------------ */

/* Go's numbers: 0 idle, 1 running. */
static void print_cores(void) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        struct core_info c;
        info_core(i, &c);
        kprintf("  P%u: status=%d schedtick=%lu syscalltick=0 m=%u runqsize=%u timerslen=%u\n", i,
                !asleep(i), (unsigned long)c.switches, i, c.queued, c.timers);
    }
}

/* Go's numbers: 1 runnable, 2 running, 4 waiting. */
static bool print_g(const struct go_info *g, void *arg) {
    static const int status[] = {[GO_RUNNABLE] = 1, [GO_RUNNING] = 2, [GO_WAITING] = 4, [GO_DEAD] = 6};
    (void)arg;
    kprintf("  G%lu: status=%d(%s) m=", (unsigned long)g->id, status[g->state], g->reason);
    kprintf(g->state == GO_RUNNING ? "%u" : "nil", g->core);
    kprintf(g->pinned ? " lockedm=%u\n" : " lockedm=nil\n", g->core);
    return true;
}

/* ---- the G ---------------------------------------------------------------------------------- */

static void schedtrace(void *arg) {
    int64_t next = hal_now();
    (void)arg;
    for (;;) {
        int64_t period = atomic_load_explicit(&trace.period, memory_order_relaxed);
        int r = sema_wait_until(&trace.anew, AT(period != 0 ? next : FOREVER));
        if (r != -ETIMEDOUT) {
            next = r == 0 ? hal_now() : next;
            go_yield(); /* no memory to wait in: the time passes all the same */
            continue;
        }
        bool detail = atomic_load_explicit(&trace.detail, memory_order_relaxed);
        print_line(hal_now(), detail);
        if (detail) {
            print_cores();
            info_gs(print_g, NULL);
        }
        next += period;
        next = next > hal_now() ? next : hal_now() + period; /* what could not be kept up with is left out */
    }
}

int schedtrace_every(uint32_t ms) {
    atomic_store(&trace.period, MS((int64_t)ms));
    int status = 0;
    if (ms != 0 && !atomic_exchange(&trace.made, true)) {
        status = go_system("schedtrace", schedtrace);
        atomic_store(&trace.made, status == 0);
    } else {
        sema_post(&trace.anew);
    }
    return status;
}

int schedtrace_detail(uint32_t on) {
    atomic_store_explicit(&trace.detail, on != 0, memory_order_relaxed);
    return 0;
}
