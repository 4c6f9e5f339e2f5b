/*
 * sched/alarm.h - per-core heaps of what is due at a point in time: deadlines of waits, timers.
 *
 * An alarm is in the heap of the core that started it until that core's handler pops it or anyone
 * removes it under the heap's lock. One that was popped just before it was stopped still comes to
 * its end on the other core: it ends a wait by claiming it (wait.h), or fires a timer under that
 * timer's lock, each with the seq it had in the heap, and so does nothing when it is late (HAZARDS
 * 2). Alarms are never stolen or moved.
 */
#pragma once

#include "hal/sanitize.h"
#include "sched/assert.h"
#include "sched/sched.h"

#define ALARM_IDLE (UINT32_MAX - 1) /* nor is it the place before the first */

/* Core 0, at boot. */
void alarms_init(void);

/* ---- the heap itself: also for its unit test. Under its lock. ------------------------------- */

static inline void heap_place(struct alarm_heap *h, uint32_t at, struct alarm_slot s) NEEDS(h->lock) {
    h->slots[at] = s;
    relaxed_store(&s.alarm->pos, at); /* only that it is not ALARM_IDLE is looked at without the lock */
}

void heap_sift_up(struct alarm_heap *h, uint32_t at, struct alarm_slot s) NEEDS(h->lock);
void heap_sift_down(struct alarm_heap *h, uint32_t at, struct alarm_slot s) NEEDS(h->lock);
struct alarm *heap_pop(struct alarm_heap *h, uint32_t *seq) NEEDS(h->lock);

/* Of n: one more, that is due at when, does not become the last. */
static inline bool heap_rises(const struct alarm_heap *h, uint32_t n, int64_t when) NEEDS(h->lock) {
    return n != 0 && h->slots[(n - 1) / 4].when > when;
}

/* Behind n others: it does not rise. */
static inline void heap_push_last(struct alarm_heap *h, uint32_t n, int64_t when, struct alarm *a)
    NEEDS(h->lock) {
    relaxed_store(&h->n, n + 1);
    heap_place(h, n, (struct alarm_slot){.when = when, .alarm = a});
    if (n == 0) {
        relaxed_store(&h->first, when);
    }
}

static inline void heap_push(struct alarm_heap *h, int64_t when, struct alarm *a) NEEDS(h->lock) {
    uint32_t n = alarms_in(h);
    ASSERT(n < h->capacity);
    if (heap_rises(h, n, when)) {
        relaxed_store(&h->n, n + 1);
        heap_sift_up(h, n, (struct alarm_slot){.when = when, .alarm = a});
    } else {
        heap_push_last(h, n, when, a); /* the commonest: it comes later than what is there */
    }
}

/* Whether a is the last of n. It may be in another heap, or in none: pos is looked at, what stands there tells. */
static inline bool heap_ends_with(const struct alarm_heap *h, uint32_t n, const struct alarm *a)
    NEEDS(h->lock) {
    uint32_t at = relaxed_load(&a->pos);
    return at == n - 1 && h->slots[at].alarm == a;
}

/* Of a timer, the last, behind n others. */
static inline void heap_remove_last(struct alarm_heap *h, uint32_t n, struct alarm *a) NEEDS(h->lock) {
    relaxed_store(&a->pos, ALARM_IDLE); /* of a timer, and nobody acts on that without a lock */
    relaxed_store(&h->n, n);
    if (n == 0) {
        relaxed_store(&h->first, INT64_MAX);
    }
}

/* Of a, which is there. */
static inline void heap_remove(struct alarm_heap *h, struct alarm *a) NEEDS(h->lock) {
    struct alarm_slot *slots = h->slots;
    uint32_t at = relaxed_load(&a->pos);
    /* release: we have read what we want of it; its owner, who sees this, may set it anew (alarm_stop_own) */
    atomic_store_explicit(&a->pos, ALARM_IDLE, memory_order_release);
    uint32_t n = alarms_in(h) - 1;
    relaxed_store(&h->n, n);
    if (at < n) {
        if (at != 0 && slots[n].when < slots[(at - 1) / 4].when) {
            heap_sift_up(h, at, slots[n]);
        } else {
            heap_sift_down(h, at, slots[n]);
        }
        if (at == 0) {
            relaxed_store(&h->first, slots[0].when);
        }
    } else if (n == 0) {
        relaxed_store(&h->first, INT64_MAX);
    }
}

