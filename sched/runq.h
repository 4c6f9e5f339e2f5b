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
 *
 * TOUR 6 / read next: sched/runq.c
 */
#pragma once

#include "sched/sched.h"

/* ---- what each switch needs, inline ---------------------------------------------------------- */

static inline unsigned ring_length(struct runq *q) {
    /* acquire on head before tail: a stale head with a newer tail may overstate. The owner's
     * ring_get() does not order its tail before its head, so head may also seem ahead: that
     * overstates too, see the end. A hint then, and never "empty" while something was put before
     * the reader's fence. */
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);
    uint32_t n = tail - head;
    return n <= RING ? n : RING;
}

static inline uint32_t runq_behind(struct runq *q) {
    /* relaxed: a hint; who acts on it takes the lock */
    return relaxed_load(&q->overflow_count);
}

/* Anyone. How many, give or take what moves meanwhile. */
static inline unsigned runq_length(struct runq *q) {
    /* acquire, and this before the ring: pairs with runq_refill, what left the list is seen in the
     * ring */
    uint32_t behind = atomic_load_explicit(&q->overflow_count, memory_order_acquire);
    return behind + ring_length(q);
}

/* Anyone. The same question, but for how many. */
static inline bool runq_is_empty(struct runq *q) {
    /* as in runq_length() */
    return atomic_load_explicit(&q->overflow_count, memory_order_acquire) == 0 &&
           atomic_load_explicit(&q->head, memory_order_acquire) ==
               atomic_load_explicit(&q->tail, memory_order_acquire);
}

/* Anyone. Whether any core but this one has Gs on its queue. */
static inline bool any_runq(const struct core *but) {
    struct core *end = cores + hal_core_count();
    for (struct core *c = cores; c < end; c++) {
        if (c != but && !runq_is_empty(&c->runq)) {
            return true;
        }
    }
    return false;
}

/* Owner, who knows that there is room. */
static inline void ring_put_at(struct runq *q, uint32_t tail, struct g *g) {
    relaxed_store(&q->ring[tail % RING], g); /* published by tail */
    /* release: the slot, and the G's saved state, before the tail that shows them to a thief's
     * acquire */
    atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
}

/* Owner. False when the ring is full. */
static inline bool ring_put(struct runq *q, struct g *g) {
    uint32_t tail = relaxed_load(&q->tail); /* our own */
    /* acquire: pairs with the thief's release on head, its reading of the slot is over */
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    if (tail - head >= RING) {
        return false;
    }
    ring_put_at(q, tail, g);
    return true;
}

static inline struct g *ring_get(struct runq *q) {
    uint32_t tail = relaxed_load(&q->tail); /* our own */
    uint32_t head = relaxed_load(&q->head); /* checked by the swap */
    while (head != tail) {
        struct g *g = relaxed_load(&q->ring[head % RING]);
        /* acquire: as in ring_put(), for ring_put_after(). The slot itself is our own writing */
        if (atomic_compare_exchange_weak_explicit(&q->head, &head, head + 1, memory_order_acquire,
                                                  memory_order_relaxed)) {
            return g;
        }
    }
    return NULL;
}

/* Owner, after a ring_get() that gave one: there is room. */
static inline void ring_put_after(struct runq *q, struct g *g) {
    ring_put_at(q, relaxed_load(&q->tail), g);
}

/* Owner, masked. The rest of the two below: onto the overflow list; from it, with more for the ring. */
void runq_put_behind(struct runq *q, struct g *g) NEEDS(irq_masked);
struct g *runq_refill(struct runq *q) NEEDS(irq_masked);

/* Owner, masked. */
static inline void runq_put(struct runq *q, struct g *g) NEEDS(irq_masked) {
    /* Only the owner adds, so "empty" stays true until we have put this one. */
    if (__builtin_expect(runq_behind(q) != 0 || !ring_put(q, g), 0)) {
        runq_put_behind(q, g);
    }
}

/* Owner, masked. NULL: empty. */
static inline struct g *runq_get(struct runq *q) NEEDS(irq_masked) {
    struct g *g = ring_get(q);
    return __builtin_expect(g != NULL, 1) || runq_behind(q) == 0 ? g : runq_refill(q);
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* The owner of mine, masked: takes half of what theirs has, at most RING / 2. Returns one of them,
 * the others are put on mine, whose ring is empty; *taken counts all. NULL: nothing to take. */
struct g *runq_steal(struct runq *mine, struct runq *theirs, unsigned *taken) NEEDS(irq_masked);

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
