/* sched/rwmutex.c - many readers or one writer; neither can keep the other out.
 *
 * word is either the writer's struct g with WRITER, or the number of readers; beside them WAITERS.
 * While that flag does not stand, each call is one compare-and-swap, and an unlock never looks at the
 * mutex again (HAZARDS 12). It is set and cleared under the spinlock alone, only while somebody holds
 * the mutex, and while it stands everybody takes the spinlock; the unlock that finds nobody waiting
 * clears it first and then goes the fast way.
 *
 * Who waits is handed the mutex, nobody overtakes it:
 *
 *      a writer waits           no new reader comes in; the last reader makes the first writer owner
 *      the writer unlocks       all readers that wait by then come in, before the next writer. It
 *                               lets them in as one reader among them, in batches, so that no writer
 *                               can have the mutex meanwhile; turn tells them from those who come later
 *      a writer's limit ends    if it was the last one that waited, the readers behind it come in
 *
 * TOUR 13 / read next: sched/cond.c */
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/wait.h"

#define WAITERS ((uintptr_t)1)
#define WRITER  ((uintptr_t)2)
#define READER  ((uintptr_t)8) /* one of them; a struct g leaves the three bits below free, too */

/* Let in under the spinlock in one go. */
#define BATCH 32

static uintptr_t load(const struct rwmutex *m) {
    return atomic_load_explicit(&m->word, memory_order_relaxed); /* acted on by compare-and-swap */
}

struct g *rwmutex_writer(const struct rwmutex *m) {
    uintptr_t word = load(m);
    return (word & WRITER) != 0 ? (struct g *)(word & ~(WAITERS | WRITER)) : NULL;
}

static bool read_locked(uintptr_t word) {
    return (word & WRITER) == 0 && word >= READER;
}

/* ---- under the spinlock --------------------------------------------------------------------- */

/* What stands beside the holder. */
static uintptr_t flag(const struct rwmutex *m) {
    return m->readers.head != NULL || m->writers.head != NULL ? WAITERS : 0;
}

/* While WAITERS stands nobody else writes word. acquire: the unlocks until now, to whom we let in. */
static uintptr_t load_ours(const struct rwmutex *m) {
    return atomic_load_explicit(&m->word, memory_order_acquire);
}

/* release: pairs with the acquire of whoever takes the mutex next. */
static void store_ours(struct rwmutex *m, uintptr_t word) {
    atomic_store_explicit(&m->word, word, memory_order_release);
}

