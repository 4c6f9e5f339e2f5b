/* sched/wg.c - wait groups.
 *
 * A wait group may lie on the stack of the G that waits for it, and is gone when that G returns. So
 * done() decides by one read-modify-write of the count and a flag for waiters together: if it leaves a count, or
 * nobody waits, it never looks at the group again; if it must wake, the waiters are still parked
 * and the group is there until the last is taken off the list (HAZARDS 12). A waiter whose limit is
 * over just then stays until it has been taken off, too.
 * TOUR 13 / read next: sched/event.c */
#include <bareloom/sync.h>

#include "sched/assert.h"
#include "sched/errno.h"
#include "sched/wait.h"

/* Beside the count in the low half: the list is not empty. Changes only under the lock. */
#define WAITERS ((uint64_t)1 << 32)

static int32_t count_of(uint64_t word) {
    return (int32_t)(uint32_t)word;
}

/* The count is zero and somebody waits: wakes all of them, and nobody before all are off the list. */
static void release(struct wg *w) {
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

void wg_add(struct wg *w, int n) {
    /* Adding to the low half may carry into the high one only past zero, which panics. acq_rel:
     * each done is ordered before the last one, which wakes. */
    uint64_t old = atomic_load_explicit(&w->word, memory_order_relaxed);
    uint64_t new;
    do {
        int64_t count = (int64_t)count_of(old) + n;
        if (count < 0) {
            PANIC("sync: negative WaitGroup counter");
        }
        if (old == WAITERS && n > 0) {
            PANIC("sync: WaitGroup misuse: Add called concurrently with Wait");
        }
        new = (old & ~(uint64_t)UINT32_MAX) | (uint32_t)count;
    } while (!atomic_compare_exchange_weak_explicit(&w->word, &old, new, memory_order_acq_rel,
                                                    memory_order_relaxed));
    if (n < 0 && new == WAITERS) { /* the one that made it zero, and no other, wakes */
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

static int wait(struct wg *w, const struct limit *limit) {
    check_may_block("wg_wait");
    /* acquire: pairs with the dones that made it zero */
    if (count_of(atomic_load_explicit(&w->word, memory_order_acquire)) == 0) {
        return 0;
    }
    hal_irq_t was = spin_lock(&w->lock);
    uint64_t v = atomic_load_explicit(&w->word, memory_order_acquire);
    do {
        if (count_of(v) == 0) {
            spin_unlock(&w->lock, was);
            return 0;
        }
    } while (!atomic_compare_exchange_weak_explicit(&w->word, &v, v | WAITERS, memory_order_acquire,
                                                    memory_order_acquire));
    struct waiter me = {0};
    int r = wait_on(&w->lock, &w->waiters, &me, WAIT_WG, limit);
    hal_irq_restore(was);
    if (r != 0) {
        leave(w);
    }
    return r;
}

void wg_wait(struct wg *w) {
    wait(w, NULL);
}

int wg_wait_until(struct wg *w, struct limit l) {
    return wait(w, &l);
}
