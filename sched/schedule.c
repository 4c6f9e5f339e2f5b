/* sched/schedule.c - entering and leaving Gs: what g0 does, park and ready, yield.
 *
 * Leaving a G is one save (hal_park), entering one is one restore, and between the two a function runs
 * on g0 that publishes the G and says which one is next: a G that is findable while its registers are
 * still in use would run twice.
 * TOUR 5 / read next: sched/runq.h */
#include "hal/sanitize.h"
#include "sched/assert.h"
#include "sched/gmp.h"
#include "sched/sim.h"

/* One that was preempted, or displaced with the rest of its slice. */
UNCOMMON static struct g *begin_again(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (g->slice_used != 0) {
        slice_begin(c);
        c->slice_stamp -= g->slice_used;
        g->slice_used = 0;
        arm_sooner(c, slice_start(c) + slice_length()); /* that may be before the tick which is set */
    }
    void *frame = g->hal.frame;
    if (frame == NULL) {
        return g;
    }
    g->hal.frame = NULL;
    frame_free(c, frame); /* masked until it has been read: nobody takes it before */
    hal_resume(g, frame);
}

UNCOMMON static struct g *begin_hooked(struct core *c, struct g *g) NEEDS(irq_masked) {
    trace_g_slow(c, EV_START, g, 0);
    return begin_again(c, g);
}

static inline struct g *begin(struct core *c, struct g *g) NEEDS(irq_masked) {
    ASSERT(g_status(g) == G_RUNNABLE);
    g_set_status(g, G_RUNNING);
    /* relaxed, and no read-modify-write: one core at a time; watchdogs only compare */
    uint64_t tick = relaxed_load(&c->tick) + HAL_MAX_CORES;
    relaxed_store(&c->tick, tick);
    relaxed_store(&g->entry, tick);
    sim_step(c, g);
    if (hooked(c)) {
        return begin_hooked(c, g);
    }
    return __builtin_expect(((uintptr_t)g->hal.frame | (uintptr_t)g->slice_used) == 0, 1)
               ? g
               : begin_again(c, g);
}

struct g *dispatch(struct core *c, struct g *g) NEEDS(irq_masked) {
    return begin(c, g);
}

/* For all that will run from now on: the timer's handler never lets the tick be later than a slice away
 * (HAZARDS 4). */
static void tick_begin(struct core *c) NEEDS(irq_masked) {
    slice_begin(c);
    arm_sooner(c, slice_start(c) + slice_length()); /* a core that runs a G always has its tick */
    trace_runs_again(c);
}

/* Nothing on c's queues: searches, or sleeps without a tick, until there is a G. */
static struct g *search(struct core *c) NEEDS(irq_masked) {
    struct g *g;
    do {
        if (core_active(c) && search_begin(c) && (g = gmp_steal(c)) != NULL) {
            break;
        }
        idle(c);
        g = gmp_pick(c);
    } while (g == NULL);
    search_end(c, true);
    tick_begin(c);
    return begin(c, g);
}

UNCOMMON static struct g *schedule_any(struct core *c) NEEDS(irq_masked) {
    struct g *g = gmp_pick(c);
    return g != NULL ? begin(c, g) : search(c);
}

/* The commonest: the one that the G which leaves has woken, or the first of the ring. */
static inline struct g *next(void) NEEDS(irq_masked) {
    struct core *c = this_core();
    struct g *g;
    if (gmp_pick_is_plain(c)) {
        if ((g = gmp_take_runnext(c)) != NULL) {
            return begin(c, g);
        }
        if (c->pinned.head == NULL && (g = ring_get(&c->runq)) != NULL) {
            slice_begin(c);
            return begin(c, g);
        }
    }
    return schedule_any(c);
}

struct g *schedule(void) NEEDS(irq_masked) {
    return next();
}

struct g *schedule_first(void) NEEDS(irq_masked) {
    tick_begin(this_core());
    return next();
}

/* ---- park and ready ------------------------------------------------------------------------- */

void check_g(const char *what) {
    if (hal_on_core_stack()) {
        PANIC("%s: not from an interrupt handler", what);
    }
}

_Noreturn void must_not_block(const char *what) {
    PANIC("%s: would block %s", what,
          hal_on_core_stack() ? "in an interrupt handler" : "with preemption off");
}

struct parking {
    void (*then)(struct g *g, void *arg);
    void *arg;
};