/* True: we read. False: WAITERS stands, so that the holder will come by. */
static bool read_or_mark(struct rwmutex *m) {
    uintptr_t word = load(m), new;
    bool in;
    do {
        in = (word & WRITER) == 0 && m->writers.head == NULL;
        new = in ? ((word & ~WAITERS) + READER) | flag(m) : word | WAITERS;
        /* acquire: the last writer's unlock; release: for who takes over from us under the spinlock */
    } while (!atomic_compare_exchange_weak_explicit(&m->word, &word, new, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return in;
}

/* The same for a writer. */
static bool write_or_mark(struct rwmutex *m, struct g *g) {
    uintptr_t word = load(m), new;
    do {
        new = word == 0 ? (uintptr_t)g | WRITER : word | WAITERS;
        /* as in read_or_mark() */
    } while (!atomic_compare_exchange_weak_explicit(&m->word, &word, new, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return word == 0;
}

/* Of the readers that may come in the first one, whose wait is over for us to end; or NULL. */
static struct waiter *take_reader(struct rwmutex *m) NEEDS(m->lock) {
    struct waiter *w;
    while ((w = m->readers.head) != NULL && (m->writers.head == NULL || w->n != m->turn)) {
        if (wait_take_this(&m->readers, w)) {
            return w;
        }
    }
    return NULL;
}

/* Opens the spinlock. If readers hold the mutex, or nobody, those who may come in do; the caller is
 * one of the holders, or in a call that has not returned yet, so the mutex is there between the
 * batches. */
static void let_in(struct rwmutex *m, hal_irq_t was) OPENS(irq_masked, m->lock) {
    for (;;) {
        struct waiter *first = NULL, **end = &first, *w = NULL;
        uintptr_t n = 0;
        if ((load(m) & WRITER) == 0) {
            for (; n < BATCH && (w = take_reader(m)) != NULL; n++) {
                *end = w;
                end = &w->next;
            }
        }
        *end = NULL;
        if (n != 0) { /* they stood on the list, so WAITERS does, and word is ours */
            store_ours(m, ((load_ours(m) & ~WAITERS) + n * READER) | flag(m));
        }
        spin_unlock(&m->lock, was);
        wake_all(first, true);
        if (w == NULL) {
            return;
        }
        was = spin_lock(&m->lock);
    }
}

/* From the last holder. The first writer that waits becomes the owner; to be made ready with open(). */
static struct g *pass_to_writer(struct rwmutex *m) {
    struct waiter *w = wait_take(&m->writers);
    if (w == NULL) {
        return NULL;
    }
    store_ours(m, (uintptr_t)w->g | WRITER | flag(m));
    return w->g;
}

/* next is parked until then, so m is there; NULL: nobody. */
static void open(struct rwmutex *m, struct g *next, hal_irq_t was) OPENS(irq_masked, m->lock) {
    spin_unlock_masked(&m->lock);
    if (next != NULL) {
        ready(next);
    }
    hal_irq_restore(was);
}

/* ---- locking -------------------------------------------------------------------------------- */

/* The fast path: nobody waits and nobody writes. */
static bool read(struct rwmutex *m) {
    uintptr_t word = load(m);
    while ((word & (WAITERS | WRITER)) == 0) {
        /* acquire: pairs with the writer's release */
        if (atomic_compare_exchange_weak_explicit(&m->word, &word, word + READER,
                                                  memory_order_acquire, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

/* The fast path: nobody holds it. */
static bool write(struct rwmutex *m, struct g *g) {
    uintptr_t nobody = 0;
    /* acquire: pairs with the last writer's release and, since they are read-modify-writes, with all
     * the readers' */
    return atomic_compare_exchange_strong_explicit(&m->word, &nobody, (uintptr_t)g | WRITER,
                                                   memory_order_acquire, memory_order_relaxed);
}

/* Masked, with the spinlock, and word marked. */
static int wait_for(struct rwmutex *m, struct wait_list *l, enum wait_reason why,
                    const struct limit *limit) NEEDS(irq_masked) OPENS(m->lock) {
    struct g *g = hal_self();
    struct waiter w = {.n = m->turn};
    wait_has_holder(g, m, limit);
    int r = wait_on(&m->lock, l, &w, why, limit);
    wait_has_holder(g, NULL, NULL);
    return r;
}

static void check_not_writer(struct rwmutex *m, const char *what) {
    struct g *g = hal_self();
    if (rwmutex_writer(m) == g) {
        PANIC("%s: goroutine %lu owns the mutex already", what, (unsigned long)g->id);
    }
}

static int read_lock(struct rwmutex *m, const struct limit *limit) {
    check_may_block("rwmutex_rlock");
    if (read(m)) {
        return 0;
    }
    check_not_writer(m, "rwmutex_rlock");
    hal_irq_t was = spin_lock(&m->lock);
    int r = 0;
    if (read_or_mark(m)) {
        spin_unlock_masked(&m->lock);
    } else {
        r = wait_for(m, &m->readers, WAIT_RWMUTEX_R, limit);
    }
    hal_irq_restore(was);
    return r;
}

void rwmutex_rlock(struct rwmutex *m) {
    read_lock(m, NULL);
}

int rwmutex_rlock_until(struct rwmutex *m, struct limit l) {
    return read_lock(m, &l);
}

int rwmutex_tryrlock(struct rwmutex *m) {
    check_may_block("rwmutex_tryrlock");
    if (read(m)) {
        return 0;
    }
    if ((load(m) & WRITER) != 0) {
        return -EBUSY;
    }
    hal_irq_t was = spin_lock(&m->lock);
    uintptr_t word = load(m);
    bool ok = false;
    while ((word & WRITER) == 0 && m->writers.head == NULL && !ok) {
        /* as in read_or_mark() */
        ok = atomic_compare_exchange_weak_explicit(&m->word, &word, word + READER,
                                                   memory_order_acq_rel, memory_order_relaxed);
    }
    spin_unlock(&m->lock, was);
    return ok ? 0 : -EBUSY;
}

static int write_slow(struct rwmutex *m, struct g *g, const struct limit *limit) {
    hal_irq_t was = spin_lock(&m->lock);
    int r = 0;
    if (write_or_mark(m, g)) {
        spin_unlock_masked(&m->lock);
    } else {
        r = wait_for(m, &m->writers, WAIT_RWMUTEX_W, limit);
    }
    hal_irq_restore(was);
    if (r != 0) {
        let_in(m, spin_lock(&m->lock)); /* readers that only we kept out */
    }
    return r;
}

static int write_lock(struct rwmutex *m, const struct limit *limit) {
    check_may_block("rwmutex_lock");
    struct g *g = hal_self();
    if (!write(m, g)) {
        check_not_writer(m, "rwmutex_lock");
        int r = write_slow(m, g, limit);
        if (r != 0) {
            return r;
        }
    }
    g->mutexes++;
    return 0;
}

void rwmutex_lock(struct rwmutex *m) {
    write_lock(m, NULL);
}

int rwmutex_lock_until(struct rwmutex *m, struct limit l) {
    return write_lock(m, &l);
}

int rwmutex_trylock(struct rwmutex *m) {
    check_may_block("rwmutex_trylock");
    struct g *g = hal_self();
    if (!write(m, g)) { /* where somebody waits, somebody holds it */
        return -EBUSY;
    }
    g->mutexes++;
    return 0;
}

/* ---- unlocking ------------------------------------------------------------------------------ */

static void check_read_locked(uintptr_t word) {
    if (!read_locked(word)) {
        FATAL("sync: RUnlock of unlocked RWMutex");
    }
}

/* WAITERS stood. False: now it does not, or those who waited have come in; we still read. */
static bool read_let_go(struct rwmutex *m) {
    hal_irq_t was = spin_lock(&m->lock);
    uintptr_t word = load_ours(m);
    check_read_locked(word);
    struct g *next = NULL;
    bool gone = false;
    if (flag(m) == 0) {
        /* a reader that came may have cleared it; then others write word, too: the fast way is right */
        atomic_fetch_and_explicit(&m->word, ~WAITERS, memory_order_release);
    } else if (word >= 2 * READER) {
        store_ours(m, word - READER);
        gone = true;
    } else if ((next = pass_to_writer(m)) != NULL) {
        gone = true;
    } else {
        let_in(m, was);
        return false;
    }
    open(m, next, was);
    return gone;
}

static void read_unlock(struct rwmutex *m) {
    uintptr_t word = load(m);
    for (;;) {
        check_read_locked(word);
        if ((word & WAITERS) != 0) {
            if (read_let_go(m)) {
                return;
            }
            word = load(m);
            continue;
        }
        /* release: what we read was read before the next writer writes */
        if (atomic_compare_exchange_weak_explicit(&m->word, &word, word - READER,
                                                  memory_order_release, memory_order_relaxed)) {
            return;
        }
    }
}

void rwmutex_runlock(struct rwmutex *m) {
    check_may_block("rwmutex_runlock");
    read_unlock(m);
}

/* WAITERS stands. */
static void write_let_go(struct rwmutex *m) {
    hal_irq_t was = spin_lock(&m->lock);
    struct g *next = m->readers.head == NULL ? pass_to_writer(m) : NULL;
    if (next != NULL) {
        open(m, next, was);
        return;
    }
    m->turn++; /* who waits now is not of this turn */
    store_ours(m, READER | WAITERS);
    let_in(m, was);
    read_unlock(m);
}

void rwmutex_unlock(struct rwmutex *m) {
    check_may_block("rwmutex_unlock");
    struct g *g = hal_self();
    uintptr_t mine = (uintptr_t)g | WRITER;
    if ((load(m) & ~WAITERS) != mine) {
        FATAL("sync: Unlock of unlocked RWMutex");
    }
    g->mutexes--;
    /* release: pairs with read() and write() */
    if (!atomic_compare_exchange_strong_explicit(&m->word, &mine, 0, memory_order_release,
                                                 memory_order_relaxed)) {
        write_let_go(m);
    }
}
