/* sched/wg.c - wait groups.
 *
 * One word says how many are counted, and whether somebody waits:
 *
 *      2 * count            nobody does
 *      2 * count - 1        somebody does; who, is known under the lock
 *      WAKING               all are done, and who is known there is being woken
 *      LOCK_HELD            a G that found a count of one, and that nobody waited, is on its way to sleep
 *      NOTE_LISTED | g      it sleeps: the one that it waits for takes it out of the word, as out of the note of a lock
 *                           (sched/wait.h), by one exchange
 *
 * The last two are a lock's words, since park_on() opens the word as it opens a lock. The lock below is w->lock.
 *
 * So a done that leaves others, or that nobody waits for, is one comparison with a sign; and where one G was started and is
 * waited for, as it often is, neither side needs the lock. Who comes to count or to wait when a G waits so, makes it wait
 * as all others do.
 *
 * A wait group may lie on the stack of the G that waits for it, and is gone when that G returns. So a done decides by one
 * read-modify-write of the word: if it leaves others, if nobody waits, or if it takes the only one that does, it never looks
 * at the group again. If it leaves WAKING, those that wait are still parked and the group is there until the last is off the
 * list (HAZARDS 12); a waiter whose limit is over just then stays until it has been taken off, too. From WAKING to zero the
 * word is that done's: an add is looked at before it is stored, and panics, and who comes to wait finds all done.
 * TOUR 13 / read next: sched/event.c */
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/wait.h"

#define ONE        UINT64_C(2) /* a count of one */
#define WAITED     UINT64_C(1) /* less: somebody waits */
#define ONE_WAITED (ONE - WAITED)
#define WAKING     (NOTE_LISTED | 1) /* no G's address */

/* The word is about a G that waits alone for one. */
static inline bool is_alone(uint64_t word) {
    return (int64_t)word < 0 && word != WAKING;
}

/* Of all other words. */
static inline int64_t count_of(uint64_t word) {
    return word == WAKING ? 0 : (int64_t)(word + WAITED) / 2;
}

static inline bool is_waited(uint64_t word) {
    return (int64_t)word > 0 && word % 2 != 0;
}

static inline uint64_t load(struct wg *w) {
    /* acquire: pairs with the dones that have made it zero */
    return atomic_load_explicit(&w->word, memory_order_acquire);
}

/* The same, where an exchange looks again. */
static inline uint64_t look(struct wg *w) {
    return atomic_load_explicit(&w->word, memory_order_relaxed);
}

/* False: it is another by now, perhaps. */
static inline bool exchange(struct wg *w, uint64_t word, uint64_t to) {
    /* acq_rel: each done is ordered before the last one, which wakes, and before who finds it zero */
    return atomic_compare_exchange_weak_explicit(&w->word, &word, to, memory_order_acq_rel,
                                                 memory_order_relaxed);
}

/* ---- under the lock ----------------------------------------------------------------------------- */

/* The word, that was this, is about a G that waits alone: that one waits as others do. The word is another then,
 * perhaps. */
static void join_others(struct wg *w, uint64_t word) NEEDS(w->lock) {
    if (word == LOCK_HELD) {
        hal_relax(); /* for a few instructions: it wants no lock, and is masked */
    } else if (exchange(w, word, ONE_WAITED)) {
        w->alone = (struct g *)(uintptr_t)(word & ~NOTE_LISTED);
    }
}

/* Somebody is about to wait, and the word says so. False: all are done. */
static bool wait_begins(struct wg *w) NEEDS(w->lock) {
    for (;;) {
        uint64_t word = load(w);
        if (is_alone(word)) {
            join_others(w, word);
        } else if (count_of(word) == 0) {
            return false;
        } else if (is_waited(word) || exchange(w, word, word - WAITED)) {
            return true;
        }
    }
}

/* One has given up; if nobody else waits the word says so. False: a done is on its way to those that do. */
static bool wait_ends(struct wg *w) NEEDS(w->lock) {
    uint64_t word;
    do {
        word = look(w);
    } while (is_waited(word) && w->alone == NULL && w->waiters.head == NULL &&
             !exchange(w, word, word + WAITED));
    return word != WAKING;
}

/* ---- counting ----------------------------------------------------------------------------------- */

static void wake_first(struct g *g, bool others) {
    hal_irq_t was = hal_irq_save();
    if (others) {
        ready_in_turn(g);
    } else {
        ready(g);
    }
    hal_irq_restore(was);
}

/* All are done, and somebody waits: wakes all of them, and nobody before all are off the list. */
UNCOMMON static void release_all(struct wg *w) {
    struct g *first = NULL;
    struct waiter *all = NULL, **end = &all;
    bool more = true;
    while (more) {
        hal_irq_t was = spin_lock(&w->lock);
        if (w->alone != NULL) {
            first = w->alone;
            w->alone = NULL;
        }
        end = wait_take_batch(&w->waiters, end);
        more = w->waiters.head != NULL;
        if (!more) {
            /* release: what happened before the dones, to who finds it done */
            atomic_store_explicit(&w->word, 0, memory_order_release);
        }
        spin_unlock(&w->lock, was);
    }
    if (first != NULL) {
        wake_first(first, all != NULL);
    }
    wake_all(all, true);
}