static struct g *parked(struct g *g, void *arg) NEEDS(irq_masked) {
    struct parking *p = arg; /* on g's stack, which nobody can enter before then() */
    p->then(g, p->arg);
    return next();
}

void park(enum wait_reason reason, void (*then)(struct g *g, void *arg), void *arg) NEEDS(irq_masked) {
    struct g *g = hal_self();
    struct parking p = {.then = then, .arg = arg};
    ASSERT(hal_irq_masked() && g->preempt_off == 0);
    begin_wait(g, reason);
    trace_g(this_core(), EV_BLOCK, g, reason);
    sanitize_follow();
    hal_park(g, parked, &p);
    sanitize_acquire(g); /* pairs with ready() */
}

/* Unchecked: which lock it is, only the G knows that parks. */
struct g *parked_on(struct g *g, void *lock) NEEDS(irq_masked) UNCHECKED {
    (void)g;
    spin_unlock_masked((spinlock_t *)lock);
    return next();
}

void park_on_hooked(enum wait_reason reason, spinlock_t *lock) NEEDS(irq_masked) UNCHECKED {
    struct g *g = hal_self();
    begin_wait(g, reason);
    trace_g_slow(this_core(), EV_BLOCK, g, reason);
    sanitize_release((const void *)lock); /* as in park_on() */
    hal_park(g, parked_on, (void *)lock);
    sanitize_acquire(g);
}

/* From a handler: over g0 it interrupts nothing, and the first G that it makes ready is the next. */
static void ready_in_handler(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (g->pin == ANY_CORE && hal_self() == &c->g0 && runnext_of(c) == NULL && inbox_empty(c)) {
        set_runnext(c, g);
    } else {
        inbox_put(g->pin == ANY_CORE ? c : &cores[g->pin], g);
    }
}

/* From a handler, or to another core; or somebody wants to know. */
static void ready_otherwise(struct core *c, struct g *g) NEEDS(irq_masked) {
    trace_g(c, EV_UNBLOCK, g, 0);
    if (c->hal.in_handler) {
        ready_in_handler(c, g);
    } else if (g->pin != ANY_CORE && g->pin != c->hal.index) {
        inbox_put(&cores[g->pin], g);
    } else {
        gmp_put_next(c, g);
    }
}

void ready(struct g *g) NEEDS(irq_masked) {
    struct core *c = this_core();
    ASSERT(g_status(g) >= G_WAITING);
    sanitize_release(g); /* what the waker did before, the woken one sees */
    g_set_status(g, G_RUNNABLE);
    if (c->hal.in_handler || (g->pin != ANY_CORE && g->pin != c->hal.index) || hooked(c)) {
        ready_otherwise(c, g);
    } else {
        gmp_put_next(c, g);
    }
}

/* ---- yield ---------------------------------------------------------------------------------- */

/* The uncommon ways: pinned, others before the ring or behind it, nobody there, or somebody wants to know. */
UNCOMMON static struct g *yielded_otherwise(struct core *c, struct g *g) NEEDS(irq_masked) {
    struct g *other = gmp_pick(c);
    if (other == NULL && (core_active(c) || g->pin != ANY_CORE)) {
        return g; /* it goes on */
    }
    trace_g(c, EV_STOP, g, WHY_YIELD);
    g_set_status(g, G_RUNNABLE);
    gmp_put(c, g, WHY_YIELD); /* if this core has been retired, to the others */
    return other != NULL ? begin(c, other) : search(c);
}

UNCOMMON static struct g *wake_and_begin(struct core *c, struct g *g) NEEDS(irq_masked) {
    wake_idle();
    return begin(c, g);
}

static struct g *yielded(struct g *g, void *arg) NEEDS(irq_masked) {
    (void)arg;
    struct core *c = this_core();
    struct g *other;
    if (!gmp_pick_is_plain(c) || runnext_of(c) != NULL || c->pinned.head != NULL ||
        runq_behind(&c->runq) != 0 || g->pin != ANY_CORE || hooked(c) ||
        (other = ring_get(&c->runq)) == NULL) {
        return yielded_otherwise(c, g);
    }
    g_set_status(g, G_RUNNABLE);
    ring_put_after(&c->runq, g);
    slice_begin(c);
    return wake_needed() ? wake_and_begin(c, other) : begin(c, other);
}

void go_yield(void) {
    check_may_block("go_yield");
    hal_irq_mask();
    hal_park(hal_self(), yielded, NULL);
    hal_irq_unmask();
}
