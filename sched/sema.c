/* sched/sema.c - semaphores: a count, and who waits for some of it, in order.
 *
 * While nobody waits, to take and to give are one exchange of the count each. WAITERS, its sign, stands while the list
 * is not empty: then neither is possible in that way, and everybody takes the spinlock, under which alone the flag
 * changes. What is given then goes to those who wait, the first one first, before anybody else can take from it; so a
 * G that was woken has what it asked for. The first one may ask for more than there is: then all wait, or it would be
 * starved. When the limit of such a first one is over, it serves those who stood behind it.
 *
 * The race: who takes the last of what it waited for may free the semaphore (HAZARDS 12), and without the lock it can
 * as soon as the flag is cleared, before the lock is open. But then somebody else has still to come through: who was
 * served is woken only afterwards, and who has given up takes the lock before it goes.
 * TOUR 13 / read next: sched/stack.c */
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/wait.h"

/* Served under the lock in one go. */
#define BATCH 32

#define WAITERS INT32_MIN

/* Under the lock, with the flag: nobody else writes the count. */
static int32_t left(const struct sema *s) {
    return atomic_load_explicit(&s->count, memory_order_relaxed) & ~WAITERS;
}

static void set_left(struct sema *s, int32_t n) {
    atomic_store_explicit(&s->count, n | WAITERS, memory_order_relaxed);
}

/* Under the lock, with the flag: the next one, whose n has been taken from the count, or NULL. */
static struct waiter *serve_one(struct sema *s) NEEDS(s->lock) {
    struct waiter *w;
    while ((w = s->waiters.head) != NULL && (w->n <= (uint32_t)left(s) || wait_is_over(w))) {
        if (wait_take_this(&s->waiters, w)) {
            set_left(s, left(s) - (int32_t)w->n); /* of one that was over nothing comes here */
            return w;
        }
    }
    return NULL;
}

/* The same for up to a batch of them, which *end and next then link; whether there may be more. */
static bool serve(struct sema *s, struct waiter ***end) NEEDS(s->lock) {
    struct waiter *w = NULL;
    for (int i = 0; i < BATCH && (w = serve_one(s)) != NULL; i++) {
        **end = w;
        *end = &w->next;
    }
    **end = NULL;
    return w != NULL;
}

/* Under the lock. Sets the flag; false: there is enough, and n has been taken. */
static bool flag(struct sema *s, uint32_t n) NEEDS(s->lock) {
    /* acquire: pairs with hal_give() and the release in give() */
    int32_t old = atomic_fetch_or_explicit(&s->count, WAITERS, memory_order_acquire);
    if (old < 0 || (uint32_t)old < n) {
        return true;
    }
    /* release, as in unflag(): with the flag, if only for a moment, nobody else has written */
    atomic_store_explicit(&s->count, old - (int32_t)n, memory_order_release);
    return false;
}

_Noreturn static void too_many(void) {
    PANIC("semaphore: released more than it can count");
}

/* Whether n more can be counted. With the flag one less: all ones, -1, is a count to which hal_give() would add. */
static bool fits(int32_t count, int32_t n) {
    return (count & ~WAITERS) <= INT32_MAX - n - (count < 0);
}

/* While nobody waits: true, and n has been given. */
static bool give(struct sema *s, int32_t n) {
    int32_t old = atomic_load_explicit(&s->count, memory_order_relaxed);
    do {
        if (!fits(old, n)) {
            too_many();
        }
        /* release: to who takes it; pairs with hal_take(), take() and flag() */
    } while (old >= 0 && !atomic_compare_exchange_weak_explicit(
                             &s->count, &old, old + n, memory_order_release, memory_order_relaxed));
    return old >= 0;
}

/* Under the lock, with the flag; true: it is gone, as nobody waits any more. */
static bool unflag(struct sema *s) NEEDS(s->lock) {
    if (s->waiters.head != NULL) {
        return false;
    }
    /* release: what came before what was given under the lock, to who takes it without; pairs with
     * hal_take() */
    atomic_store_explicit(&s->count, left(s), memory_order_release);
    return true;
}

/* Gives n and serves. All of those served are woken in the end: until then the semaphore is there. */
__attribute__((noinline)) static void sema_post_slow(struct sema *s, int32_t n) {
    struct waiter *first = NULL, **end = &first;
    for (bool more = true; more && (n == 0 || !give(s, n));) {
        hal_irq_t was = spin_lock(&s->lock);
        more = n != 0; /* if the flag has gone again: given without the lock */
        int32_t count = atomic_load_explicit(&s->count, memory_order_relaxed);
        if (count < 0) {
            if (!fits(count, n)) { /* another gave meanwhile */
                spin_unlock(&s->lock, was);
                too_many();
            }
            set_left(s, left(s) + n);
            n = 0;
            more = serve(s, &end);
            more = !unflag(s) && more;
        }
        spin_unlock(&s->lock, was);
    }
    wake_all(first, true);
}

