/*
 * sched/runq.h - the run queue of one core: a ring that thieves take from, and an overflow list
 * behind it.
 *
 * Strictly first in, first out: while the overflow list is not empty every put goes to its tail,
 * and gets are from it once the ring has run empty. So with n Gs that yield, each runs
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

/* Anyone, who looks at the ring next: so that what the owner moves from here to there is seen in one of them. */
static inline uint32_t runq_behind_first(struct runq *q) {
    /* acquire: pairs with the release in runq_get_behind(); the tail is there that shows what went to the ring */
    return atomic_load_explicit(&q->overflow_count, memory_order_acquire);
}

/* Anyone. How many, give or take what moves meanwhile. */
static inline unsigned runq_length(struct runq *q) {
    uint32_t behind = runq_behind_first(q);
    return behind + ring_length(q);
}

/* Owner. The same, but for what thieves take meanwhile. */
static inline uint32_t runq_length_here(struct runq *q) {
    return relaxed_load(&q->tail) - relaxed_load(&q->head) + runq_behind(q);
}

/* Anyone. The same question, but for how many. */
static inline bool runq_is_empty(struct runq *q) {
    /* relaxed: what was put before the reader's fence, or is no longer in the list, is below the tail that it sees, and so
     * head is there, too, only if somebody has taken it. From the ring to the list nothing goes but the yielding one's
     * turn, which finds both in use (runq_turn_behind) */
    return runq_behind_first(q) == 0 && relaxed_load(&q->head) == relaxed_load(&q->tail);
}

/* The other cores that do not idle, a bit for each: an idle one has nothing on its queue or in runnext that it, or who
 * woke it, does not see to (idle.c). */
static inline uint32_t others_at_work(const struct core *but) {
    uint32_t others = ((1u << hal_core_count()) - 1) & ~(1u << but->hal.index);
    return others & ~relaxed_load(&machine.idle_mask);
}

/* Anyone. Whether any core but this one has Gs on its queue. */
static inline bool any_runq(const struct core *but) {
    for (uint32_t left = others_at_work(but); left != 0; left &= left - 1) {
        if (!runq_is_empty(&cores[__builtin_ctz(left)].runq)) {
            return true;
        }
    }
    return false;
}

/* Owner. False when the ring is full. */
static inline bool ring_put(struct runq *q, struct g *g) {
    uint32_t tail = relaxed_load(&q->tail); /* our own */
    /* acquire: pairs with the thief's release on head, its reading of the slot is over */
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    if (tail - head >= RING) {
        return false;
    }
    relaxed_store(&q->ring[tail % RING], g); /* published by tail */
    /* release: the slot, and the G's saved state, before the tail that shows them to a thief's
     * acquire */
    atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
    return true;
}

/* ring_get() of who has read tail, which nobody else moves. */
static inline bool ring_get_below(struct runq *q, uint32_t tail, struct g **first) {
    uint32_t at;
    /* acquire: as in ring_put(), for ring_turn() */
    if (!hal_claim(&q->head, tail, &at)) {
        return false;
    }
    /* nobody but us writes it again. A sum, not ring[]: where the ring begins stays in a register, for ring_turn() */
    *first = relaxed_load(q->ring + at % RING);
    if (*first == NULL) {
        __builtin_unreachable(); /* so nobody asks whether it is one */
    }
    return true;
}

/* Owner. False: the ring is empty. */
static inline bool ring_get(struct runq *q, struct g **first) {
    return ring_get_below(q, relaxed_load(&q->tail), first);
}

/* Owner. How many more go to the ring: none while somebody waits behind it. */
static inline uint32_t ring_room(struct runq *q) {
    /* acquire: as in ring_put() */
    uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    return runq_behind(q) == 0 ? RING - (relaxed_load(&q->tail) - head) : 0;
}

/* Owner, while there is room: g is put, but for what the caller does then, store what this returns to tail with
 * release. */
static inline uint32_t ring_put_unseen(struct runq *q, struct g *g) {
    uint32_t tail = relaxed_load(&q->tail); /* our own */
    relaxed_store(q->ring + tail % RING, g);
    return tail + 1;
}