UNCOMMON _Noreturn static void misused(bool negative) {
    if (negative) {
        PANIC("sync: negative WaitGroup counter");
    }
    PANIC("sync: WaitGroup misuse: Add called concurrently with Wait");
}

/* False: the word is another by now. The panic may be caught: nothing has been stored. */
static bool add_to(struct wg *w, uint64_t word, int n) {
    int64_t left = count_of(word) + n;
    if (left < 0 || left > INT32_MAX || (word == WAKING && n > 0)) {
        misused(left < 0);
    }
    bool wakes = left == 0 && is_waited(word);
    if (!exchange(w, word, wakes ? WAKING : word + (uint64_t)n * ONE)) {
        return false;
    }
    if (wakes) {
        release_all(w);
    }
    return true;
}

__attribute__((always_inline)) static inline void count_slowly(struct wg *w, int n) {
    for (;;) {
        uint64_t word = look(w);
        if (is_alone(word)) {
            hal_irq_t was = spin_lock(&w->lock);
            join_others(w, word);
            spin_unlock(&w->lock, was);
        } else if (add_to(w, word, n)) {
            return;
        }
    }
}

/* Somebody waits, or it is wrong. Two, for the names that a backtrace shows. */
UNCOMMON void wg_add_slow(struct wg *w, int n) {
    count_slowly(w, n);
}

UNCOMMON static void wg_done_for_others(struct wg *w) {
    count_slowly(w, -1);
}

/* The commonest: the last one, for which a G waits alone. */
void wg_done_slow(struct wg *w) {
    hal_irq_t was = hal_irq_save();
    /* acquire: pairs with the store that opened the word, the G is seen; release: with who finds the word zero */
    struct g *alone = (struct g *)hal_take_address(&w->word);
    if (alone == NULL) {
        hal_irq_restore(was);
        wg_done_for_others(w);
        return;
    }
    ready_and_open(alone, was);
}

/* ---- the fast way: nobody waits, or others are to be done --------------------------------------- */

#if !FAST
static bool fast_add(lock_word_t *p, uint64_t twice) {
    uint64_t old = atomic_load_explicit(p, memory_order_relaxed);
    while (((old + twice) & (~(uint64_t)UINT32_MAX | WAITED)) == 0) {
        /* release: it wakes nobody, and is read by who comes to wait, and by the done that wakes */
        if (atomic_compare_exchange_weak_explicit(p, &old, old + twice, memory_order_release,
                                                  memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

static bool fast_done(lock_word_t *p) {
    uint64_t old = atomic_load_explicit(p, memory_order_relaxed);
    while ((int64_t)old >= (int64_t)ONE) {
        /* acq_rel: as in exchange() */
        if (atomic_compare_exchange_weak_explicit(p, &old, old - ONE, memory_order_acq_rel,
                                                  memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}
#endif

void wg_add(struct wg *w, int n) {
    if (!fast_add(&w->word, (uint64_t)n * ONE)) {
        wg_add_slow(w, n);
    }
}

void wg_done(struct wg *w) {
    if (!fast_done(&w->word)) {
        wg_done_slow(w);
    }
}

/* ---- waiting ------------------------------------------------------------------------------------ */

/* For ever, where others wait, or for more than one. */
UNCOMMON static void wg_wait_listed(struct wg *w) OPENS(irq_masked) {
    spin_lock_masked(&w->lock);
    if (!wait_begins(w)) {
        spin_unlock_masked(&w->lock);
        hal_irq_unmask();
        return;
    }
    struct waiter me;
    me.shared = false;
    wait_for_ever(&w->lock, &w->waiters, &me, WAIT_WG);
}

/* The commonest: for one, and nobody else waits. Calls nothing but last, and so has no frame: a backtrace has only the
 * reason. */
void wg_wait(struct wg *w) {
    struct g *g = hal_self();
    check_may_block("wg_wait");
    if (load(w) == 0) {
        return;
    }
    hal_irq_mask();
    if (!spin_lock_if(&w->word, ONE)) {
        wg_wait_listed(w);
        return;
    }
    park_on(&w->word, G_WAITING + WAIT_WG, g, NOTE_LISTED | (uintptr_t)g);
}

/* The limit of one that waited is over, and it is off the list. A done() that has just made the count
 * zero is on its way to the list, and will look at the group: it has to be waited for. */
static void leave(struct wg *w) {
    for (;;) {
        hal_irq_t was = spin_lock(&w->lock);
        bool left = wait_ends(w);
        spin_unlock(&w->lock, was);
        if (left) {
            return;
        }
        hal_relax(); /* it may be on another core */
        go_yield();
    }
}

int wg_wait_until(struct wg *w, struct limit l) {
    check_may_block("wg_wait");
    if (load(w) == 0) {
        return 0;
    }
    hal_irq_t was = spin_lock(&w->lock);
    if (!wait_begins(w)) {
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
