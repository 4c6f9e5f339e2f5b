/* sched/runq.c - ring, overflow list, global queue: see runq.h for the rules.
 * TOUR 6 / read next: sched/gmp.h */
#include "sched/runq.h"

#include "sched/assert.h"

/* How many leave the list behind the ring at once. */
#define REFILL 32u

static struct {
    spinlock_t lock;
    struct gqueue q;
} globq = {.lock = SPINLOCK(RANK_GLOBAL)};

_Atomic uint32_t globq_count; /* written under its lock; read without, as a hint */

void runq_put_behind(struct runq *q, struct g *g) NEEDS(irq_masked) {
    runq_put_behind_here(q, g);
}

/* Moves up to n Gs from the overflow list of q to out; how many. */
static unsigned overflow_take(struct runq *q, unsigned n, struct gqueue *out) NEEDS(irq_masked) {
    unsigned got = 0;
    spin_lock_masked(&q->lock);
    while (got < n) {
        struct g *g = gqueue_pop(&q->overflow);
        if (g == NULL) {
            break;
        }
        gqueue_push(out, g);
        got++;
    }
    atomic_fetch_sub_explicit(&q->overflow_count, got, memory_order_relaxed); /* under the lock */
    spin_unlock_masked(&q->lock);
    return got;
}

/* Puts a list on the ring of its owner, which has room, and returns the first. */
static struct g *ring_put_rest(struct runq *q, struct gqueue *gs) NEEDS(irq_masked) {
    struct g *first = gqueue_pop(gs);
    for (struct g *g = gqueue_pop(gs); g != NULL; g = gqueue_pop(gs)) {
        if (!ring_put(q, g)) {
            runq_put_behind(q, g);
        }
    }
    return first;
}

/* With the lock once taken the next few go to the ring, which is empty: the order stays what it is. */
struct g *runq_get_behind(struct runq *q) NEEDS(irq_masked) {
    ASSERT(relaxed_load(&q->head) == relaxed_load(&q->tail)); /* only we add, so it stays so */
    spin_lock_masked(&q->lock);
    struct g *first = gqueue_pop(&q->overflow), *g = first != NULL ? q->overflow.head : NULL;
    uint32_t n = first != NULL, tail = relaxed_load(&q->tail); /* our own */
    for (; g != NULL && n < REFILL; n++, g = g->link) {
        relaxed_store(&q->ring[tail++ % RING], g); /* published by tail */
    }
    if (n > 1) {
        q->overflow.head = g;
        /* release: as in ring_put() */
        atomic_store_explicit(&q->tail, tail, memory_order_release);
    }
    /* release, and after tail: who looks without the lock must not see both empty in between */
    atomic_store_explicit(&q->overflow_count, runq_behind(q) - n, memory_order_release);
    spin_unlock_masked(&q->lock);
    return first;
}

/* Unchecked: words have no "held if". */
struct g *runq_turn_behind(struct runq *q, struct g *g) NEEDS(irq_masked) UNCHECKED {
    spin_lock_masked(&q->lock);
    if (q->overflow.head == NULL) {
        spin_unlock_masked(&q->lock);
        return NULL;
    }
    struct g *first;
    bool longer = ring_get(q, &first);
    if (!longer) {
        first = gqueue_pop(&q->overflow);
    }
    gqueue_push(&q->overflow, g);
    /* Under the lock. In between it is never 0: who looks without the lock must not see an empty queue, since nobody
     * is woken for this */
    relaxed_store(&q->overflow_count, runq_behind(q) + longer);
    return first;
}

struct gqueue runq_take_all(struct runq *q, unsigned *n) NEEDS(irq_masked) {
    struct gqueue all = {0};
    *n = 0;
    struct g *g;
    while (ring_get(q, &g)) {
        gqueue_push(&all, g);
        (*n)++;
    }
    spin_lock_masked(&q->lock); /* any number may be there: in one piece, we are masked */
    gqueue_append(&all, &q->overflow);
    *n += atomic_exchange_explicit(&q->overflow_count, 0, memory_order_relaxed); /* under the lock */
    spin_unlock_masked(&q->lock);
    return all;
}

/* n slots of theirs from head on to ours from at on. */
static inline void copy_slots(struct runq *mine, uint32_t at, struct runq *theirs, uint32_t head,
                              uint32_t n) {
    _Atomic(struct g *) *to = mine->ring, *from = theirs->ring;
    for (uint32_t end = at + n; at != end; at++, head++) {
        relaxed_store(&to[at % RING], relaxed_load(&from[head % RING]));
    }
}

/* Copies half of their ring, but at most so many, to the slots behind our tail and claims it by one swap; how many. They
 * are not visible to others until the caller moves our tail. */
