/* sched/policy/skeleton.c - a policy to begin with: copy it, give it a name, add it to the list in sched/policies.c, and
 * change one function at a time. As it stands each core has a list of its own, first in first out, and one that
 * would idle takes from the others. docs/POLICY.md goes through it line by line. */
#include "sched/policy/policy.h"

/* One for each core. Others steal from it, hence the lock. */
static struct fifo lists[HAL_MAX_CORES] = FIFOS;

/* Where is g, which is new (WHY_NEW) or woken (WHY_WOKEN), to wait? Here: where that happened. */
static unsigned place(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)g;
    (void)why;
    return c->hal.index;
}

/* g waits on c from now on: it is new, was woken, has yielded (WHY_YIELD), had its slice (WHY_SLICE), or was stopped
 * in it for another (WHY_DISPLACED). True would mean: it runs before the one that runs on c. */
static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)why;
    fifo_put(&lists[c->hal.index], g);
    return false;
}

/* Who is next on c? */
static struct g *pick(struct core *c) NEEDS(irq_masked) {
    return fifo_take(&lists[c->hal.index], c);
}

/* g has run for a slice: must it go? */
static bool tick(struct core *c, struct g *g) NEEDS(irq_masked) {
    (void)g;
    return policy_waits(c);
}

/* c would idle: whom does it help? Pinned Gs stay where they are, see may_run(). */
static struct g *steal(struct core *c) NEEDS(irq_masked) {
    struct g *g = NULL;
    for (unsigned i = 0; g == NULL && i < hal_core_count(); i++) {
        g = fifo_take(&lists[i], c);
    }
    return g;
}

const struct policy policy_skeleton = {
    .name = "skeleton",
    .does = "a list for each core, and stealing: to begin with",
    .shares = true,   /* a claim: steal() finds whatever waits. Without steal() it would be a lie */
    .in_order = true, /* another: first in, first out */
    .place = place,
    .put = put,
    .pick = pick,
    .tick = tick,
    .steal = steal,
};
