/* sched/policy/edf.c - earliest deadline first, on all cores: of those that wait the one runs that has to be done first,
 * and takes the core of the one that has most time. Who has no deadline comes after all that have one, in turns of a
 * millisecond. What is to be done, and by when, go_periodic() says (sched/periodic.c), which also refuses what cannot be
 * done. Nobody is stopped who takes longer than he said: he makes others late.
 *
 * read next: sched/periodic.c */
#include "sched/policy/ranked.h"
#include "sched/said.h"

static uintptr_t rank(const struct g *g) {
    return (uintptr_t)due_of(g);
}

static struct ranked all = {.lock = SPINLOCK(RANK_GLOBAL), .of = &policy_edf, .rank = rank};

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    return ranked_put(&all, c, g, why);
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    return ranked_pick(&all, c);
}

static bool tick(struct core *c, struct g *g) NEEDS(irq_masked) {
    return ranked_tick(&all, c, g);
}

const struct policy policy_edf = {
    .name = "edf",
    .does = "the earliest deadline first, and no more than can be done",
    .shares = true,
    .in_order = true,
    .admits = true,
    .slice = MS(1),
    .put = put,
    .pick = pick,
    .tick = tick,
};
