/* sched/wg.c - wait groups.
 *
 * A wait group may lie on the stack of the G that waits for it, and is gone when that G returns. So
 * done() decides by one read-modify-write of the count and a flag for waiters together: if it leaves a count, or
 * nobody waits, it never looks at the group again; if it must wake, the waiters are still parked
 * and the group is there until the last is taken off the list, or out of the lock's note (HAZARDS 12). A waiter whose
 * limit is over just then stays until it has been taken off, too.
 *
 * From the done that leaves a count of zero beside the flag until the flag is cleared the word is that done's: nobody
 * counts any more, since an add is looked at before it is stored and panics, and who comes to wait sees zero.
 * TOUR 13 / read next: sched/event.c */
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/wait.h"

/* Beside the count in the low half: somebody waits. Set under the lock; cleared so, or by who takes the only one. */
#define WAITERS ((uint64_t)1 << 32)

static int32_t count_of(uint64_t word) {
    return (int32_t)(uint32_t)word;
}

/* Under the lock, taken with that note: who waits is on the list. */
static inline void spread(struct wg *w, uint64_t note) NEEDS(w->lock) {
    struct waiter *alone = note_waiter(note);
    if (alone != NULL) {
        wait_lists(&w->waiters, alone);
    }
}

static inline hal_irq_t lock(struct wg *w) TAKES(irq_masked, w->lock) UNCHECKED {
    hal_irq_t was = hal_irq_save();
    spread(w, spin_lock_masked(&w->lock));
    return was;
}

static inline void unlock(struct wg *w, hal_irq_t was) OPENS(irq_masked, w->lock) {
    spin_unlock_noting(&w->lock, w->waiters.head != NULL ? NOTE_LISTED : 0);
    hal_irq_restore(was);
}

/* ---- counting ----------------------------------------------------------------------------------- */

/* The count is zero and somebody waits: wakes all of them, and nobody before all are off the list. */
UNCOMMON static void release_all(struct wg *w) {
    struct waiter *all = NULL, **end = &all;
    bool more = true;
    while (more) {
        hal_irq_t was = lock(w);
        end = wait_take_batch(&w->waiters, end);
        more = w->waiters.head != NULL;
        if (!more) {
            /* release: what happened before the dones, to who finds it done */
            atomic_store_explicit(&w->word, 0, memory_order_release);
        }
        unlock(w, was);
    }
    wake_all(all, true);
}

/* The count has become zero. Where somebody waits that is nearly always one, and for ever: it is taken without the lock,
 * unless that is held, perhaps by it on its way to sleep. */
__attribute__((noinline)) static void at_zero(struct wg *w, uint64_t word) {
    if (word == 0) {
        return;
    }
    hal_irq_t was = hal_irq_save();
    struct waiter *only = wait_take_alone(&w->lock);
    if (only == NULL) {
        hal_irq_restore(was);
        release_all(w);
        return;
    }
    /* release: as above */
    atomic_store_explicit(&w->word, 0, memory_order_release);
    ready_and_open(only->g, was);
}

UNCOMMON _Noreturn static void misused(bool negative) {
    if (negative) {
        PANIC("sync: negative WaitGroup counter");
    }
    PANIC("sync: WaitGroup misuse: Add called concurrently with Wait");
}

/* wg_add() where somebody waits, or it is wrong. The panic may be caught: nothing has been stored. */
UNCOMMON static void add_slow(struct wg *w, int n) {
    /* relaxed: the exchange looks again */
    uint64_t old = atomic_load_explicit(&w->word, memory_order_relaxed);
    uint64_t new;
    do {
        new = old + (uint64_t)(int64_t)n;
        if (count_of(new) < 0 || (old == WAITERS && n > 0)) {
            misused(count_of(old) + (int64_t)n < 0);
        }
        /* acq_rel: each done is ordered before the last one, which wakes */
    } while (!atomic_compare_exchange_weak_explicit(&w->word, &old, new, memory_order_acq_rel,
                                                    memory_order_relaxed));
    if (new == WAITERS && n < 0) { /* the one that made it zero, and no other, wakes */
        at_zero(w, new);
    }
}

void wg_add(struct wg *w, int n) {
    /* release: where nobody waits it wakes nobody, and is read by who comes to wait, and by the done that wakes */
    if (!hal_give(&w->word, (uint64_t)(int64_t)n)) {
        add_slow(w, n);
    }
}

void wg_done(struct wg *w) {
    uint64_t left;
    if (!hal_count_off(&w->word, &left)) { /* acq_rel: as above */
        misused(true);
    }
    if (count_of(left) == 0) {
        at_zero(w, left);
    }
}

/* ---- waiting ------------------------------------------------------------------------------------ */

/* The limit of one that waited is over, and it is off the list. A done() that has just made the count
 * zero is on its way to the list, and will look at the group: it has to be waited for. */
static void leave(struct wg *w) {
    for (;;) {
        hal_irq_t was = lock(w);
        uint64_t v = atomic_load_explicit(&w->word, memory_order_relaxed); /* only compared */
        bool waking = v == WAITERS;
        while (!waking && (v & WAITERS) != 0 && w->waiters.head == NULL &&
               /* acquire: as in wait() */
               !atomic_compare_exchange_weak_explicit(&w->word, &v, v & ~WAITERS,
                                                      memory_order_acquire, memory_order_relaxed)) {
            waking = v == WAITERS;
        }
        unlock(w, was);
        if (!waking) {
            return;
        }
        hal_relax(); /* it may be on another core */
        go_yield();
    }
}

/* False: the count is zero. */
static inline bool has_to_wait(struct wg *w) {
    check_may_block("wg_wait");
    /* acquire: pairs with the dones that made it zero */
    return count_of(atomic_load_explicit(&w->word, memory_order_acquire)) != 0;
}

/* For ever, with the lock, where others wait, or it may be zero by now. */
UNCOMMON static void wg_wait_listed(struct wg *w, uint64_t note) OPENS(irq_masked, w->lock) {
    spread(w, note);
    if (!hal_flag(&w->word)) { /* as below */
        unlock(w, hal_irq_open());
        return;
    }
    struct waiter me;
    me.shared = false;
    wait_for_ever(&w->lock, &w->waiters, &me, WAIT_WG);
}

/* The commonest: for ever, and nobody else waits. */
__attribute__((noinline)) static void wg_wait_slow(struct wg *w) {
    hal_irq_mask();
    uint64_t note = spin_lock_masked(&w->lock);
    /* acquire: where it is zero, as above. The done that sees the flag sees the lock held, or what it was opened with:
     * it takes that by an exchange, or waits for the lock */
    if (note != 0 || !hal_flag(&w->word)) {
        wg_wait_listed(w, note);
        return;
    }
    struct waiter me;
    wait_alone(&w->lock, &me, 0, WAIT_WG);
}

void wg_wait(struct wg *w) {
    if (has_to_wait(w)) {
        wg_wait_slow(w);
    }
}

int wg_wait_until(struct wg *w, struct limit l) {
    if (!has_to_wait(w)) {
        return 0;
    }
    hal_irq_t was = lock(w);
    if (!hal_flag(&w->word)) { /* as above */
        unlock(w, was);
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
