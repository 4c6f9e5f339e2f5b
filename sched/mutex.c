/* sched/mutex.c - a mutex that knows its owner; who comes first takes it, who waits long is handed it.
 *
 * word is the owner's struct g and three flags. While no flag stands, lock and unlock are one
 * compare-and-swap each, in the caller where that may be (<bareloom/fast.h>), and the unlock never looks at the
 * mutex again: the next owner may already have freed it (HAZARDS 12). Flags change only under the spinlock, and while one stands everybody
 * takes the spinlock; so whoever clears the owner there is through with the mutex before the next
 * one can have it.
 *
 *      WAITERS   somebody is on the list, or woken and on its way
 *      WOKEN     one has been taken off the list to try again: no other is woken meanwhile
 *      STARVING  the first of the list has waited for over a millisecond: the next unlock makes it
 *                the owner before it wakes it, and nobody can barge in between
 *
 * Go's mutex (its two modes and its millisecond), with an owner: a dead lock has a name then.
 * TOUR 13 / read next: sched/rwmutex.c */
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/policy.h"
#include "sched/wait.h"

#define WAITERS  ((uintptr_t)1)
#define WOKEN    ((uintptr_t)2)
#define STARVING ((uintptr_t)4)
#define FLAGS    (WAITERS | WOKEN | STARVING)

#define STARVING_AFTER MS(1)

struct locker {
    struct waiter w; /* ok: it was made the owner; else it is to try again */
    int64_t since;   /* when it began to wait; 0: it has not waited yet */
};

static struct g *owner_of(uintptr_t word) {
    return (struct g *)(word & ~FLAGS);
}

static uintptr_t load(struct mutex *m) {
    return atomic_load_explicit(&m->word, memory_order_relaxed); /* acted on by compare-and-swap */
}

