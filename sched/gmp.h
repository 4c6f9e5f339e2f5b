/*
 * sched/gmp.h - the policy's short ways: what nearly every switch needs, inline; the rest is gmp.c.
 *
 * Nearly every pick is a plain one: it knows runnext, the ring, and the list behind the ring. All else there may be -
 * pinned Gs, what others sent to the inbox, a displaced G in runnext, a trace, that the core has been retired - is behind
 * one comparison, of the number of this pick with the number from which on they are not plain. None is while a pinned G
 * runs, so that a G which yields in a plain way is not one. Who puts such a thing there says look_closer(); from another
 * core it comes with an interrupt, whose handler says it. A pick that is not plain finds out whether the next one is to be
 * (gmp_pick). One in 61 looks everywhere: at the global queue, and at pools that run low.
 * TOUR 7 / read next: sched/gmp.c
 */
#pragma once

#include "sched/assert.h"
#include "sched/runq.h"

static inline void set_runnext(struct core *c, struct g *g) {
    relaxed_store(&c->runnext, g); /* see runnext_of */
}

/* Takes the next G of c's own queues and the global one, and begins a slice for it if it is not to
 * go on in its waker's; or NULL. */
struct g *gmp_pick(struct core *c) NEEDS(irq_masked);

/* What the tick will be once c has entered the next G. */
static inline uint64_t next_tick(const struct core *c) {
    return relaxed_load(&c->tick) + HAL_MAX_CORES;
}

/* False: this pick, after which the tick will be that one, must be gmp_pick()'s. */
static inline bool gmp_pick_is_plain(const struct core *c, uint64_t tick) NEEDS(irq_masked) {
    return __builtin_expect(tick < c->look_at, 1);
}

/* The same, and the tick. */
static inline bool gmp_next_is_plain(const struct core *c, uint64_t *tick) NEEDS(irq_masked) {
    _Static_assert(offsetof(struct core, look_at) == offsetof(struct core, tick) + sizeof(uint64_t),
                   "one behind the other");
    uint64_t now, look_at;
    HAL_LOAD_TWO(now, look_at, c, offsetof(struct core, tick));
    *tick = now + HAL_MAX_CORES;
    return __builtin_expect(*tick < look_at, 1);
}

/* Waiting before, runnable from now on. */
static inline void is_woken(struct g *g) {
    ASSERT(g_status(g) >= G_WAITING);
    sanitize_release(g); /* what the waker did before, the woken one sees */
    g_set_status(g, G_RUNNABLE);
}

/* A handler of c makes g ready: over g0 it interrupts nothing, and the first G is the next. */
static inline void put_by_handler(struct core *c, struct g *g, bool over_g0) NEEDS(irq_masked) {
    if (g->pin != ANY_CORE) {
        inbox_put_pinned(g);
    } else if (over_g0 && runnext_of(c) == NULL && inbox_empty(c)) {
        set_runnext(c, g);
    } else {
        inbox_put(c, g);
    }
}

/* ready_by_handler() over g0, if nothing is done at events. */
static inline void ready_asleep(struct core *c, struct g *g) NEEDS(irq_masked) {
    is_woken(g);
    put_by_handler(c, g, true);
}

/* gmp_pick() after a sleep, since which no pick is plain, of the G that is entered with tick: nearly always a handler of
 * this core has left it in runnext. A core that knows that it is retired looks everywhere (take_retired); one whose
 * doorbell is still to tell it runs this one G until then. */
static inline struct g *gmp_pick_woken(struct core *c, uint64_t tick) NEEDS(irq_masked) {
    struct g *g = runnext_of(c);
    if (g == NULL || !inbox_empty(c) || tick >= c->around_at) {
        return gmp_pick(c);
    }
    set_runnext(c, NULL);
    return g;
}

/* look_at while core->hal.hooks is all that keeps picks from being plain, which none is then: a next tick is never less. */
#define PLAIN_BUT_HOOKED 1u

/* Events are recorded of this pick, and nothing else is done that a plain one does not do. */
static inline bool gmp_pick_is_recorded(const struct core *c, uint64_t tick) NEEDS(irq_masked) {
    return c->look_at == PLAIN_BUT_HOOKED && tick < c->around_at && only_recorded(c);
}

/* Of a plain pick. What comes before all queues, but only for what is left of the slice: a pair that
 * wakes each other ends up on the ring with it (WHY_SLICE in gmp_put), so nobody else starves. */
