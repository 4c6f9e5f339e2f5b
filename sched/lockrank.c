/* sched/lockrank.c - with DEBUG: the order in which a core takes spinlocks, checked each time. With CONFIG_LOCKSTEP: how
 * long it has waited for them.
 *
 * Two cores that take two locks in opposite orders may wait for each other for ever, but seldom do:
 * the check needs no such accident, it is enough that one core has gone one of the two ways. */
#include "sched/assert.h"
#include "sched/sched.h"

#define MOST 16u /* nested */

/* A timer sends on its channel, a condition unlocks its mutex: their locks are outside of objects', whose rank has to be
 * zero. */
static const struct {
    const char *name;
    uint8_t order;
} ranks[RANKS] = {
    [RANK_TREE] = {"contexts' tree", 0},
    [RANK_TIMER] = {"timer", 1},
    [RANK_COND] = {"condition", 2},
    [RANK_OBJECT] = {"object", 3},
    [RANK_CTX] = {"context", 4},
    [RANK_STARTER] = {"timers' starter", 5},
    [RANK_ALARMS] = {"alarms", 6},
    [RANK_IRQ] = {"interrupt lines", 7},
    [RANK_GLOBAL] = {"global queue", 8},
    [RANK_OVERFLOW] = {"overflow list", 9},
    [RANK_GS] = {"goroutines", 10},
    [RANK_SLOTS] = {"stack slots", 11},
    [RANK_HEAP] = {"heap", 12},
    [RANK_TIMER_POOL] = {"timers' pool", 13},
    [RANK_FRAMES] = {"preemption frames", 14},
    [RANK_PAGES] = {"pages", 15},
};

/* What each core holds; its own writing. A handler may come to a G that holds a lock with interrupts
 * open (a channel with large elements), and begins afresh. */
static struct held {
    unsigned n;
    struct holding {
        const spinlock_t *lock; /* the first of those of this rank; NULL: it is open again, others are not */
        uint32_t count; /* it and those beside it */
        uint8_t rank;
        bool handler;
    } of[MOST];
} held[HAL_MAX_CORES];

static uint8_t rank_of(const spinlock_t *l) {
    return (uint8_t)((atomic_load_explicit(l, memory_order_relaxed) & LOCK_RANK_BITS) >> LOCK_RANK_SHIFT);
}

/* Where l is counted among those beside which it is taken, or NULL. */
static struct holding *check_order(struct held *h, const spinlock_t *l, bool beside, bool handler) {
    struct holding *others = NULL;
    uint8_t rank = rank_of(l);
    for (struct holding *outer = h->of; outer < h->of + h->n; outer++) {
        if (outer->handler != handler) {
            continue;
        }
        if (outer->rank == rank && beside && outer->lock != l) {
            others = outer;
        } else if (ranks[outer->rank].order >= ranks[rank].order) {
            FATAL("runtime: lock order: \"%s\" is taken while \"%s\" is held", ranks[rank].name,
                  ranks[outer->rank].name);
        }
    }
    return others;
}

void lock_rank_take(spinlock_t *l, bool beside) {
    hal_irq_t was = hal_irq_save();
    struct core *c = this_core();
    struct held *h = &held[c->hal.index];
    ASSERT(rank_of(l) < RANKS && h->n < MOST);
    struct holding *others = check_order(h, l, beside, c->hal.in_handler);
    if (others != NULL) {
        others->count++;
    } else {
        h->of[h->n++] =
            (struct holding){.lock = l, .count = 1, .rank = rank_of(l), .handler = c->hal.in_handler};
    }
    hal_irq_restore(was);
}

/* Where l is counted, or NULL. */
static struct holding *find(struct held *h, const spinlock_t *l) {
    for (struct holding *x = h->of + h->n; x-- > h->of;) {
        bool among = x->rank == rank_of(l) && (x->lock == NULL || x->count > 1);
        if (x->lock == l || among) {
            return x;
        }
    }
    return NULL;
}

void lock_rank_open(spinlock_t *l) {
    hal_irq_t was = hal_irq_save();
    struct held *h = &held[this_core()->hal.index];
    struct holding *x = find(h, l);
    if (x == NULL) {
        FATAL("runtime: lock order: a core opens a \"%s\" that it does not hold",
              ranks[rank_of(l)].name);
    }
    if (x->lock == l) {
        x->lock = NULL;
    }
    if (--x->count == 0) {
        for (h->n--; x < h->of + h->n; x++) {
            *x = x[1];
        }
    }
    hal_irq_restore(was);
}

/* ---- how long it takes, with CONFIG_LOCKSTEP --------------------------------------------------- */

static _Atomic int64_t waited[HAL_MAX_CORES]; /* its own core's writing, masked */

uint64_t spin_wait_counted(spinlock_t *l) NEEDS(irq_masked) {
    uint64_t note;
    int64_t since = hal_now();
    while (spin_is_held(l) || ((note = spin_grab(l)) & LOCK_HELD_BIT) != 0) {
        hal_relax();
    }
    _Atomic int64_t *sum = &waited[this_core()->hal.index];
    relaxed_store(sum, relaxed_load(sum) + hal_now() - since);
    return note;
}

int64_t spin_waited(unsigned i) {
    return relaxed_load(&waited[i]);
}
