/*
 * sched/gmp.h - the policy's short ways: what nearly every switch needs, inline; the rest is gmp.c.
 *
 * Nearly every pick is a plain one: the inbox is empty, and runnext or the ring has a G. What changes
 * seldom - whether the core has been retired, the global queue, pools that run low - is looked at by one
 * pick in 61, or at once when something on this core has asked for it by look_everywhere(). The inbox
 * cannot wait: others put into it.
 * TOUR 7 / read next: sched/gmp.c
 */
#pragma once

#include "sched/runq.h"

static inline void set_runnext(struct core *c, struct g *g) {
    relaxed_store(&c->runnext, g); /* see runnext_of */
}

/* g0. Takes the next G of c's own queues and the global one, and begins a slice for it if it is not to
 * go on in its waker's; or NULL. */
struct g *gmp_pick(struct core *c) NEEDS(irq_masked);

/* g0. Counts this pick; false: it is one that must be gmp_pick()'s. */
static inline bool gmp_pick_is_plain(struct core *c) NEEDS(irq_masked) {
    return __builtin_expect(--c->picks_left != 0 && inbox_empty(c), 1); /* each counts, whatever others send */
}

/* g0, of a plain pick. What comes before all queues, but only for what is left of the slice: a pair that
 * wakes each other ends up on the ring with it (WHY_SLICE in gmp_put), so nobody else starves. */
static inline struct g *gmp_take_runnext(struct core *c) NEEDS(irq_masked) {
    struct g *g = runnext_of(c);
    if (g != NULL) {
        set_runnext(c, NULL);
    }
    return g;
}

/* Masked, own core. Another G has got runnext, which before had, or nobody; perhaps a core idles. */
void gmp_next_was(struct core *c, struct g *before) NEEDS(irq_masked);

/* Masked, own core, g0 or a G: gmp_put() for WHY_WOKEN: also a new G. */
static inline void gmp_put_next(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (__builtin_expect(CONFIG_SIM != 0 || g->pin != ANY_CORE, 0)) {
        gmp_put(c, g, WHY_WOKEN);
        return;
    }
    struct g *before = runnext_of(c);
    set_runnext(c, g);
    if (before != NULL || relaxed_load(&machine.idle_mask) != 0) {
        gmp_next_was(c, before);
    }
}
