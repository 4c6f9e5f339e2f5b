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

    /* The fast way. While c is open and nobody waits on a list: the room in the buffer, shifted by CHAN_ROOM, and the values there;
     * held is 0. Who finds the one that it needs not 0 has to look at nothing else. Otherwise 0, and held is the values.
     * Written under lock; read without by chan_len() and by a select that asks around, which only want a hint: relaxed */
    _Atomic uint64_t open;
    _Atomic uint32_t held;
    /* The same hint where open is 0: who waits, perhaps, and that c is closed. A bit that is not set is true while the
     * lock is held. */
    _Atomic uint32_t tells;

    /* Places in the buffer, from capacity down to 1 and again: cheaper to go round than upwards. */
    uint32_t send_at;
    uint32_t capacity; /* set once; here to be loaded with either neighbor */
    uint32_t recv_at;

    uint8_t word; /* set once: elem is 8, and capacity below UINT32_MAX, so the fast way is one for it */

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

#define TELLS_RECEIVERS 1u
#define TELLS_SENDERS   2u
#define TELLS_CLOSED    4u

#define CHAN_ROOM      32
#define CHAN_ONE_PLACE (UINT64_C(1) << CHAN_ROOM)
#define CHAN_ONE_MORE  (CHAN_ONE_PLACE - 1) /* taken from open: one value more, one place less */

static inline uint32_t open_values(uint64_t open) {
    return (uint32_t)open;
}

/* The values in the buffer. */
static inline uint32_t chan_count(const struct chan *c) {
    return open_values(relaxed_load(&c->open)) + relaxed_load(&c->held);
}

/* Under the lock: somebody is about to wait, or c to be closed: the fast way ends, and tells is what others see. */
static inline void chan_slow(struct chan *c, uint32_t tells) {
    relaxed_store(&c->tells, tells);
    uint64_t open = relaxed_load(&c->open);
    if (open != 0) {
        relaxed_store(&c->held, open_values(open));
        relaxed_store(&c->open, 0);
    }
}

/* Under the lock, taken with that note: who waited alone is on a list. A word's channel alone has such: who waits first
 * where nobody does is in the note and not on the list (wait.h), with NOTE_SENDER if it sends. Then the fast way need
 * not end: who finds a note does not take it. */
#define NOTE_SENDER NOTE_TAG

UNCOMMON void chan_lists(struct chan *c, uint64_t note) NEEDS(c->lock);

static inline void chan_noted(struct chan *c, uint64_t note) NEEDS(c->lock) {
    if (__builtin_expect(note_waiter(note) != NULL, 0)) {
        chan_lists(c, note);
    }
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

typedef uint64_t __attribute__((may_alias, aligned(1))) any_word;

static inline void chan_touch_word(const void *v) {
    (void)*(const volatile any_word *)v;
}

/* An open channel with nothing in it; room for the buffer lies behind c. */
static inline void chan_init(struct chan *c, size_t elem, uint32_t capacity) {
    *c = (struct chan){.elem = (uint32_t)elem,
                       .open = (uint64_t)capacity << CHAN_ROOM,
                       .send_at = capacity,
                       .capacity = capacity,
                       .recv_at = capacity,
                       .word = elem == sizeof(uint64_t) && capacity != UINT32_MAX};
}

/* What chan_free() wants to be true, of a channel whose memory is not its own. */
void chan_end(struct chan *c);
