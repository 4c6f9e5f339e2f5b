/* sched/policy/prio.c - strict priorities: of all that wait the highest run, on all cores. Equals take turns of a millisecond.
 * Who waits for a mutex lends its priority to who holds it (lend.c).
 *
 * read next: sched/policy/lend.c */
#include "sched/policy/lend.h"
#include "sched/said.h"

static uintptr_t rank(const struct g *g) {
    unsigned own = priority_of(g), lent = lent_to(g);
    return GO_PRIORITIES - (lent > own ? lent : own);
}

struct ranked prio_line = {.lock = SPINLOCK(RANK_GLOBAL), .of = &policy_prio, .rank = rank};

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    lend_check(g);
    return ranked_put(&prio_line, c, g, why);
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    return ranked_pick(&prio_line, c);
}

static bool tick(struct core *c, struct g *g) NEEDS(irq_masked) {
    return ranked_tick(&prio_line, c, g);
}

const struct policy policy_prio = {
    .name = "prio",
    .does = "strict priorities, lent to who holds a mutex",
    .shares = true,
    .in_order = true,
    .slice = MS(1),
    .put = put,
    .pick = pick,
    .tick = tick,
    .mutexes = &lending,
};
