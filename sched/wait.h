/*
 * sched/wait.h - waiting on an object: one record per waiter, one list per object, one winner per
 * wait.
 *
 * A waiter lies on its G's stack and is linked into the object's list under the object's spinlock.
 * Whoever takes it off the list under that lock ends the wait - unless others may end it too (a
 * deadline, a context, the other channels of a select): such a wait is shared, and the one whose
 * compare-and-swap moves g->wait from seq << 1 to seq << 1 | 1 is the winner. seq is new for each
 * shared wait, so a timer or waker left over from an old one loses. g->wait lies in the G, which is
 * never unmapped, so losing is safe at any time. The waiter is not: a loser must have met it under
 * the lock of its list, and not look at it afterwards.
 *
 * Where one waits alone and for ever, as it nearly always is, it need not be on the list: objects that know this
 * (semaphores, channels) leave the waiter in the note of their lock, written by the store that opens it. Who takes the
 * lock then finds it there at once, and puts it onto the list if it has not come for just that (wait_lists); or takes it
 * out by an exchange, without the lock (wait_take_alone). A wait group has the G itself in another word (sched/wg.c).
 *
 * No object is touched after the store that may release its waiter: the waiter may free it (HAZARDS
 * 12). So a waker opens the object's lock first and calls ready() last.
 *
 * TOUR 11 / read next: sched/wait.c
 */
#pragma once

#include <bareloom/limit.h>
#include <bareloom/sync.h>

#include "sched/sched.h"

struct waiter {
    struct waiter *next, *prev;
    struct g *g;  /* see wait_was_served() */
    void *data;   /* the object's: a channel's value */
    uint32_t n;   /* the object's: a value's size, what a semaphore is asked for */
    uint32_t seq; /* with shared */
    bool shared;  /* more than one may end this wait */
    bool queued;  /* on the list; guarded by the object's lock */
    bool woken; /* with shared: taken by a waker, who won; written under the object's lock, before ready() */
    bool ok; /* the object's: set by the waker before ready() */
};

/* Own G, after a waker has ended the wait: whether it did by what was waited for, and not by wake_all(chain, false). */
static inline bool wait_was_served(const struct waiter *w) {
    return w->g != NULL;
}

/* ---- notes: what an object's lock says when it is open (spinlock.h) ------------------------------------------- */

/* Nobody waits, with the sign off: 0, or the object's. Else somebody waits on the list, perhaps; and beside this flag
 * the address of the waiter that waits alone, and not on the list, with NOTE_TAG as the object's. */
#define NOTE_LISTED (UINT64_C(1) << 63)
#define NOTE_TAG    (UINT64_C(1) << 61)

/* Who waits alone, or NULL. */
static inline struct waiter *note_waiter(uint64_t note) {
    return (int64_t)note < 0 ? (struct waiter *)(uintptr_t)(note & ~(NOTE_LISTED | NOTE_TAG)) : NULL;
}

/* The same, if that is with tag and the lock was open. */
static inline struct waiter *note_alone(uint64_t note, uint64_t tag) {
    uint64_t w = note ^ (NOTE_LISTED | tag);
    return w - 1 < NOTE_TAG - 1 ? (struct waiter *)(uintptr_t)w : NULL;
}

/* Masked. Who waits alone, without a tag; it does so no more: its wait is the caller's to end. Or NULL. */
static inline struct waiter *wait_take_alone(spinlock_t *lock) NEEDS(irq_masked) {
    /* acquire: pairs with the store that opened the lock, the waiter is seen */
    return (struct waiter *)hal_take_address(lock);
}

/* Own G. Begins a wait that more than one may end; returns its number. */
static inline uint32_t wait_begin(struct g *g) {
    uint32_t seq = (atomic_load_explicit(&g->wait, memory_order_relaxed) >> 1) + 1;
    /* relaxed: the number is published with the waiter or the alarm, under their locks */
    atomic_store_explicit(&g->wait, seq << 1, memory_order_relaxed);
    return seq & (UINT32_MAX >> 1);
}

