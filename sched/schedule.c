/* sched/schedule.c - entering and leaving Gs: the loop of g0, park and ready, yield.
 *
 * Leaving a G is one save (hal_park), entering one is one restore (hal_enter, hal_resume), and the
 * loop begins afresh on an empty core stack each time. What publishes a G runs between the two, on
 * g0: a G that is findable while its registers are still in use would run twice.
 * TOUR 5 / read next: sched/runq.c */
#include "hal/sanitize.h"
#include "sched/assert.h"
#include "sched/runq.h"
#include "sched/sim.h"

static void enter_first_slice(struct core *c, bool fresh) NEEDS(irq_masked) {
    int64_t slice = atomic_load_explicit(&machine.slice, memory_order_relaxed);
    c->slice_start -= fresh ? sim_slice_gone(c, slice) : 0;
    c->slice_over = false;
    arm_sooner(c, c->slice_start + slice); /* a core that runs a G always has its tick (HAZARDS 4) */
}

_Noreturn void dispatch(struct core *c, struct g *g, bool fresh) NEEDS(irq_masked) {
    void *frame = g->hal.frame;
    ASSERT(atomic_load_explicit(&g->state, memory_order_relaxed) == G_RUNNABLE);
    if (fresh) {
        c->slice_start = hal_now() - g->slice_used;
    } else if (g->slice_used != 0) {
        c->slice_start = hal_now() - g->slice_used; /* displaced: the rest of its own slice */
    }
    g->slice_used = 0;
    c->tick++;
    enter_first_slice(c, fresh);
    sim_step(c, g);
    count(&c->n.switches);
    g_set_state(g, G_RUNNING);
    /* relaxed, and no read-modify-write: one core at a time; watchdogs only compare */
    uint32_t runs = atomic_load_explicit(&g->runs, memory_order_relaxed);
    atomic_store_explicit(&g->runs, runs + 1, memory_order_relaxed);
    atomic_store_explicit(&g->core, (uint8_t)c->hal.index, memory_order_relaxed);
    if (frame == NULL) {
        hal_enter(g);
    }
    g->hal.frame = NULL;
    frame_free(c, frame); /* masked until it has been read: nobody takes it before */
    hal_resume(g, frame);
}

/* A G to run, by searching or by sleeping until there is one. */
static struct g *find(struct core *c, bool *fresh) NEEDS(irq_masked) {
    for (;;) {
        struct g *g = gmp_pick(c, fresh);
        if (g != NULL) {
            search_end(c, true);
            return g;
        }
        if (core_active(c) && search_begin(c) && (g = gmp_steal(c)) != NULL) {
            *fresh = true;
            search_end(c, true);
            return g;
        }
        idle(c);
    }
}

_Noreturn void schedule(void) NEEDS(irq_masked) {
    struct core *c = this_core();
    bool fresh;
    refill(c);
    struct g *g = find(c, &fresh);
    dispatch(c, g, fresh);
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

static void parked(struct g *g, void *arg) NEEDS(irq_masked) {
    struct parking *p = arg; /* on g's stack, which nobody can enter before then() */
    p->then(g, p->arg);
    schedule();
}

void park(enum wait_reason reason, void (*then)(struct g *g, void *arg), void *arg) NEEDS(irq_masked) {
    struct g *g = hal_self();
    struct parking p = {.then = then, .arg = arg};
    ASSERT(hal_irq_masked() && g->preempt_off == 0);
    atomic_store_explicit(&g->reason, (uint8_t)reason, memory_order_relaxed);
    g->since = this_core()->slice_start;
    g_set_state(g, G_WAITING);
    if (then == park_unlock) {
        sanitize_release(arg); /* it is g that had the lock, though g0 will open it */
    } else {
        sanitize_follow();
    }
    hal_park(g, parked, &p);
    sanitize_acquire(g); /* pairs with ready() */
}

/* Unchecked: which lock it is, only the G knows that parks. */
void park_unlock(struct g *g, void *lock) NEEDS(irq_masked) UNCHECKED {
    (void)g;
    spin_unlock_masked((spinlock_t *)lock);
}

void ready(struct g *g) NEEDS(irq_masked) {
    struct core *c = this_core();
    ASSERT(atomic_load_explicit(&g->state, memory_order_relaxed) == G_WAITING);
    sanitize_release(g); /* what the waker did before, the woken one sees */
    g_set_state(g, G_RUNNABLE);
    if (c->hal.in_handler) {
        inbox_put(g->pin == ANY_CORE ? c : &cores[g->pin], g);
    } else if (g->pin != ANY_CORE && g->pin != c->hal.index) {
        inbox_put(&cores[g->pin], g);
    } else {
        gmp_put(c, g, WHY_WOKEN);
    }
}

/* ---- yield ---------------------------------------------------------------------------------- */

static void yielded(struct g *g, void *arg) NEEDS(irq_masked) {
    (void)arg;
    gmp_put(this_core(), g, WHY_YIELD);
    schedule();
}

void go_yield(void) {
    check_may_block("go_yield");
    hal_irq_mask();
    if (gmp_anything(this_core())) {
        struct g *g = hal_self();
        g_set_state(g, G_RUNNABLE);
        hal_park(g, yielded, NULL);
    }
    hal_irq_unmask();
}
