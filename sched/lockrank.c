/* sched/lockrank.c - with DEBUG: the order in which a core takes spinlocks, checked each time.
 *
 * Two cores that take two locks in opposite orders may wait for each other for ever, but seldom do:
 * the check needs no such accident, it is enough that one core has gone one of the two ways. */
#include "sched/assert.h"
#include "sched/sched.h"

#define MOST 80u /* a select holds 64 and a few */

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

/* What each core holds; its own writing, masked or with preemption off. A handler may come to a G
 * that holds a lock with interrupts open (a channel with large elements), and begins afresh. */
static struct held {
    unsigned n;
    struct {
        const spinlock_t *lock;
        uint8_t rank;
        bool handler;
    } of[MOST];
} held[HAL_MAX_CORES];

static uint8_t rank_of(const spinlock_t *l) {
    return (uint8_t)(atomic_load_explicit(l, memory_order_relaxed) >> LOCK_RANK_SHIFT);
}

void lock_rank_take(spinlock_t *l, bool beside) UNCHECKED { /* preemption off in the place of masked */
    struct core *c = this_core();
    struct held *h = &held[c->hal.index];
    uint8_t rank = rank_of(l);
    ASSERT(rank < RANKS && h->n < MOST);
    for (unsigned i = 0; i < h->n; i++) {
        uint8_t outer = h->of[i].rank;
        bool same = outer == rank && beside && h->of[i].lock != l;
        if (h->of[i].handler == c->hal.in_handler && ranks[outer].order >= ranks[rank].order && !same) {
            FATAL("runtime: lock order: \"%s\" is taken while \"%s\" is held", ranks[rank].name,
                  ranks[outer].name);
        }
    }
    h->of[h->n].lock = l;
    h->of[h->n].rank = rank;
    h->of[h->n].handler = c->hal.in_handler;
    h->n++;
}

void lock_rank_open(spinlock_t *l) UNCHECKED { /* as above */
    struct held *h = &held[this_core()->hal.index];
    for (unsigned i = h->n; i-- > 0;) {
        if (h->of[i].lock == l) {
            for (h->n--; i < h->n; i++) {
                h->of[i] = h->of[i + 1];
            }
            return;
        }
    }
    FATAL("runtime: lock order: a core opens a \"%s\" that it does not hold", ranks[rank_of(l)].name);
}
