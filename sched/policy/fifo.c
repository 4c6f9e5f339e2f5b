/* sched/policy/fifo.c - one queue for all cores under one lock: what Go's scheduler was before it had one queue per
 * core (ideas I and II of The Scheduler Saga). Fair to the letter, and every core wants the lock at each switch.
 * read next: sched/policy/nosteal.c */
#include "sched/policy/policy.h"

static struct fifo all = FIFO;

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)c;
    (void)why;
    fifo_put(&all, g);
    return false;
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    return fifo_take(&all, c);
}

const struct policy policy_fifo = {
    .name = "fifo",
    .does = "one queue for all cores under one lock",
    .shares = true,
    .in_order = true,
    .put = put,
    .pick = pick,
};