/* Nobody owns it and nobody waits. */
static bool take(struct mutex *m, struct g *g) {
    uintptr_t nobody = 0, owner = (uintptr_t)g;
    /* acquire: pairs with the releases in open() and let_go() */
    return atomic_compare_exchange_strong_explicit(&m->word, &nobody, owner, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* Nobody waits. After it the next owner may have freed m. */
static bool open(struct mutex *m, struct g *g) {
    uintptr_t owner = (uintptr_t)g;
    /* release: pairs with take() */
    return atomic_compare_exchange_strong_explicit(&m->word, &owner, 0, memory_order_release,
                                                   memory_order_relaxed);
}

/* ---- the fast way: nobody else is there ----------------------------------------------------- */

#if FAST
_Static_assert(offsetof(struct g, preempt_off) == FAST_PREEMPT_OFF &&
                   offsetof(struct g, mutexes) == FAST_MUTEXES &&
                   FAST_MUTEXES == FAST_PREEMPT_OFF + sizeof(uint32_t),
               "what <bareloom/fast.h>, where the fast way is, knows of a G");
#else
static bool fast_lock(struct mutex *m) {
    struct g *g = hal_self();
    if (g->preempt_off != 0 || !take(m, g)) {
        return false;
    }
    g->mutexes++;
    return true;
}

static bool fast_unlock(struct mutex *m) {
    struct g *g = hal_self();
    bool misused = LOCK_RANKS && g->preempt_off != 0; /* with DEBUG also where nobody waits */
    if (misused || !open(m, g)) {
        return false;
    }
    g->mutexes--;
    return true;
}
#endif

void mutex_lock(struct mutex *m) {
    if (!fast_lock(m)) {
        mutex_lock_slow(m);
    }
}

void mutex_unlock(struct mutex *m) {
    if (!fast_unlock(m)) {
        mutex_unlock_slow(m);
    }
}

/* ---- locking -------------------------------------------------------------------------------- */

/* Under the spinlock: what stands beside the owner when the one that was woken, if woken, is none
 * of them any more. */
static uintptr_t flags_after(struct mutex *m, uintptr_t word, bool woken) {
    uintptr_t flags = word & (woken ? STARVING : STARVING | WOKEN);
    if (m->waiters.head != NULL || (flags & WOKEN) != 0) {
        flags |= WAITERS;
    }
    return m->waiters.head != NULL ? flags : flags & ~STARVING;
}

/* Under the spinlock. True: it is ours. False: WAITERS stands, so that its owner will come by. */
static bool take_or_mark(struct mutex *m, struct locker *me, struct g *g, bool woken) {
    uintptr_t word = load(m), new;
    do {
        if (owner_of(word) == NULL) {
            new = (uintptr_t)g | flags_after(m, word, woken);
        } else {
            new = (uintptr_t)owner_of(word) | WAITERS | (word & STARVING) | (woken ? 0 : word & WOKEN);
            if (woken && hal_now() - me->since > STARVING_AFTER) {
                new |= STARVING;
            }
        }
        /* acquire: as in take(); a failure means that a fast path was faster */
    } while (!atomic_compare_exchange_weak_explicit(&m->word, &word, new, memory_order_acquire,
                                                    memory_order_relaxed));
    return owner_of(new) == g;
}

/* What others lend to the running G may be different now. */
static void goes_on(void) NEEDS(irq_masked) {
    struct core *c = this_core();
    if (policy_is_on(c)) {
        policy_goes_on(c);
    }
}

static int lock_slow(struct mutex *m, struct g *g, const struct limit *limit) {
    struct locker me = {.since = 0};
    bool woken = false;
    int r = 0;
    hal_irq_t was = hal_irq_save();
    wait_has_holder(g, m, limit);
    for (;;) {
        spin_lock_masked(&m->lock);
        if (take_or_mark(m, &me, g, woken)) {
            spin_unlock_masked(&m->lock);
            break;
        }
        if (me.since == 0) {
            me.since = hal_now();
        }
        me.w.woken = me.w.ok = false;
        r = woken ? wait_on_first(&m->lock, &m->waiters, &me.w, WAIT_MUTEX, limit)
                  : wait_on(&m->lock, &m->waiters, &me.w, WAIT_MUTEX, limit);
        if (r != 0 || me.w.ok) {
            break;
        }
        woken = true;
    }
    wait_has_holder(g, NULL, NULL);
    goes_on();
    hal_irq_restore(was);
    return r;
}

static int lock(struct mutex *m, const struct limit *limit) {
    check_may_block("mutex_lock");
    struct g *g = hal_self();
    if (!take(m, g)) {
        if (owner_of(load(m)) == g) {
            PANIC("mutex_lock: goroutine %lu owns the mutex already", (unsigned long)g->id);
        }
        int r = lock_slow(m, g, limit);
        if (r != 0) {
            return r;
        }
    }
    g->mutexes++;
    return 0;
}

__attribute__((noinline)) void mutex_lock_slow(struct mutex *m) {
    lock(m, NULL);
}

int mutex_lock_until(struct mutex *m, struct limit l) {
    return lock(m, &l);
}

/* Free, but one that was woken is on its way: the first to come takes it, as in take_or_mark(). */
__attribute__((noinline)) static int try_slow(struct mutex *m, struct g *g) {
    hal_irq_t was = spin_lock(&m->lock);
    uintptr_t word = load(m);
    /* acquire: as in take(); flags change under the spinlock alone, so a failure is no pretence */
    bool ok = owner_of(word) == NULL &&
              atomic_compare_exchange_strong_explicit(&m->word, &word,
                                                      (uintptr_t)g | flags_after(m, word, false),
                                                      memory_order_acquire, memory_order_relaxed);
    spin_unlock_masked(&m->lock);
    if (ok) {
        g->mutexes++;
        goes_on(); /* others wait, perhaps */
    }
    hal_irq_restore(was);
    return ok ? 0 : -EBUSY;
}

int mutex_trylock(struct mutex *m) {
    check_may_block("mutex_trylock");
    struct g *g = hal_self();
    if (!take(m, g)) {
        return owner_of(load(m)) != NULL ? -EBUSY : try_slow(m, g);
    }
    g->mutexes++;
    return 0;
}

/* ---- unlocking ------------------------------------------------------------------------------ */

/* Under the spinlock: what word becomes as its owner lets go, with w taken off the list to have it,
 * or NULL: one is on its way already. */
static uintptr_t word_after(struct mutex *m, uintptr_t word, struct waiter *w) {
    if (w == NULL || (word & STARVING) == 0) {
        return WAITERS | WOKEN; /* no owner: it has to try, like all others */
    }
    w->ok = true;
    uintptr_t new = (uintptr_t)w->g;
    if (m->waiters.head != NULL) {
        bool long_ago = hal_now() - ((struct locker *)(void *)w)->since > STARVING_AFTER;
        new |= long_ago ? WAITERS | STARVING : WAITERS;
    }
    return new;
}

/* Flags stand. False: nobody waits any more; they are gone, the mutex is still ours. */
static bool let_go(struct mutex *m, struct g *g) {
    hal_irq_t was = spin_lock(&m->lock);
    uintptr_t word = load(m);
    struct waiter *w = (word & WOKEN) == 0 ? wait_take(&m->waiters) : NULL;
    if (w == NULL && (word & WOKEN) == 0) {
        atomic_store_explicit(&m->word, (uintptr_t)g, memory_order_relaxed); /* only we write it now */
        spin_unlock(&m->lock, was);
        return false;
    }
    struct g *next = w != NULL ? w->g : NULL;
    /* release: what we wrote inside, to the next owner; pairs with take_or_mark(), and with what the
     * woken G does next */
    atomic_store_explicit(&m->word, word_after(m, word, w), memory_order_release);
    spin_unlock_masked(&m->lock); /* next still comes by, so m is there */
    if (next != NULL) {
        ready(next);
    } else {
        goes_on();
    }
    hal_irq_restore(was);
    return true;
}

__attribute__((noinline)) void mutex_unlock_slow(struct mutex *m) {
    check_may_block("mutex_unlock");
    struct g *g = hal_self();
    if (owner_of(load(m)) != g) {
        FATAL("sync: unlock of unlocked mutex");
    }
    g->mutexes--;
    while (!let_go(m, g) && !open(m, g)) {
    }
}
