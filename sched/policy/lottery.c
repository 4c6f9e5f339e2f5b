/* sched/policy/lottery.c - at each pick a ticket is drawn, and who holds it runs: shares of the processor that come out
 * right in the long run, with no memory of who had what. A G has one ticket unless it has said go_set_tickets(). The
 * numbers are the core's own, which begin the same each time, and with the seed of `make sim` if there is one. A draw
 * goes past all that wait.
 * read next: sched/policy/skeleton.c */
#include "sched/policy/policy.h"
#include "sched/said.h"
#include "sched/sim.h"

static struct fifo all = FIFO;

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)c;
    (void)why;
    fifo_put(&all, g);
    return false;
}

static uint64_t tickets_for(const struct g *g, const struct core *c) {
    return may_run(g, c) ? tickets_of(g) : 0;
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    uint64_t sum = 0;
    struct g *g, *before = NULL;
    spin_lock_masked(&all.lock);
    for (g = all.q.head; g != NULL; g = g->link) {
        sum += tickets_for(g, c);
    }
    uint64_t drawn = sum * core_random(c) >> 32;
    for (g = all.q.head; g != NULL && drawn >= tickets_for(g, c); before = g, g = g->link) {
        drawn -= tickets_for(g, c);
    }
    g = g != NULL ? gqueue_take_behind(&all.q, before) : NULL;
    spin_unlock_masked(&all.lock);
    return g;
}

const struct policy policy_lottery = {
    .name = "lottery",
    .does = "a ticket is drawn, and who holds it runs",
    .shares = true,
    .slice = MS(1),
    .put = put,
    .pick = pick,
};