static inline struct g *gmp_take_runnext(struct core *c) NEEDS(irq_masked) {
    struct g *g = runnext_of(c);
    if (g != NULL) {
        set_runnext(c, NULL);
    }
    return g;
}

/* Handler. The running G's slice is over: whether another should go first. If not it begins a new one. */
bool gmp_slice_over(struct core *c) NEEDS(irq_masked);

/* What is left of a slice when it counts as over. The tick is set in the handler that ends a slice, and
 * the next one begins a little later: else each had two ticks at its end. */
#define SLICE_SLACK US(1)

/* The same, of a tick at now. */
static inline bool gmp_tick(struct core *c, int64_t now) NEEDS(irq_masked) {
    return now - slice_start(c) >= slice_length() - SLICE_SLACK && gmp_slice_over(c);
}

/* Masked, own core. Another G has got runnext, which before had, or nobody; perhaps a core idles. */
void gmp_next_was(struct core *c, struct g *before) NEEDS(irq_masked);

/* Masked, own core. To the tail of those that are pinned here; also a G that runs still. */
static inline void gmp_put_pinned(struct core *c, struct g *g) NEEDS(irq_masked) {
    gqueue_push(&c->pinned, g);
    look_closer(c);
}

/* The commonest case of the one below, but for the guard, which is the caller's; false, and nothing done: it is another. */
static inline bool gmp_put_next_plainly(struct core *c, struct g *g) NEEDS(irq_masked) {
    _Static_assert(offsetof(struct core, runnext) ==
                       offsetof(struct core, hal.unusual) + sizeof(uint64_t),
                   "one behind the other");
    uint64_t unusual, next;
    if (HAL_ATOMICS_SEEN) {
        unusual = is_unusual(c);
        next = (uintptr_t)runnext_of(c);
    } else {
        HAL_LOAD_TWO(unusual, next, c, offsetof(struct core, hal.unusual));
    }
    if (CONFIG_SIM != 0 || unusual != 0 || g->pin != ANY_CORE || next != 0) {
        return false;
    }
    set_runnext(c, g); /* before the look at who idles, as in gmp_put_next() */
    return true;
}

/* g0. gmp_put() for WHY_SLICE of one that is not pinned, on an active core: to the global queue. */
void gmp_demote(struct core *c, struct g *g) NEEDS(irq_masked);

/* Masked, own core, g0 or a G: gmp_put() for WHY_WOKEN of one that is not pinned: also a new G. */
static inline void gmp_put_next_anywhere(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (CONFIG_SIM != 0) {
        gmp_put(c, g, WHY_WOKEN);
        return;
    }
    struct g *before = runnext_of(c);
    set_runnext(c, g);
    if (before != NULL || relaxed_load(&machine.idle_mask) != 0) {
        gmp_next_was(c, before);
    }
}

/* The rest of the one below. Who was next is to be put, or a core idles; it is to go behind the ring; it is on the ring, and
 * a core idles. */
int gmp_next_was_and_open(struct core *c, struct g *before) OPENS(irq_masked);
int gmp_put_behind_and_open(struct core *c, struct g *before) OPENS(irq_masked);
int gmp_wake_and_open(struct core *c) OPENS(irq_masked);

/* gmp_put_next_anywhere() and hal_irq_unmask(), for what ends with both; 0. Calls nothing but last. */
static inline int gmp_put_next_and_open(struct core *c, struct g *g) OPENS(irq_masked) {
    if (CONFIG_SIM != 0) {
        gmp_put(c, g, WHY_WOKEN);
        hal_irq_unmask();
        return 0;
    }
    struct g *before = runnext_of(c);
    set_runnext(c, g);
    if (before == NULL ? guard_wanted(c) : before->slice_used != 0) {
        return gmp_next_was_and_open(c, before);
    }
    if (before != NULL) {
        if (runq_behind(&c->runq) != 0 || !ring_put(&c->runq, before)) {
            return gmp_put_behind_and_open(c, before);
        }
        if (wake_needed()) {
            return gmp_wake_and_open(c);
        }
    }
    hal_irq_unmask();
    return 0;
}

/* The same of any. */
static inline void gmp_put_next(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (__builtin_expect(g->pin != ANY_CORE, 0)) {
        gmp_put(c, g, WHY_WOKEN);
    } else {
        gmp_put_next_anywhere(c, g);
    }
}