__attribute__((always_inline)) static inline unsigned ring_grab(struct runq *mine,
                                                                struct runq *theirs, unsigned most) {
    uint32_t at = atomic_load_explicit(&mine->tail, memory_order_relaxed); /* our own */
    for (;;) {
        /* acquire: pairs with other thieves' release, so that tail is not older than this head */
        uint32_t head = atomic_load_explicit(&theirs->head, memory_order_acquire);
        /* acquire: pairs with the owner's release, the slots and the Gs' saved state are there */
        uint32_t tail = atomic_load_explicit(&theirs->tail, memory_order_acquire);
        uint32_t n = tail - head;
        n -= n / 2;
        if (n == 0) {
            return 0;
        }
        if (n > most) {
            if (n > RING / 2) {
                continue; /* head and tail are from different moments */
            }
            n = most;
        }
        copy_slots(mine, at, theirs, head, n);
        /* release: our reading of the slots is over before the owner's acquire of head lets it
         * write them again. Acquire is in the load above. */
        if (atomic_compare_exchange_strong_explicit(&theirs->head, &head, head + n,
                                                    memory_order_release, memory_order_relaxed)) {
            return n;
        }
        hal_relax();
    }
}

/* n are on the slots behind our tail. */
static inline struct g *show_loot(struct runq *mine, unsigned n, unsigned *taken) {
    uint32_t at = atomic_load_explicit(&mine->tail, memory_order_relaxed);
    struct g *last = atomic_load_explicit(&mine->ring[(at + n - 1) % RING], memory_order_relaxed);
    /* release: as in ring_put; the last of them runs here and now */
    atomic_store_explicit(&mine->tail, at + n - 1, memory_order_release);
    *taken = n;
    return last;
}

/* Their ring is empty. */
static struct g *steal_behind(struct runq *mine, struct runq *theirs, unsigned most, unsigned *taken)
    NEEDS(irq_masked) {
    uint32_t behind = runq_behind(theirs);
    struct gqueue some = {0};
    unsigned n = behind - behind / 2;
    n = n < most ? n : most;
    *taken = n != 0 ? overflow_take(theirs, n, &some) : 0;
    return ring_put_rest(mine, &some);
}

struct g *runq_steal(struct runq *mine, struct runq *theirs, unsigned *taken) NEEDS(irq_masked) {
    unsigned n = ring_grab(mine, theirs, STEAL_MOST);
    if (n != 0) {
        return show_loot(mine, n, taken);
    }
    return steal_behind(mine, theirs, STEAL_MOST, taken);
}

struct g *runq_steal_some(struct runq *mine, struct runq *theirs, unsigned most, unsigned *taken)
    NEEDS(irq_masked) {
    unsigned n = most != 0 ? ring_grab(mine, theirs, most) : 0;
    if (n != 0) {
        return show_loot(mine, n, taken);
    }
    return steal_behind(mine, theirs, most, taken);
}

/* ---- global --------------------------------------------------------------------------------- */

void globq_put(struct gqueue *gs, unsigned n) NEEDS(irq_masked) {
    if (n == 0) {
        return;
    }
    spin_lock_masked(&globq.lock);
    gqueue_append(&globq.q, gs);
    atomic_fetch_add_explicit(&globq_count, n, memory_order_relaxed); /* under the lock */
    spin_unlock_masked(&globq.lock);
}

struct g *globq_take(struct runq *mine) NEEDS(irq_masked) {
    spin_lock_masked(&globq.lock);
    unsigned have = globq_length();
    unsigned share = have / atomic_load_explicit(&machine.active, memory_order_relaxed) + 1;
    share = share < have ? share : have;
    share = share < STEAL_MOST ? share : STEAL_MOST;
    struct g *first = share != 0 ? gqueue_pop(&globq.q) : NULL;
    for (unsigned i = 1; i < share; i++) {
        runq_put(mine, gqueue_pop(&globq.q));
    }
    /* release, and last: who looks without the lock must not see both queues empty in between */
    atomic_fetch_sub_explicit(&globq_count, share, memory_order_release);
    spin_unlock_masked(&globq.lock);
    return first;
}

/* ---- order ---------------------------------------------------------------------------------- */

static unsigned gcd(unsigned a, unsigned b) {
    while (b != 0) {
        unsigned r = a % b;
        a = b;
        b = r;
    }
    return a;
}

struct steal_order steal_order(unsigned n, uint32_t random) {
    unsigned stride = 1 + (random >> 16) % n;
    while (gcd(stride, n) != 1) {
        stride++; /* at most to the next n + 1, which is coprime */
    }
    return (struct steal_order){.n = n, .at = random % n, .stride = stride, .left = n};
}

unsigned steal_next(struct steal_order *o) {
    if (o->left == 0) {
        return o->n;
    }
    unsigned at = o->at;
    o->left--;
    o->at = (o->at + o->stride) % o->n;
    return at;
}