/* True for exactly one caller per wait. */
static inline bool wait_claim(struct g *g, uint32_t seq) {
    uint32_t open = seq << 1;
    /* acq_rel: the winner sees what the waiter wrote; the loser's later reading sees the winner */
    return atomic_compare_exchange_strong_explicit(&g->wait, &open, open | 1, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* Under the object's lock, of a waiter on the list: somebody else has ended its wait. */
static inline bool wait_is_over(const struct waiter *w) {
    /* relaxed: a hint; one that is over stays so until its G takes this lock */
    return w->shared && atomic_load_explicit(&w->g->wait, memory_order_relaxed) != (w->seq << 1);
}

/* Under the object's lock. */
static inline void wait_enqueue(struct wait_list *l, struct waiter *w) {
    w->next = NULL;
    w->prev = l->tail;
    w->queued = true;
    if (l->tail != NULL) {
        l->tail->next = w;
    } else {
        l->head = w;
    }
    l->tail = w;
}

/* The same for one that has waited before and must not lose its place. */
static inline void wait_enqueue_first(struct wait_list *l, struct waiter *w) {
    w->prev = NULL;
    w->next = l->head;
    w->queued = true;
    if (l->head != NULL) {
        l->head->prev = w;
    } else {
        l->tail = w;
    }
    l->head = w;
}

/* Under the object's lock. w, who waited alone, waits on l. */
static inline void wait_lists(struct wait_list *l, struct waiter *w) {
    w->shared = false;
    wait_enqueue(l, w);
}

static inline void wait_unlink(struct wait_list *l, struct waiter *w) {
    if (w->prev != NULL) {
        w->prev->next = w->next;
    } else {
        l->head = w->next;
    }
    if (w->next != NULL) {
        w->next->prev = w->prev;
    } else {
        l->tail = w->prev;
    }
    w->queued = false;
}

static inline void wait_unlink_first(struct wait_list *l, struct waiter *w) {
    l->head = w->next;
    if (w->next != NULL) {
        w->next->prev = NULL;
    } else {
        l->tail = NULL;
    }
    w->queued = false;
}

/* Under the object's lock, w off the list: whether its wait is the caller's to end. */
static inline bool wait_is_ours(struct waiter *w) {
    if (!w->shared) {
        return true;
    }
    if (!wait_claim(w->g, w->seq)) {
        return false;
    }
    w->woken = true;
    return true;
}

/* Under the object's lock: w off the list; true: its wait is ours to end, its G stays parked until
 * our ready(). */
static inline bool wait_take_this(struct wait_list *l, struct waiter *w) {
    wait_unlink(l, w);
    return wait_is_ours(w);
}

/* The same for the first waiter whose wait is ours to end; NULL: none. */
static inline struct waiter *wait_take(struct wait_list *l) {
    struct waiter *w;
    while ((w = l->head) != NULL) {
        wait_unlink_first(l, w);
        if (wait_is_ours(w)) {
            return w;
        }
    }
    return NULL;
}

/* Under the object's lock: the same for up to a batch of them, which *end and next then link, for
 * wake_all(); the new end. There may be more as long as the list is not empty. */
struct waiter **wait_take_batch(struct wait_list *l, struct waiter **end);

/* Whether the wait may end by itself. */
static inline bool is_limited(const struct limit *limit) {
    return limit != NULL && (limit->when != FOREVER || limit->ctx != NULL);
}

/* Own G, around a wait_on(): it waits for object, whose first word names a holder; NULL, without a limit: no more. */
static inline void wait_has_holder(struct g *g, void *object, const struct limit *limit) {
    /* relaxed: for watchdogs, which read the object by hal_peek() alone and look twice */
    uintptr_t on = (uintptr_t)object | (is_limited(limit) ? WAITS_LIMITED : 0);
    atomic_store_explicit(&g->waits_on, (void *)on, memory_order_relaxed);
}

/* No lock held. Makes the Gs of such a chain runnable, with interrupts masked for a batch at a time; served is what
 * wait_was_served() tells each of them. In schedule.c */
void wake_all(struct waiter *chain, bool served);

/* A G, masked, with the object's lock, and nothing to be had there. Puts w (with what is the
 * object's own filled in) on l and waits for why; the lock is opened once the G is off its stack.
 * limit: how long, NULL for ever. Returns masked, with the lock open and w off l:
 *      0            a waker took w: the object may be gone
 *      -ETIMEDOUT, -ECANCELED, -ENOMEM    as in <bareloom/limit.h> */
int wait_on(spinlock_t *lock, struct wait_list *l, struct waiter *w, enum wait_reason why,
            const struct limit *limit) NEEDS(irq_masked) OPENS(*lock);

/* The same for an object that leaves NOTE_LISTED, and nothing else, in its lock as long as somebody is on l, and has its
 * own to leave there else. If it fails and w is on l still, the lock is held, or again: then the caller says wait_kept() -
 * to the lock checker, which cannot see it - and does what is left. */
int wait_on_and_keep(spinlock_t *lock, struct wait_list *l, struct waiter *w, enum wait_reason why,
                     const struct limit *limit) NEEDS(irq_masked) OPENS(*lock);

static inline void wait_kept(spinlock_t *lock) TAKES(*lock) UNCHECKED {
    (void)lock;
}

/* The same as wait_on() for g, the caller, if it waits alone and for ever, of which only the object's fields that its wakers look at
 * are to be filled in: in the note, with tag. Returns unmasked. */
static inline void wait_alone(spinlock_t *lock, struct waiter *w, struct g *g, uint64_t tag,
                              enum wait_reason why) OPENS(irq_masked, *lock) {
    w->g = g;
    park_on(lock, G_WAITING + (unsigned)why, g, NOTE_LISTED | (uintptr_t)w | tag);
}

/* Without a limit; returns unmasked. */
static inline void wait_for_ever(spinlock_t *lock, struct wait_list *l, struct waiter *w,
                                 enum wait_reason why) OPENS(irq_masked, *lock) {
    struct g *g = w->g = hal_self();
    wait_enqueue(l, w);
    park_on(lock, G_WAITING + (unsigned)why, g, NOTE_LISTED);
}

/* The same, before those who wait already. */
int wait_on_first(spinlock_t *lock, struct wait_list *l, struct waiter *w, enum wait_reason why,
                  const struct limit *limit) NEEDS(irq_masked) OPENS(*lock);

/* ---- a limit beside other waits (select.c) ---------------------------------------------------- */

/* What a limit needs while its G waits; on the G's stack. */
struct limit_wait {
    const struct limit *limit; /* NULL: for ever */
    struct waiter cancel;      /* on the context's list */
    bool alarm;                /* a deadline was set */
    bool canceled;             /* the context was done before the wait began */
};

/* Own G, masked. Before the wait: 0; -ETIMEDOUT when it is over already; -ENOMEM. After 0 the G must
 * park before it is unmasked. */
int limit_begin(struct limit_wait *lw, const struct limit *limit) NEEDS(irq_masked);

/* g0, from then(), with the locks of the objects held and seq begun. Starts the deadline and joins
 * the context. False: the context is done, the wait has been claimed; the caller opens its locks and
 * makes g ready. */
bool limit_arm(struct limit_wait *lw, struct g *g, uint32_t seq) NEEDS(irq_masked);

/* Own G, masked, no lock held, after the wait. Takes deadline and context away; returns why the wait
 * ended if no waker ended it. */
int limit_end(struct limit_wait *lw, struct g *g) NEEDS(irq_masked);
