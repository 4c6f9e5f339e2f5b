/* sched/policy/rr.c - round robin: Gs are dealt to the cores one after the other as they are started, and stay there; on
 * its core each has a slice of a millisecond in its turn. Whoever blocks comes back to the end of the line.
 * read next: sched/policy/mlfq.c */
#include "sched/policy/policy.h"

static struct gqueue queues[HAL_MAX_CORES]; /* own core only: no lock */
static _Atomic unsigned dealt;

/* policy[0]: the core that it was dealt to, and 1 more. */
static unsigned place(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)c;
    (void)why;
    unsigned home = (unsigned)g->policy[0];
    if (home == 0 || home > relaxed_load(&machine.active)) {
        home = 1 + atomic_fetch_add(&dealt, 1) % relaxed_load(&machine.active);
        g->policy[0] = home;
    }
    return home - 1;
}

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)why;
    gqueue_push(&queues[c->hal.index], g);
    return false;
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    return gqueue_take_for(&queues[c->hal.index], c);
}

const struct policy policy_rr = {
    .name = "rr",
    .does = "round robin: dealt to the cores, a slice of 1 ms each",
    .slice = MS(1),
    .place = place,
    .in_order = true,
    .put = put,
    .pick = pick,
};
