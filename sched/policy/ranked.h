/* sched/policy/ranked.h - one queue in order of rank for all cores, where who has the least runs first, and takes the core
 * of who has the most: for strict priorities and deadlines. */
#pragma once

#include "sched/policy/policy.h"

struct ranked {
    spinlock_t lock;
    const struct policy *of;              /* whose it is; set once */
    uintptr_t (*rank)(const struct g *g); /* under the lock; set once */
    struct gqueue q; /* guarded by lock, as what follows; policy[0] is the rank that each lies by */
    struct g *runs[HAL_MAX_CORES]; /* what was picked there last, or NULL */
    uintptr_t bar[HAL_MAX_CORES];  /* its rank, or of whom it was called for meanwhile */
};

/* What put(), pick() and tick() are to do. */
bool ranked_put(struct ranked *r, struct core *c, struct g *g, enum why why) NEEDS(irq_masked);
struct g *ranked_pick(struct ranked *r, struct core *c) NEEDS(irq_masked);
bool ranked_tick(struct ranked *r, struct core *c, const struct g *g) NEEDS(irq_masked);

/* Under the lock: the rank of g, or of all, may be another one now, if it waits in the line. */
void ranked_moved(struct ranked *r, struct g *g);
void ranked_sort(struct ranked *r);
/* And after that, or when it is that of one that runs: the first in the line may have to be before it. */
void ranked_call(struct ranked *r, struct core *c) NEEDS(irq_masked);
