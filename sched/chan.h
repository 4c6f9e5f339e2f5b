/*
 * sched/chan.h - what a channel is, for those who wait on several (select.c) and for timers.
 */
#pragma once

#include <bareloom/chan.h>

#include "sched/wait.h"

#define CHAN_HANDLER_MAX 64u

struct chan {
    spinlock_t lock;

    /* set once */
    uint32_t elem;
    size_t capacity;
    size_t bytes;        /* of the whole object */
    struct timer *timer; /* whose channel it is: it looks unbuffered, and goes with its timer; else NULL */

    /* guarded by lock; chan_len() reads count without it, as a hint */
    bool closed;
    bool closing; /* a chan_close() is not over; chan_free() waits for it */
    size_t count;
    size_t recv_at, send_at;
    struct wait_list senders, receivers;

    _Alignas(16) unsigned char buffer[];
};

/* Larger values are copied with preemption off but interrupts open, and so are not for handlers:
 * the lock of such a channel is held with interrupts open, too. */
static inline bool chan_big(const struct chan *c) {
    return c->elem > CHAN_HANDLER_MAX;
}

/* Under the lock: whether a send, or a receive, could go on now. May be wrong in saying yes, for a
 * waiter whose wait somebody else has ended. */
static inline bool chan_can(const struct chan *c, bool send) {
    if (send) {
        return c->closed || c->receivers.head != NULL || c->count < c->capacity;
    }
    return c->count != 0 || c->senders.head != NULL || c->closed;
}

/* Both sides touch every page of a value before they take a lock: the partner of a parked G writes
 * into that G's stack, where nobody else may fault (HAZARDS 14). */
void chan_touch_large(const void *v, size_t n);

static inline void chan_touch(const void *v, size_t n) {
    const volatile unsigned char *p = v;
    if (n > CHAN_HANDLER_MAX) {
        if (v != NULL) {
            chan_touch_large(v, n);
        }
    } else if (v != NULL && n != 0) {
        (void)p[0];
        (void)p[n - 1];
    }
}

/* Gives a channel's memory back, whoever it belongs to. */
void chan_release(struct chan *c);
