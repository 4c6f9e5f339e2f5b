/*
 * sched/wait.h - waiting on an object: one record per waiter, one list per object, one winner per
 * wait.
 *
 * A waiter lies on its G's stack and is linked into the object's list under the object's spinlock.
 * Whoever takes it off the list under that lock ends the wait - unless the wait also has a
 * deadline: then waker and timer race, and the one whose compare-and-swap moves g->wait from seq <<
 * 1 to seq << 1 | 1 is the winner. seq is new for each such wait, so a timer or waker left over
 * from an old one loses. g->wait lies in the G, which is never unmapped, so losing is safe at any
 * time.
 *
 * No object is touched after the store that may release its waiter: the waiter may free it (HAZARDS
 * 12).
 */
#pragma once

#include <bareloom/sync.h>

#include "sched/sched.h"

struct waiter {
    struct waiter *next, *prev;
    struct g *g;
    void *data;   /* channel: the value's place */
    uint32_t seq; /* with timed */
    bool timed;   /* a deadline races with the waker */
    bool queued;  /* on the list; guarded by the object's lock */
    bool ok; /* set by the waker before ready(): the operation was done, not ended by a close */
};

/* Own G. Begins a wait that more than one may end; returns its number. */
static inline uint32_t wait_begin(struct g *g) {
    uint32_t seq = (atomic_load_explicit(&g->wait, memory_order_relaxed) >> 1) + 1;
    /* relaxed: the number is published with the waiter or the timer, under their locks */
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

/* Under the object's lock: the first waiter whose wait is ours to end, off the list; NULL: none. */
static inline struct waiter *wait_take(struct wait_list *l) {
    struct waiter *w;
    while ((w = l->head) != NULL) {
        wait_unlink(l, w);
        if (!w->timed || wait_claim(w->g, w->seq)) {
            return w;
        }
    }
    return NULL;
}
