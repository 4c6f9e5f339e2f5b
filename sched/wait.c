/* sched/wait.c - the one way to block on an object, with a limit or without: see wait.h.
 *
 * The order on g0, once the G is off its stack (HAZARDS 2): its deadline, its context, and last of
 * all the lock of the object. While that lock is held nobody can take the waiter, and a G that a
 * deadline or a context has woken has to take the lock before it goes on; so what lies on its stack
 * is there until then. After the lock is open nothing of the G is touched.
 *
 * The deadline is set before the context is joined: it is on this core, which is masked, so that it
 * cannot be over before the G is parked in full; a context may be done by another core at any time,
 * and the G could begin its next wait, with the same alarm, while we still set it for this one.
 * TOUR 12 / read next: sched/chan.c */
#include "sched/wait.h"

#include "hal/errno.h"
#include "sched/alarm.h"
#include "sched/assert.h"
#include "sched/ctx.h"

/* Waiters looked at with interrupts masked in one go. */
#define BATCH 32

struct limit limit_within(ns_t d) {
    ns_t now = hal_now();
    return (struct limit){.when = d < FOREVER - now ? now + d : FOREVER};
}

/* ---- wakers ---------------------------------------------------------------------------------- */

/* They are linked already, as they come; only whom we lose is left out. */
struct waiter **wait_take_batch(struct wait_list *l, struct waiter **end) {
    struct waiter *w = *end = l->head;
    for (int i = 0; i < BATCH && w != NULL; i++) {
        w->queued = false;
        if (wait_is_ours(w)) {
            end = &w->next;
        } else {
            *end = w->next;
        }
        w = w->next;
    }
    *end = NULL;
    l->head = w;
    if (w != NULL) {
        w->prev = NULL;
    } else {
        l->tail = NULL;
    }
    return end;
}

/* ---- limits ---------------------------------------------------------------------------------- */

int limit_begin(struct limit_wait *lw, const struct limit *limit) NEEDS(irq_masked) {
    lw->limit = limit;
    lw->cancel.g = NULL;
    lw->alarm = lw->canceled = false; /* no more: the rest of it is written before it is read */
    if (limit == NULL || limit->when == FOREVER) {
        return 0;
    }
    if (limit->when <= hal_now()) {
        return -ETIMEDOUT;
    }
    lw->alarm = true;
    return alarm_reserve(this_core()) ? 0 : -ENOMEM;
}

bool limit_arm(struct limit_wait *lw, struct g *g, uint32_t seq) NEEDS(irq_masked) {
    if (lw->alarm) {
        sanitize_acquire(&g->alarm); /* pairs with alarm_start(), of the G that was here before, too */
        g->alarm.when = lw->limit->when;
        relaxed_store(&g->alarm.seq, seq); /* read under the heap's lock */
        alarm_start(this_core(), &g->alarm);
    }
    if (lw->limit == NULL || lw->limit->ctx == NULL) {
        return true;
    }
    lw->cancel = (struct waiter){.g = g, .shared = true, .seq = seq};
    if (ctx_join(lw->limit->ctx, &lw->cancel)) {
        return true;
    }
    lw->canceled = true;
    /* Nobody could claim it: the objects' locks are held, and the deadline's core is this one. */
    ASSERT(wait_claim(g, seq));
    return false;
}

int limit_end(struct limit_wait *lw, struct g *g) NEEDS(irq_masked) {
    if (lw->alarm) {
        alarm_stop_own(&g->alarm);
    }
    if (lw->cancel.g != NULL && (ctx_leave(lw->limit->ctx, &lw->cancel) || lw->canceled)) {
        return ctx_err(lw->limit->ctx);
    }
    return -ETIMEDOUT;
}

/* ---- blocking -------------------------------------------------------------------------------- */

struct waiting {
    spinlock_t *lock;
    struct limit_wait lw;
    uint32_t seq;
};