/* Owner. Gets the first, and in its room puts g, as ring_put_unseen(): *shows is what tail is to be. False: the ring is
 * empty, nothing was done. */
static inline bool ring_turn(struct runq *q, struct g *g, struct g **first, uint32_t *shows) {
    uint32_t tail = relaxed_load(&q->tail); /* our own: read once for both */
    if (!ring_get_below(q, tail, first)) {
        return false;
    }
    relaxed_store(q->ring + tail % RING, g);
    *shows = tail + 1;
    return true;
}

/* Owner, masked, when the ring is full or somebody is behind it: onto the overflow list. */
static inline void runq_put_behind_here(struct runq *q, struct g *g) NEEDS(irq_masked) {
    spin_lock_masked(&q->lock);
    gqueue_push(&q->overflow, g);
    relaxed_store(&q->overflow_count, relaxed_load(&q->overflow_count) + 1); /* under the lock */
    spin_unlock_masked(&q->lock);
}

/* Owner, masked. The rest of the two below: onto the overflow list, and from it when the ring is empty. */
void runq_put_behind(struct runq *q, struct g *g) NEEDS(irq_masked);
struct g *runq_get_behind(struct runq *q) NEEDS(irq_masked);

/* Owner, masked, while there is somebody behind the ring: puts g and gets the first. The lock is held still, whose
 * opening shows g; NULL: thieves have been here, nothing was done. */
struct g *runq_turn_behind(struct runq *q, struct g *g) NEEDS(irq_masked);

/* Owner, masked. */
static inline void runq_put(struct runq *q, struct g *g) NEEDS(irq_masked) {
    /* Only the owner adds, so "empty" stays true until we have put this one. */
    if (__builtin_expect(runq_behind(q) != 0 || !ring_put(q, g), 0)) {
        runq_put_behind(q, g);
    }
}

/* Owner, masked. NULL: empty. */
static inline struct g *runq_get(struct runq *q) NEEDS(irq_masked) {
    struct g *g;
    return __builtin_expect(ring_get(q, &g), 1) ? g
           : runq_behind(q) != 0                ? runq_get_behind(q)
                                                : NULL;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* A thief is masked while it takes them, and others wait who want them too. */
#define STEAL_MOST 128u

/* The owner of mine, masked: takes half of what theirs has, at most STEAL_MOST. Returns one of them,
 * the others are put on mine, whose ring is empty; *taken counts all. NULL: nothing to take. */
struct g *runq_steal(struct runq *mine, struct runq *theirs, unsigned *taken) NEEDS(irq_masked);

/* The same, but at most so many, from 0 to STEAL_MOST. */
struct g *runq_steal_some(struct runq *mine, struct runq *theirs, unsigned most, unsigned *taken)
    NEEDS(irq_masked);

/* Owner, masked. Takes all, in order; *n counts them. The caller puts them elsewhere and then
 * wakes: in between no queue shows them. */
struct gqueue runq_take_all(struct runq *q, unsigned *n) NEEDS(irq_masked);

/* ---- the global queue: Gs whose core is no longer active ------------------------------------ */

void globq_put(struct gqueue *gs, unsigned n) NEEDS(irq_masked);

extern _Atomic uint32_t globq_count;

static inline unsigned globq_length(void) {
    /* acquire: pairs with globq_take(), before the caller looks at rings */
    return atomic_load_explicit(&globq_count, memory_order_acquire);
}

/* Owner of mine, masked: one G, and its fair share of the rest onto mine; NULL: there is none. */
struct g *globq_take(struct runq *mine) NEEDS(irq_masked);

static inline struct g *globq_get(struct runq *mine) NEEDS(irq_masked) {
    return globq_length() != 0 ? globq_take(mine) : NULL;
}

/* ---- the order in which a thief visits n cores: each once, beginning anywhere --------------- */
struct steal_order {
    unsigned n, at, stride, left;
};
struct steal_order steal_order(unsigned n, uint32_t random);

/* The next core, or n when all were visited. */
unsigned steal_next(struct steal_order *o);
