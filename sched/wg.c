/* sched/wg.c - wait groups and semaphores.
 *
 * A wait group may lie on the stack of the G that waits for it, and is gone when that G returns. So
 * done() decides by one read-modify-write of count and waiters together: if it leaves a count, or
 * nobody waits, it never looks at the group again; if it must wake, the waiters are still parked
 * and the group is there until the last is taken off the list (HAZARDS 12).
 * TOUR 13 / read next: sched/stack.c */
#include <bareloom/sync.h>

#include "sched/assert.h"
#include "sched/errno.h"
#include "sched/timer.h"
#include "sched/wait.h"

#define ONE_WAITER ((uint64_t)1 << 32)

/* Waiters woken with interrupts masked in one go. */
#define WAKE_BATCH 32

static int32_t count_of(uint64_t word) {
    return (int32_t)(uint32_t)word;
}

/* The count is zero and somebody waits: wakes all of them. */
static void wg_release(struct wg *w) {
    hal_irq_t was = spin_lock(&w->lock);
    struct waiter *each = w->waiters.head;
    w->waiters = (struct wait_list){0};
    /* release: what happened before the dones, to who reads zero in wg_wait */
    atomic_store_explicit(&w->word, 0, memory_order_release);
    spin_unlock(&w->lock, was);
    while (each != NULL) { /* the list is ours alone */
        was = hal_irq_save();
        for (int i = 0; i < WAKE_BATCH && each != NULL; i++) {
            struct waiter *next = each->next; /* each is on its G's stack */
            ready(each->g);
            each = next;
        }
        hal_irq_restore(was);
    }
}

void wg_add(struct wg *w, int n) {
    /* Adding to the low half may carry into the high one only past zero, which panics. acq_rel:
     * each done is ordered before the last one, which wakes. */
    uint64_t old = atomic_load_explicit(&w->word, memory_order_relaxed);
    uint64_t new;
    do {
        int64_t count = (int64_t)count_of(old) + n;
        if (count < 0) {
            PANIC("sync: negative WaitGroup counter");
        }
        new = (old & ~(uint64_t)UINT32_MAX) | (uint32_t)count;
    } while (!atomic_compare_exchange_weak_explicit(&w->word, &old, new, memory_order_acq_rel,
                                                    memory_order_relaxed));
    if (count_of(new) == 0 && new != 0) {
        wg_release(w);
    }
}

void wg_done(struct wg *w) {
    wg_add(w, -1);
}

void wg_wait(struct wg *w) {
    check_may_block("wg_wait");
    /* acquire: pairs with the dones that made it zero */
    if (count_of(atomic_load_explicit(&w->word, memory_order_acquire)) == 0) {
        return;
    }
    hal_irq_t was = spin_lock(&w->lock);
    uint64_t v = atomic_load_explicit(&w->word, memory_order_acquire);
    do {
        if (count_of(v) == 0) {
            spin_unlock(&w->lock, was);
            return;
        }
    } while (!atomic_compare_exchange_weak_explicit(&w->word, &v, v + ONE_WAITER,
                                                    memory_order_acquire, memory_order_acquire));
    struct waiter me = {.g = hal_self()};
    wait_enqueue(&w->waiters, &me);
    park(WAIT_WG, park_unlock, &w->lock);
    hal_irq_restore(was);
}

/* ---- semaphore ------------------------------------------------------------------------------ */

/* then() of a timed wait: the deadline first, then the lock, both once the G is off its stack
 * (HAZARDS 2). */
static void park_timed(struct g *g, void *lock) {
    timer_start(this_core(), g);
    spin_unlock_masked((spinlock_t *)lock);
}

void sema_wait(struct sema *s) {
    check_may_block("sema_wait");
    hal_irq_t was = spin_lock(&s->lock);
    if (s->count != 0) {
        s->count--;
        spin_unlock(&s->lock, was);
        return;
    }
    struct waiter w = {.g = hal_self()};
    wait_enqueue(&s->waiters, &w);
    park(WAIT_SEMA, park_unlock, &s->lock);
    hal_irq_restore(was);
}

/* Under the lock, which it opens: waits until a post or the deadline. */
static int wait_timed(struct sema *s, hal_irq_t was, ns_t when) {
    struct g *g = hal_self();
    struct waiter w = {.g = g, .timed = true};
    w.seq = wait_begin(g);
    g->timer.seq = w.seq;
    g->timer.when = when;
    wait_enqueue(&s->waiters, &w);
    park(WAIT_SEMA, park_timed, &s->lock);
    hal_irq_restore(was);
    if (w.ok) {
        timer_stop(g);
        return 0;
    }
    was = spin_lock(&s->lock);
    if (w.queued) {
        wait_unlink(&s->waiters, &w);
    }
    spin_unlock(&s->lock, was);
    return -ETIMEDOUT;
}

int sema_wait_until(struct sema *s, ns_t when) {
    check_may_block("sema_wait_until");
    if (when == FOREVER) {
        sema_wait(s);
        return 0;
    }
    hal_irq_t was = hal_irq_save();
    bool room = timer_reserve(this_core()); /* masked from here: room stays ours */
    spin_lock_masked(&s->lock);
    if (s->count != 0) {
        s->count--;
        spin_unlock(&s->lock, was);
        return 0;
    }
    if (when <= hal_now() || !room) {
        spin_unlock(&s->lock, was);
        return room ? -ETIMEDOUT : -ENOMEM;
    }
    return wait_timed(s, was, when);
}

void sema_post(struct sema *s) {
    hal_irq_t was = spin_lock(&s->lock);
    struct waiter *w = wait_take(&s->waiters);
    struct g *g = NULL;
    if (w != NULL) {
        g = w->g;
        w->ok = true;
    } else {
        s->count++;
    }
    spin_unlock_masked(&s->lock);
    if (g != NULL) {
        ready(g);
    }
    hal_irq_restore(was);
}