/* The commonest: one, which goes to the first as it is. */
__attribute__((noinline)) static void sema_post_waited(struct sema *s) {
    hal_irq_t was = spin_lock(&s->lock);
    struct waiter *w = s->waiters.head;
    if (w == NULL || w->n != 1 || left(s) != 0 || w->shared) {
        spin_unlock(&s->lock, was);
        sema_post_slow(s, 1);
        return;
    }
    wait_unlink_first(&s->waiters, w);
    unflag(s);
    struct g *g = w->g; /* w is on its stack */
    spin_unlock_masked(&s->lock);
    ready_and_open(g, was);
}

UNCOMMON _Noreturn static void asked_too_much(void) {
    PANIC("semaphore: asked for more than it can count");
}

/* Who has given up, and so may have been all that waited; false: others do. */
static bool was_last(struct sema *s) {
    hal_irq_t was = spin_lock(&s->lock);
    bool last = atomic_load_explicit(&s->count, memory_order_relaxed) >= 0 || unflag(s);
    spin_unlock(&s->lock, was);
    return last;
}

static int wait_slow(struct sema *s, uint32_t n, const struct limit *limit) {
    check_may_block("sema_wait");
    if (n > INT32_MAX) {
        asked_too_much();
    }
    hal_irq_t was = spin_lock(&s->lock);
    if (!flag(s, n)) {
        spin_unlock(&s->lock, was);
        return 0;
    }
    struct waiter w = {.n = n};
    int r = wait_on(&s->lock, &s->waiters, &w, WAIT_SEMA, limit);
    hal_irq_restore(was);
    if (r != 0 && !was_last(s)) {
        sema_post_slow(s, 0); /* perhaps it was the first */
    }
    return r;
}

/* The commonest: one, for ever. */
__attribute__((noinline)) static void sema_wait_slow(struct sema *s) {
    hal_irq_mask();
    spin_lock_masked(&s->lock);
    if (!flag(s, 1)) {
        spin_unlock_masked(&s->lock);
        hal_irq_unmask();
        return;
    }
    struct waiter w; /* of it only what a poster looks at is written */
    w.n = 1;
    w.shared = false;
    wait_for_ever(&s->lock, &s->waiters, &w, WAIT_SEMA);
}

/* Takes n if that needs no waiting. */
static bool take(struct sema *s, uint32_t n) {
    int32_t old = atomic_load_explicit(&s->count, memory_order_relaxed);
    do {
        if (old < 0 || (uint32_t)old < n) {
            return false;
        }
        /* acquire: as in flag() */
    } while (!atomic_compare_exchange_weak_explicit(&s->count, &old, old - (int32_t)n,
                                                    memory_order_acquire, memory_order_relaxed));
    return true;
}

void sema_wait(struct sema *s) {
    check_may_block("sema_wait");
    if (!hal_take(&s->count)) {
        sema_wait_slow(s);
    }
}

int sema_wait_n_until(struct sema *s, uint32_t n, struct limit l) {
    check_may_block("sema_wait");
    return take(s, n) ? 0 : wait_slow(s, n, &l);
}

int sema_wait_until(struct sema *s, struct limit l) {
    return sema_wait_n_until(s, 1, l);
}

void sema_wait_n(struct sema *s, uint32_t n) {
    check_may_block("sema_wait");
    if (!take(s, n)) {
        wait_slow(s, n, NULL);
    }
}

int sema_try(struct sema *s, uint32_t n) {
    if (take(s, n)) {
        return 0;
    }
    /* The flag may have stood for a moment alone, in flag(): under the lock it tells. */
    hal_irq_t was = spin_lock(&s->lock);
    bool ok = take(s, n);
    spin_unlock(&s->lock, was);
    return ok ? 0 : -EAGAIN;
}

void sema_post_n(struct sema *s, uint32_t n) {
    if (n > INT32_MAX) {
        PANIC("semaphore: released more than it can count");
    }
    sema_post_slow(s, (int32_t)n);
}

void sema_post(struct sema *s) {
    if (!hal_give(&s->count)) {
        sema_post_waited(s);
    }
}
