/* sched/event.c - events and flags: what handlers set and Gs wait for.
 *
 * An event may lie on the stack of who waits for it, and is gone when that G goes on (HAZARDS 12). So
 * it is built as a wait group is: one word says whether it is set and whether somebody waits. If
 * nobody does, the set never looks at the event again; else the waiters are there until the last is
 * off the list. One whose limit ends just then stays until the set is through.
 *
 * Flags are looked at under their lock alone, so that who goes on has been there after the one that
 * set them. A set looks at 32 waiters in one go; a mark in the list keeps its place meanwhile.
 * TOUR 13 / read next: sched/sema.c */
#include <bareloom/event.h>

#include "sched/assert.h"
#include "sched/wait.h"

/* Looked at under the lock in one go. */
#define BATCH 32

/* ---- event -------------------------------------------------------------------------------------- */

#define SET 1u
#define WAITERS                                                                                    \
    2u /* the list is not empty, or its last one is about to leave; set under the lock */

/* Both stand. Wakes all, and nobody before all are off the list; WAITERS goes with the last of them. */
static void release(struct event *e) {
    struct waiter *all = NULL, **end = &all;
    bool more = true;
    while (more) {
        hal_irq_t was = spin_lock(&e->lock);
        end = wait_take_batch(&e->waiters, end);
        more = e->waiters.head != NULL;
        if (!more) {
            /* release: what happened before the set, to a leave() that finds it done */
            atomic_store_explicit(&e->word, SET, memory_order_release);
        }
        spin_unlock(&e->lock, was);
    }
    wake_all(all, true);
}

void event_set(struct event *e) {
    /* acq_rel: what was done before the set goes to who finds it set, and of what waiters wrote
     * before they marked the word nothing is missed */
    uint32_t old = atomic_fetch_or_explicit(&e->word, SET, memory_order_acq_rel);
    if (old == WAITERS) {
        release(e);
    }
}

bool event_is_set(const struct event *e) {
    /* acquire: pairs with event_set() */
    return (atomic_load_explicit(&e->word, memory_order_acquire) & SET) != 0;
}

/* The limit of one that waited is over, and it is off the list. A set that has come meanwhile is on
 * its way to the list and will look at the event: it has to be waited for. */
static void leave(struct event *e) {
    for (;;) {
        hal_irq_t was = spin_lock(&e->lock);
        uint32_t word = WAITERS;
        if (e->waiters.head == NULL) {
            /* acquire: as in wait() */
            atomic_compare_exchange_strong_explicit(&e->word, &word, 0, memory_order_acquire,
                                                    memory_order_acquire);
        } else {
            word = atomic_load_explicit(&e->word, memory_order_acquire);
        }
        spin_unlock(&e->lock, was);
        if (word != (SET | WAITERS)) {
            return;
        }
        go_yield();
    }
}

static int wait(struct event *e, const struct limit *limit) {
    check_may_block("event_wait");
    if (event_is_set(e)) {
        return 0;
    }
    hal_irq_t was = spin_lock(&e->lock);
    uint32_t word = 0;
    /* acquire: pairs with event_set() */
    if (!atomic_compare_exchange_strong_explicit(&e->word, &word, WAITERS, memory_order_acquire,
                                                 memory_order_acquire) &&
        (word & SET) != 0) {
        spin_unlock(&e->lock, was);
        return 0;
    }
    struct waiter w = {0};
    int r = wait_on(&e->lock, &e->waiters, &w, WAIT_EVENT, limit);
    hal_irq_restore(was);
    if (r != 0) {
        leave(e);
    }
    return r;
}

void event_wait(struct event *e) {
    wait(e, NULL);
}

int event_wait_until(struct event *e, struct limit l) {
    return wait(e, &l);
}

/* ---- flags -------------------------------------------------------------------------------------- */

struct flags_waiter {
    struct waiter w; /* n: the bits; g NULL: a mark of flags_set(), nobody waits */
    uint32_t how;
    uint32_t got;
};

/* Under the lock. Whether w may go on: then it has what it waited for, and that is cleared if it
 * wants so. */
static bool satisfy(struct flags *f, struct flags_waiter *w) {
    uint32_t stand = f->bits & w->w.n;
    if ((w->how & FLAGS_ALL) != 0 ? stand != w->w.n : stand == 0) {
        return false;
    }
    if (w->w.queued && !wait_take_this(&f->waiters, &w->w)) {
        return false; /* its limit was first */
    }
    w->got = stand;
    if ((w->how & FLAGS_CLEAR) != 0) {
        f->bits &= ~stand;
    }
    return true;
}

/* Under the lock: looks at some waiters from *at on, which becomes the next one to look at, or NULL.
 * Returns those that go on. */
static struct waiter *satisfy_some(struct flags *f, struct waiter **at) {
    struct waiter *first = NULL, **end = &first;
    for (int i = 0; i < BATCH && *at != NULL; i++) {
        struct waiter *w = *at;
        *at = w->next;
        if (w->g != NULL && satisfy(f, (struct flags_waiter *)(void *)w)) {
            *end = w;
            end = &w->next;
        }
    }
    *end = NULL;
    return first;
}

/* Under the lock: puts mark before at. */
static void put_mark(struct flags *f, struct waiter *mark, struct waiter *at) {
    mark->next = at;
    mark->prev = at->prev;
    if (at->prev != NULL) {
        at->prev->next = mark;
    } else {
        f->waiters.head = mark;
    }
    at->prev = mark;
}

uint32_t flags_set(struct flags *f, uint32_t bits) {
    struct waiter mark = {0};
    hal_irq_t was = spin_lock(&f->lock);
    f->bits |= bits;
    struct waiter *at = f->waiters.head;
    for (;;) {
        struct waiter *some = satisfy_some(f, &at);
        uint32_t stand = f->bits;
        if (at != NULL) {
            put_mark(f, &mark, at);
        }
        spin_unlock(&f->lock, was);
        wake_all(some, true);
        if (at == NULL) {
            return stand; /* f may be gone */
        }
        was = spin_lock(&f->lock);
        at = mark.next;
        wait_unlink(&f->waiters, &mark);
    }
}

uint32_t flags_clear(struct flags *f, uint32_t bits) {
    hal_irq_t was = spin_lock(&f->lock);
    uint32_t stood = f->bits;
    f->bits = stood & ~bits;
    spin_unlock(&f->lock, was);
    return stood;
}

uint32_t flags_get(struct flags *f) {
    return flags_clear(f, 0);
}

static int wait_flags(struct flags *f, uint32_t bits, uint32_t how, uint32_t *got,
                      const struct limit *limit) {
    check_may_block("flags_wait");
    struct flags_waiter me = {.w.n = bits, .how = how};
    hal_irq_t was = spin_lock(&f->lock);
    int r = 0;
    if (satisfy(f, &me)) {
        spin_unlock_masked(&f->lock);
    } else {
        r = wait_on(&f->lock, &f->waiters, &me.w, WAIT_EVENT, limit);
    }
    hal_irq_restore(was);
    if (r == 0 && got != NULL) {
        *got = me.got;
    }
    return r;
}

uint32_t flags_wait(struct flags *f, uint32_t bits, uint32_t how) {
    uint32_t got = 0;
    wait_flags(f, bits, how, &got, NULL);
    return got;
}

int flags_wait_until(struct flags *f, uint32_t bits, uint32_t how, uint32_t *got, struct limit l) {
    return wait_flags(f, bits, how, got, &l);
}
