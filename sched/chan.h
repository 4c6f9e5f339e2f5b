/*
 * sched/chan.h - what a channel is, for those who wait on several (select.c) and for timers.
 */
#pragma once

#include <bareloom/chan.h>

#include "sched/wait.h"

#define CHAN_HANDLER_MAX 64u

struct chan {
    spinlock_t lock;
    uint32_t elem; /* set once */

    /* Guarded by lock; chan_len() reads it without, as a hint. The fast way: who finds the number that it needs not 0
     * has to look at nothing else. While c is open and nobody waits, sends is the room in the buffer, recvs the values
     * there, and held is 0. Otherwise sends and recvs are 0, and held is the values. */
    size_t sends, recvs, held;
    /* Places in the buffer, from capacity down to 1 and again: cheaper to go round than upwards. */
    size_t send_at;
    size_t capacity; /* set once; here to be loaded with either neighbor */
    size_t recv_at;

    uint8_t word; /* set once: elem is 8, so the fast way is one for it */

    /* guarded by lock */
    bool closed;
    bool closing; /* a chan_close() is not over; chan_free() waits for it */
    struct wait_list senders, receivers;

    struct timer *timer; /* set once: whose channel it is: it looks unbuffered, and goes with its timer; else NULL */

    _Alignas(16) unsigned char buffer[];
};

/* Larger values are copied with preemption off but interrupts open, and so are not for handlers:
 * the lock of such a channel is held with interrupts open, too. */
static inline bool chan_big(const struct chan *c) {
    return c->elem > CHAN_HANDLER_MAX;
}

/* The values in the buffer. */
static inline size_t chan_count(const struct chan *c) {
    return c->recvs + c->held;
}

/* Under the lock: somebody is about to wait, or c to be closed: the fast way ends. */
static inline void chan_slow(struct chan *c) {
    c->held = chan_count(c);
    c->sends = c->recvs = 0;
}

/* Under the lock: whether a send, or a receive, could go on now. May be wrong in saying yes, for a
 * waiter whose wait somebody else has ended. */
static inline bool chan_can(const struct chan *c, bool send) {
    if (send) {
        return c->closed || c->receivers.head != NULL || chan_count(c) < c->capacity;
    }
    return chan_count(c) != 0 || c->senders.head != NULL || c->closed;
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
