/* sched/wg.c - wait groups.
 *
 * A wait group may lie on the stack of the G that waits for it, and is gone when that G returns. So
 * done() decides by one read-modify-write of the count and a flag for waiters together: if it leaves a count, or
 * nobody waits, it never looks at the group again; if it must wake, the waiters are still parked
 * and the group is there until the last is taken off the list (HAZARDS 12). A waiter whose limit is
 * over just then stays until it has been taken off, too.
 * TOUR 13 / read next: sched/event.c */
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/wait.h"

/* Beside the count in the low half: the list is not empty. Changes only under the lock. */
#define WAITERS ((uint64_t)1 << 32)

static int32_t count_of(uint64_t word) {
    return (int32_t)(uint32_t)word;
}

/* The count is zero and somebody waits: wakes all of them, and nobody before all are off the list. */
UNCOMMON static void release_many(struct wg *w) {
    struct waiter *all = NULL, **end = &all;
    bool more = true;
    while (more) {
        hal_irq_t was = spin_lock(&w->lock);
        end = wait_take_batch(&w->waiters, end);
        more = w->waiters.head != NULL;
        if (!more) {
            /* release: what happened before the dones, to a leave() that finds it done */
            atomic_fetch_and_explicit(&w->word, ~WAITERS, memory_order_release);
        }
        spin_unlock(&w->lock, was);
    }
    wake_all(all, true);
}

/* The same, where nearly always one waits, and for ever. */
__attribute__((noinline)) static void release(struct wg *w) {
    hal_irq_t was = spin_lock(&w->lock);
    struct waiter *only = w->waiters.head;
    if (only == NULL || only->next != NULL || only->shared) {
        spin_unlock(&w->lock, was);
        release_many(w);
        return;
    }
    wait_unlink_first(&w->waiters, only);
    struct g *g = only->g;
    /* release: as above */
    atomic_fetch_and_explicit(&w->word, ~WAITERS, memory_order_release);
    spin_unlock_masked(&w->lock);
    ready_and_open(g, was);
}

/* Takes it back: the panic may be caught. */
UNCOMMON static void misused(struct wg *w, uint64_t by, bool negative) {
    atomic_fetch_sub_explicit(&w->word, by, memory_order_relaxed); /* nothing was published by it */
    if (negative) {
        PANIC("sync: negative WaitGroup counter");
    }
    PANIC("sync: WaitGroup misuse: Add called concurrently with Wait");
}

void wg_add(struct wg *w, int n) {
    uint64_t by = (uint64_t)(int64_t)n;
    /* acq_rel: each done is ordered before the last one, which wakes */
    uint64_t old = atomic_fetch_add_explicit(&w->word, by, memory_order_acq_rel);
    uint64_t new = old + by;
    if (__builtin_expect(count_of(new) < 0 || (old == WAITERS && n > 0), 0)) {
        misused(w, by, count_of(old) + (int64_t)n < 0);
    }
    if (new == WAITERS && n < 0) { /* the one that made it zero, and no other, wakes */
        release(w);
    }
}

void wg_done(struct wg *w) {
    wg_add(w, -1);
}

/* The limit of one that waited is over, and it is off the list. A done() that has just made the count
 * zero is on its way to the list, and will look at the group: it has to be waited for. */
static void leave(struct wg *w) {
    for (;;) {
        hal_irq_t was = spin_lock(&w->lock);
        uint64_t v = atomic_load_explicit(&w->word, memory_order_relaxed); /* only compared */
        bool waking = v == WAITERS;
        while (!waking && (v & WAITERS) != 0 && w->waiters.head == NULL &&
               /* acquire: as in wait() */
               !atomic_compare_exchange_weak_explicit(&w->word, &v, v & ~WAITERS,
                                                      memory_order_acquire, memory_order_relaxed)) {
            waking = v == WAITERS;
        }
        spin_unlock(&w->lock, was);
        if (!waking) {
            return;
        }
        go_yield();
    }
}

/* False: the count is zero. */
static inline bool has_to_wait(struct wg *w) {
    check_may_block("wg_wait");
    /* acquire: pairs with the dones that made it zero */
    return count_of(atomic_load_explicit(&w->word, memory_order_acquire)) != 0;
}

/* Under the lock: whether it still has to, and then there are waiters. */
static inline bool announce(struct wg *w) NEEDS(w->lock) {
    uint64_t v = atomic_load_explicit(&w->word, memory_order_acquire); /* as above */
    while (count_of(v) != 0) {
        if (atomic_compare_exchange_weak_explicit(&w->word, &v, v | WAITERS, memory_order_acquire,
                                                  memory_order_acquire)) {
            return true;
        }
    }
    return false;
}

void wg_wait(struct wg *w) {
    if (!has_to_wait(w)) {
        return;
    }
    hal_irq_mask();
    spin_lock_masked(&w->lock);
    if (announce(w)) {
        struct waiter me;
        me.shared = false;
        wait_for_ever(&w->lock, &w->waiters, &me, WAIT_WG);
    } else {
        spin_unlock_masked(&w->lock);
        hal_irq_unmask();
    }
}

int wg_wait_until(struct wg *w, struct limit l) {
    if (!has_to_wait(w)) {
        return 0;
    }
    hal_irq_t was = spin_lock(&w->lock);
    if (!announce(w)) {
        spin_unlock(&w->lock, was);
        return 0;
    }
    struct waiter me = {0};
    int r = wait_on(&w->lock, &w->waiters, &me, WAIT_WG, &l);
    hal_irq_restore(was);
    if (r != 0) {
        leave(w);
    }
    return r;
}