/* Of a, the only one. */
static inline void heap_empty(struct alarm_heap *h, struct alarm *a) NEEDS(h->lock) {
    atomic_store_explicit(&a->pos, ALARM_IDLE, memory_order_release); /* as in heap_remove() */
    relaxed_store(&h->n, 0);
    relaxed_store(&h->first, INT64_MAX);
}

/* ---- start, stop, expire: in place, for they are most of what a timer costs ------------------- */

/* No room: one page more of it. */
bool alarm_grow(struct core *c) NEEDS(irq_masked);

/* A G, masked. Room for one more alarm on this core until it is unmasked or parks. False: no
 * page. */
static inline bool alarm_reserve(struct core *c) NEEDS(irq_masked) {
    /* n is read without the lock: others only lower it, and what this core adds it adds later */
    return alarms_in(&c->alarms) < c->alarms.capacity || alarm_grow(c);
}

/* Masked, own core, room is reserved; a->when and a->seq are set and it is in no heap. Of a G's
 * deadline: on g0, after the G is off its stack. */
static inline void alarm_start(struct core *c, struct alarm *a) NEEDS(irq_masked) {
    struct alarm_heap *h = &c->alarms;
    int64_t when = a->when;
    sanitize_release(a);
    spin_lock_masked(&h->lock);
    relaxed_store(&a->heap, h);
    heap_push(h, when, a);
    spin_unlock_masked(&h->lock);
    arm_sooner(c, when);
}

/* Masked, own core, without a call: sets and starts a, which is in no heap, if there is room, and others and the tick
 * come before it. False: nothing has been done. */
static inline bool alarm_start_last(struct core *c, struct alarm *a, uint32_t seq, int64_t when)
    NEEDS(irq_masked) {
    struct alarm_heap *h = &c->alarms;
    if (when < c->deadline) {
        return false;
    }
    sanitize_release(a);
    spin_lock_masked(&h->lock);
    uint32_t n = alarms_in(h);
    bool last = n < h->capacity && !heap_rises(h, n, when);
    if (last) {
        relaxed_store(&a->heap, h);
        relaxed_store(&a->seq, seq);
        a->when = when;
        heap_push_last(h, n, when, a);
    }
    spin_unlock_masked(&h->lock);
    return last;
}

/* After it the alarm, which has been started once, is in no heap; true: it was in one. Any context. */
static inline bool alarm_stop_masked(struct alarm *a) NEEDS(irq_masked) {
    struct alarm_heap *h = relaxed_load(&a->heap); /* nobody starts it meanwhile */
    spin_lock_masked(&h->lock);
    bool queued = relaxed_load(&a->pos) != ALARM_IDLE;
    if (queued) {
        heap_remove(h, a);
    }
    spin_unlock_masked(&h->lock);
    return queued;
}

/* The same by its owner, whom it may have woken: then it is in no heap, which needs no lock to see. */
static inline void alarm_stop_own(struct alarm *a) NEEDS(irq_masked) {
    /* acquire: pairs with heap_remove() */
    if (atomic_load_explicit(&a->pos, memory_order_acquire) != ALARM_IDLE) {
        alarm_stop_masked(a);
    }
}

/* Handler. Ends waits and fires timers that are due at now, at most a batch of them; then it must come again at
 * alarms_next(). The second over g0, if nothing is done at events: of one alarm, which is due, it calls nothing but
 * last. */
void alarms_expire(struct core *c, int64_t now) NEEDS(irq_masked);
void alarms_expire_asleep(struct core *c, int64_t now) NEEDS(irq_masked);

/* ---- timer.c: handler. The alarm of a timer is due, in its setting seq ----------------------- */
void timer_fire(struct alarm *a, uint32_t seq, int64_t now) NEEDS(irq_masked);
