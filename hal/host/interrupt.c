/*
 * hal/host/interrupt.c - interrupts as bits that a core looks at, and what runs when it finds one.
 *
 * Why no signals: they would come in the middle of the C library, with its locks held by the
 * thread. A core looks at control-flow edges of programs (the compiler puts a call there:
 * -fsanitize-coverage=trace-pc), when it opens its mask, and in hal_idle(). So a loop that calls
 * nothing is preempted all the same; a wait inside the C library is not.
 *
 * The race: a bit is set while the core falls asleep. PENDING_ASLEEP is a bit of the same word: the
 * sleeper sets it only where it finds no other, and who sets another sees it and wakes.
 */
#include "hal/host/fiber.h"
#include "hal/host/machine.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hal/board.h"

/* ---- posting --------------------------------------------------------------------------------- */

void host_post(struct host_core *c, uint32_t bits) {
    host_fiber_posts(c);
    /* release: pairs with the acquire in take(), the handler sees what the caller stored before */
    uint32_t was = atomic_fetch_or_explicit(&c->pending, bits, memory_order_release);
    if ((was & PENDING_ASLEEP) != 0) {
        syscall(SYS_futex, &c->pending, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

void hal_ipi(unsigned core) {
    host_post(host_core_at(core), PENDING_IPI);
}

/* All bits, which are the caller's to serve now. */
static uint32_t take(struct host_core *c) {
    uint32_t bits = atomic_exchange_explicit(&c->pending, 0, memory_order_acquire);
    host_fiber_takes(c);
    return bits & ~PENDING_ASLEEP;
}

/* ---- device lines ---------------------------------------------------------------------------- */

/* A line that is raised while it is off stays latched. seq_cst throughout: either host_raise() sees
 * the line on, or hal_irq_enable() sees it raised. */
static struct {
    _Atomic uint32_t on[IRQ_LINES / 32], latched[IRQ_LINES / 32];
    _Atomic uint8_t core[IRQ_LINES];
} lines;

static void post_if(_Atomic uint32_t *set, unsigned line) {
    if ((atomic_load(&set[line / 32]) & (1u << line % 32)) != 0) {
        host_post(host_core_at(atomic_load(&lines.core[line])), PENDING_LINES);
    }
}

void host_raise(unsigned line) {
    atomic_fetch_or(&lines.latched[line / 32], 1u << line % 32);
    post_if(lines.on, line);
}

void hal_irq_enable(unsigned line, unsigned core) {
    atomic_store(&lines.core[line], (uint8_t)core);
    atomic_fetch_or(&lines.on[line / 32], 1u << line % 32);
    post_if(lines.latched, line);
}

void hal_irq_disable(unsigned line) {
    atomic_fetch_and(&lines.on[line / 32], ~(1u << line % 32));
}

/* ---- serving --------------------------------------------------------------------------------- */

static void serve_lines(const struct host_core *c) {
    for (unsigned word = 0; word < IRQ_LINES / 32; word++) {
        uint32_t due = atomic_load(&lines.latched[word]) & atomic_load(&lines.on[word]);
        for (; due != 0; due &= due - 1) {
            unsigned line = word * 32 + (unsigned)__builtin_ctz(due);
            uint32_t bit = due & -due;
            /* Cleared before the handler looks at the device: what comes later raises again. */
            if (atomic_load(&lines.core[line]) == c->hal->index &&
                (atomic_fetch_and(&lines.latched[word], ~bit) & bit) != 0) {
                sched_irq(line);
            }
        }
    }
}

/* Whether there is anything to serve. relaxed: a look; take() acquires. */
static bool wanted(struct host_core *c) {
    return atomic_load_explicit(&c->pending, memory_order_relaxed) != 0 || host_timer_due(c);
}

bool hal_irq_pending(void) {
    return wanted(host_self());
}

/* Handler. */
static void serve(struct host_core *c) {
    uint32_t bits = take(c);
    if (c->armed <= hal_now()) {
        c->armed = INT64_MAX;
        sched_timer();
    }
    if ((bits & PENDING_IPI) != 0) {
        sched_ipi();
    }
    if ((bits & PENDING_LINES) != 0) {
        serve_lines(c);
    }
}

static void sleep_until(struct host_core *c, int64_t when) {
    struct timespec t = host_timespec(when);
    /* BITSET: the form of FUTEX_WAIT whose time is absolute */
    syscall(SYS_futex, &c->pending, FUTEX_WAIT_BITSET_PRIVATE, PENDING_ASLEEP, &t, NULL,
            FUTEX_BITSET_MATCH_ANY);
}

void hal_idle(void) {
    struct host_core *c = host_self();
    uint32_t none = 0;
    /* relaxed: nothing is read on the strength of it; take() acquires */
    if (atomic_compare_exchange_strong_explicit(&c->pending, &none, PENDING_ASLEEP,
                                                memory_order_relaxed, memory_order_relaxed)) {
        while (atomic_load_explicit(&c->pending, memory_order_relaxed) == PENDING_ASLEEP &&
               c->armed > hal_now() && !host_clock_skip(c->armed)) {
            sleep_until(c, c->armed);
        }
    }
    c->hal->in_handler = true;
    serve(c);
    c->hal->in_handler = false;
}

/* ---- interrupting a G ------------------------------------------------------------------------ */

/* The part of a preemption frame that is used: the rest of the state is on the G's stack. */
struct frame {
    void *link; /* the scheduler's */
    void *sp;
};
_Static_assert(sizeof(struct frame) <= HAL_FRAME_SIZE, "a frame must fit");

void *host_frame_sp(const void *frame) {
    return ((const struct frame *)frame)->sp;
}

/* Interrupts in a row over one G: it gets on even where handlers take longer than a slice. */
#define ROUNDS 16

/* On the core stack, masked, over a stopped G. As on a machine, an interrupt that is pending at the
 * end of another comes before the G's next instruction. */
static void interrupted(void *arg) {
    struct host_core *c = arg;
    struct g *g = c->self;
    struct frame *f = NULL;
    host_fiber_on_core(c);
    c->hal->in_handler = true;
    for (int round = 0; f == NULL && (round == 0 || (round < ROUNDS && wanted(c))); round++) {
        serve(c);
        f = sched_irq_exit();
    }
    c->hal->in_handler = false;
    if (f == NULL) {
        host_fiber_to_g(c, (struct hal_g *)g);
        host_switch_in(c->interrupted_sp);
    }
    f->sp = c->interrupted_sp;
    c->self = c->hal->g0;
    sched_preempted(g, f);
}

/* On a G, with interrupts open. What comes while the G is put aside waits for its next edge: taken
 * here, it would put frame on frame (HAZARDS 40). */
__attribute__((noinline)) static void interrupt(struct host_core *c) {
    int e = host_errno();
    struct hal_g *g = (struct hal_g *)c->self;
    c->masked = true;
    host_fiber_to_core(c, g, false);
    host_switch_out(&c->interrupted_sp, c->stack_top, interrupted, c);
    host_fiber_on_g(g);
    host_set_errno(e);
    host_self()->masked = false; /* c may be another thread's by now */
}

uintptr_t hal_interrupted_sp(void) {
    return (uintptr_t)host_self()->interrupted_sp;
}

uintptr_t hal_interrupted_pc(void) {
    return host_code_address((uintptr_t)host_self()->edge);
}

void __sanitizer_cov_trace_pc(void) {
    struct host_core *c = host_self();
    if (c != NULL && !c->masked && wanted(c)) { /* NULL: code that runs before main() */
        c->edge = __builtin_return_address(0);
        interrupt(c);
    }
}
