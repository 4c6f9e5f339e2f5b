/* sched/policy/nosteal.c - a queue for each core, and nobody looks at another's: no lock is fought for, and cores idle
 * beside others that have too much (idea III of The Scheduler Saga, without its second half).
 * read next: sched/policy/steal1.c */
#include "sched/policy/policy.h"

static struct gqueue queues[HAL_MAX_CORES]; /* own core only: no lock */

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)why;
    gqueue_push(&queues[c->hal.index], g);
    return false;
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    return gqueue_take_for(&queues[c->hal.index], c);
}

const struct policy policy_nosteal = {
    .name = "nosteal",
    .does = "a queue for each core, nothing is stolen",
    .in_order = true,
    .put = put,
    .pick = pick,
};
