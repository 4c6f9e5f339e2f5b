/* sched/mutex.c - a mutex that knows its owner, with direct hand-off to the first waiter.
 *
 * word is the owner's struct g, with bit 0 set while there are waiters; bit 0 changes only under
 * the spinlock. An unlock that finds no waiter is one compare-and-swap and never looks at the mutex
 * again: the next owner may already have freed it (HAZARDS 12). One that finds waiters makes the
 * first of them the owner before it wakes it, so nobody can barge in between.
 * TOUR 13 / read next: sched/wg.c */
#include <bareloom/sync.h>

#include "sched/assert.h"
#include "sched/errno.h"
#include "sched/wait.h"

#define WAITERS ((uintptr_t)1)

/* The fast path: nobody owns it. */
static bool take(struct mutex *m, struct g *g) {
    uintptr_t nobody = 0;
    /* acquire: pairs with the release in give() and in mutex_unlock's hand-off */
    return atomic_compare_exchange_strong_explicit(&m->word, &nobody, (uintptr_t)g,
                                                   memory_order_acquire, memory_order_relaxed);
}

/* Under the spinlock. True: it came free and is ours. False: bit 0 stands, the owner will hand it
 * over. */
static bool take_or_mark(struct mutex *m, struct g *g) {
    uintptr_t v = atomic_load_explicit(&m->word, memory_order_relaxed);
    for (;;) {
        if (v == 0) {
            if (take(m, g)) {
                return true;
            }
            v = atomic_load_explicit(&m->word, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak_explicit(&m->word, &v, v | WAITERS,
                                                         memory_order_relaxed, memory_order_relaxed)) {
            return false;
        }
    }
}

static void lock_slow(struct mutex *m, struct g *g) {
    hal_irq_t was = spin_lock(&m->lock);
    if (take_or_mark(m, g)) {
        spin_unlock(&m->lock, was);
        return;
    }
    struct waiter w = {.g = g};
    wait_enqueue(&m->waiters, &w);
    park(WAIT_MUTEX, park_unlock, &m->lock);
    hal_irq_restore(was);
}

void mutex_lock(struct mutex *m) {
    check_may_block("mutex_lock");
    struct g *g = hal_self();
    if (!take(m, g)) {
        if ((atomic_load_explicit(&m->word, memory_order_relaxed) & ~WAITERS) == (uintptr_t)g) {
            PANIC("mutex_lock: goroutine %lu owns the mutex already", (unsigned long)g->id);
        }
        lock_slow(m, g);
    }
    g->mutexes++;
}

int mutex_trylock(struct mutex *m) {
    check_may_block("mutex_trylock");
    struct g *g = hal_self();
    if (!take(m, g)) {
        return -EBUSY;
    }
    g->mutexes++;
    return 0;
}

static void hand_off(struct mutex *m) {
    hal_irq_t was = spin_lock(&m->lock);
    struct waiter *w = wait_take(&m->waiters);
    ASSERT(w != NULL);
    struct g *next = w->g;
    uintptr_t more = m->waiters.head != NULL ? WAITERS : 0;
    /* release: what we wrote inside, to the next owner; it also pairs with a later take() */
    atomic_store_explicit(&m->word, (uintptr_t)next | more, memory_order_release);
    spin_unlock_masked(&m->lock); /* the new owner is parked still, so m is there */
    ready(next);
    hal_irq_restore(was);
}

void mutex_unlock(struct mutex *m) {
    check_may_block("mutex_unlock");
    struct g *g = hal_self();
    uintptr_t v = (uintptr_t)g;
    if ((atomic_load_explicit(&m->word, memory_order_relaxed) & ~WAITERS) != (uintptr_t)g) {
        FATAL("sync: unlock of unlocked mutex");
    }
    g->mutexes--;
    /* release: pairs with take() */
    if (!atomic_compare_exchange_strong_explicit(&m->word, &v, 0, memory_order_release,
                                                 memory_order_relaxed)) {
        hand_off(m);
    }
}
