/* sched/policy/steal1.c - a queue for each core, and one that would idle takes a single G from another: every G that
 * moves costs a search. GMP takes half of what there is, so that the next search is far away.
 * read next: sched/policy/rr.c */
#include "sched/policy/policy.h"
#include "sched/runq.h"
#include "sched/sim.h"

static struct fifo queues[HAL_MAX_CORES] = FIFOS;

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)why;
    fifo_put(&queues[c->hal.index], g);
    return false;
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    return fifo_take(&queues[c->hal.index], c);
}

/* Each core once, from any on, so that not all thieves are at the same one. */
static struct g *steal(struct core *c) NEEDS(irq_masked) {
    struct steal_order order = steal_order(hal_core_count(), core_random(c));
    struct g *g = NULL;
    for (unsigned i = steal_next(&order); g == NULL && i < hal_core_count(); i = steal_next(&order)) {
        g = fifo_take(&queues[i], c);
    }
    return g;
}

const struct policy policy_steal1 = {
    .name = "steal1",
    .does = "a queue for each core, idle ones steal one",
    .shares = true,
    .in_order = true,
    .put = put,
    .pick = pick,
    .steal = steal,
};
