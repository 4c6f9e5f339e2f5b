/*
 * sched/runq.h - the run queue of one core: a ring that thieves take from, and an overflow list
 * behind it.
 *
 * Strictly first in, first out: while the overflow list is not empty every put goes to its tail,
 * and the ring is refilled from it only when it has run empty. So with n Gs that yield, each runs
 * once in n turns whatever n is (HAZARDS 5: with Go's spill to the global queue some ran 4 times
 * while others ran 357).
 *
 * The races: the owner puts and gets, thieves take, all at once. The ring's tail is the owner's.
 * Its head moves by compare-and-swap, and a slot is read before the swap that claims it: a failed
 * swap throws the reading away. A slot is written again only after the owner has seen head beyond
 * it.
 */
#pragma once

#include "sched/sched.h"

/* Owner, masked. */
void runq_put(struct runq *q, struct g *g) NEEDS(irq_masked);

/* Owner, masked. NULL: empty. */
struct g *runq_get(struct runq *q) NEEDS(irq_masked);

/* The owner of mine, masked: takes half of what theirs has, at most RING / 2. Returns one of them,
 * the others are put on mine, whose ring is empty; *taken counts all. NULL: nothing to take. */
struct g *runq_steal(struct runq *mine, struct runq *theirs, unsigned *taken) NEEDS(irq_masked);

/* Anyone. How many, give or take what moves meanwhile. */
unsigned runq_length(struct runq *q);

/* Owner, masked. Takes all, in order; *n counts them. The caller puts them elsewhere and then
 * wakes: in between no queue shows them. */
struct gqueue runq_take_all(struct runq *q, unsigned *n) NEEDS(irq_masked);

/* ---- the global queue: Gs whose core is no longer active ------------------------------------ */

void globq_put(struct gqueue *gs, unsigned n) NEEDS(irq_masked);

/* Owner of mine, masked: one G, and its fair share of the rest onto mine. */
struct g *globq_get(struct runq *mine) NEEDS(irq_masked);

unsigned globq_length(void);

/* ---- the order in which a thief visits n cores: each once, beginning anywhere --------------- */
struct steal_order {
    unsigned n, at, stride, left;
};
struct steal_order steal_order(unsigned n, uint32_t random);

/* The next core, or n when all were visited. */
unsigned steal_next(struct steal_order *o);