static struct g *parked_limited(struct g *g, void *arg)
    NEEDS(irq_masked) UNCHECKED { /* p's lock is its G's */
    struct waiting *p = arg;
    spinlock_t *lock = p->lock;
    bool goes_on = !limit_arm(&p->lw, g, p->seq);
    spin_unlock_noting(lock, NOTE_LISTED); /* last: see the head of this file */
    if (goes_on) {
        ready(g);
    }
    return schedule();
}

/* Masked before and after, but not while its holder takes long (a channel with large elements). */
static inline uint64_t lock_again(spinlock_t *lock) TAKES(irq_masked, *lock) UNCHECKED {
    uint64_t note = spin_grab(lock);
    if (__builtin_expect((note & LOCK_HELD_BIT) != 0, 0)) {
        hal_irq_unmask();
        spin_lock_patiently(lock, &note);
    } else if (LOCK_RANKS) {
        lock_rank_take(lock, false); /* late, but nobody has waited */
    }
    return note;
}

/* w is on its list. If it fails the lock is held, taken with *note, and w perhaps on the list still. */
__attribute__((always_inline)) static inline int wait_listed(spinlock_t *lock, uint64_t *note,
                                                             struct waiter *w, enum wait_reason why,
                                                             const struct limit *limit)
    NEEDS(irq_masked) UNCHECKED { /* opened once the G is off its stack */
    struct g *g = w->g;
    if (!is_limited(limit)) {
        park_on(lock, G_WAITING + (unsigned)why, g, NOTE_LISTED);
        hal_irq_mask();
        return 0;
    }
    struct waiting p;
    p.lock = lock;
    int r = limit_begin(&p.lw, limit);
    if (r != 0) {
        *note = NOTE_LISTED; /* perhaps nobody is: the object will see */
        return r;
    }
    p.seq = w->seq = wait_begin(g);
    w->shared = true;
    park(why, parked_limited, &p);
    if (w->woken) { /* ours to read: its writer's ready() came after */
        limit_end(&p.lw, g);
        return 0;
    }
    /* without a context it was the deadline, which has left its heap before it claimed the wait */
    r = p.lw.cancel.g != NULL ? limit_end(&p.lw, g) : -ETIMEDOUT;
    *note = lock_again(lock);
    return r;
}

static int wait_queued(spinlock_t *lock, struct wait_list *l, struct waiter *w,
                       enum wait_reason why, const struct limit *limit) NEEDS(irq_masked)
    OPENS(*lock) UNCHECKED { /* as wait_listed() */
    uint64_t note;
    int r = wait_listed(lock, &note, w, why, limit);
    if (r != 0) {
        if (w->queued) {
            wait_unlink(l, w);
        }
        spin_unlock_noting(lock, note);
    }
    return r;
}

int wait_on(spinlock_t *lock, struct wait_list *l, struct waiter *w, enum wait_reason why,
            const struct limit *limit) NEEDS(irq_masked) OPENS(*lock) {
    w->g = hal_self();
    wait_enqueue(l, w);
    return wait_queued(lock, l, w, why, limit);
}

int wait_on_first(spinlock_t *lock, struct wait_list *l, struct waiter *w, enum wait_reason why,
                  const struct limit *limit) NEEDS(irq_masked) OPENS(*lock) {
    w->g = hal_self();
    wait_enqueue_first(l, w);
    return wait_queued(lock, l, w, why, limit);
}

int wait_on_and_keep(spinlock_t *lock, struct wait_list *l, struct waiter *w, enum wait_reason why,
                     const struct limit *limit) NEEDS(irq_masked)
    OPENS(*lock) UNCHECKED { /* as wait_listed() */
    uint64_t note;
    w->g = hal_self();
    wait_enqueue(l, w);
    int r = wait_listed(lock, &note, w, why, limit);
    if (r != 0 && __builtin_expect(!w->queued, 0)) {
        spin_unlock_noting(lock, note);
    } else {
        ASSERT(!LOCK_RANKS || r == 0 || note == NOTE_LISTED); /* or it would be lost; with DEBUG */
    }
    return r;
}
