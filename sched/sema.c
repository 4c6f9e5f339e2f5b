/* sched/sema.c - semaphores: a count, and who waits for some of it, in order.
 *
 * While nobody waits the count is the note of the semaphore's lock (spinlock.h), and to take and to give are one exchange
 * of it each: of a lock that is held, or in whose note somebody waits, neither is possible in that way. Then the count is
 * in left, under the lock. What is given goes to those who wait, the first one first, before anybody else can
 * take from it; so a G that was woken has what it asked for. The first one may ask for more than there is: then all wait,
 * or it would be starved. When the limit of such a first one is over, it serves those who stood behind it.
 *
 * The race: who takes the last of what it waited for may free the semaphore (HAZARDS 12). Without the lock it can as soon
 * as that is open, and the store that opens it is the last that is done to the semaphore; who was served is woken only
 * afterwards, and who has given up takes the lock before it goes.
 * TOUR 13 / read next: sched/stack.c */
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/wait.h"

/* Served under the lock in one go. */
#define BATCH 32

UNCOMMON static void spread_alone(struct sema *s, struct waiter *w) NEEDS(s->count) {
    w->n = 1;
    s->left = 0; /* or it would not wait */
    wait_lists(&s->waiters, w);
}

/* Under the lock, taken with that note: the count is in left, and who waits on the list. */
static inline void spread(struct sema *s, uint64_t note) NEEDS(s->count) {
    if ((int64_t)note >= 0) {
        s->left = (int32_t)note;
    } else if (note != NOTE_LISTED) {
        spread_alone(s, note_waiter(note));
    }
}

static inline hal_irq_t lock(struct sema *s) TAKES(irq_masked, s->count) UNCHECKED {
    hal_irq_t was = hal_irq_save();
    spread(s, spin_lock_masked(&s->count));
    return was;
}

static inline void unlock(struct sema *s, hal_irq_t was) OPENS(irq_masked, s->count) {
    spin_unlock_noting(&s->count, s->waiters.head != NULL ? NOTE_LISTED : (uint32_t)s->left);
    hal_irq_restore(was);
}

/* Under the lock: the next one, whose n has been taken from the count, or NULL. */
static struct waiter *serve_one(struct sema *s) NEEDS(s->count) {
    struct waiter *w;
    while ((w = s->waiters.head) != NULL && (w->n <= (uint32_t)s->left || wait_is_over(w))) {
        if (wait_take_this(&s->waiters, w)) {
            s->left -= (int32_t)w->n; /* of one that was over nothing comes here */
            return w;
        }
    }
    return NULL;
}

/* The same for up to a batch of them, which *end and next then link; whether there may be more. */
static bool serve(struct sema *s, struct waiter ***end) NEEDS(s->count) {
    struct waiter *w = NULL;
    for (int i = 0; i < BATCH && (w = serve_one(s)) != NULL; i++) {
        **end = w;
        *end = &w->next;
    }
    **end = NULL;
    return w != NULL && s->waiters.head != NULL;
}

/* Under the lock: n, if there is so much and nobody waits for it. */
static bool take_locked(struct sema *s, uint32_t n) NEEDS(s->count) {
    if (s->waiters.head != NULL || (uint32_t)s->left < n) {
        return false;
    }
    s->left -= (int32_t)n;
    return true;
}

_Noreturn static void too_many(void) {
    PANIC("semaphore: released more than it can count");
}

/* Gives n and serves. All of those served are woken in the end: until then the semaphore is there. */
APART void give(struct sema *s, int32_t n) {
    struct waiter *first = NULL, **end = &first;
    bool more;
    do {
        hal_irq_t was = lock(s);
        if (n > INT32_MAX - s->left) {
            unlock(s, was);
            too_many();
        }
        s->left += n;
        n = 0;
        more = serve(s, &end);
        unlock(s, was);
    } while (more);
    wake_all(first, true);
}

/* The commonest: one, which goes to the one that waits alone. */
void sema_post_slow(struct sema *s) {
    hal_irq_t was = hal_irq_save();
    struct waiter *w = wait_take_alone(&s->count);
    if (w == NULL) {
        hal_irq_restore(was);
        give(s, 1);
        return;
    }
    ready_and_open(w->g, was);
}

UNCOMMON _Noreturn static void asked_too_much(void) {
    PANIC("semaphore: asked for more than it can count");
}

static int wait_slow(struct sema *s, uint32_t n, const struct limit *limit) {
    check_may_block("sema_wait");
    if (n > INT32_MAX) {
        asked_too_much();
    }
    hal_irq_t was = lock(s);
    if (take_locked(s, n)) {
        unlock(s, was);
        return 0;
    }
    struct waiter w = {.n = n};
    int r = wait_on_and_keep(&s->count, &s->waiters, &w, WAIT_SEMA, limit);
    if (r == 0 || !w.queued) { /* who takes off one that has given up serves the next */
        hal_irq_restore(was);
        return r;
    }
    wait_kept(&s->count);
    if (w.prev == NULL && w.next == NULL) { /* the commonest */
        s->waiters = (struct wait_list){0};
        unlock(s, was);
    } else {
        wait_unlink(&s->waiters, &w);
        unlock(s, was);
        give(s, 0); /* perhaps it was the first */
    }
    return r;
}

/* One, for ever, after a spin_try_masked(): others wait, or something was given meanwhile. */
__attribute__((noinline)) static void sema_wait_listed(struct sema *s, uint64_t note)
    OPENS(irq_masked, s->count) {
    spread(s, note == LOCK_HELD ? spin_wait(&s->count) : note);
    if (take_locked(s, 1)) {
        unlock(s, hal_irq_open());
        return;
    }
    struct waiter w;
    w.n = 1;
    w.shared = false;
    wait_for_ever(&s->count, &s->waiters, &w, WAIT_SEMA);
}

/* The commonest: one, for ever, and nobody else waits. */
void sema_wait_slow(struct sema *s) {
    hal_irq_mask();
    uint64_t note = spin_try_masked(&s->count);
    if (note != 0) {
        sema_wait_listed(s, note);
        return;
    }
    struct waiter w;
    wait_alone(&s->count, &w, hal_self(), 0, WAIT_SEMA);
}

/* Takes n if that needs no waiting. */
static bool take(struct sema *s, uint32_t n) {
    uint64_t old = atomic_load_explicit(&s->count, memory_order_relaxed);
    do {
        if ((int64_t)old < (int64_t)n) {
            return false;
        }
        /* acquire: as in fast_take() */
    } while (!atomic_compare_exchange_weak_explicit(&s->count, &old, old - n, memory_order_acquire,
                                                    memory_order_relaxed));
    return true;
}

/* From where nobody may block: says so. */
void sema_wait_wrong(struct sema *s) {
    (void)s;
    check_may_block("sema_wait");
}

/* ---- the fast way: nobody waits ------------------------------------------------------------- */

#if FAST
_Static_assert(offsetof(struct g, preempt_off) == FAST_PREEMPT_OFF,
               "what <bareloom/fast.h> knows of a G");
#else
static bool fast_may_block(void) {
    return hal_self()->preempt_off == 0;
}

static bool fast_take(lock_word_t *p) {
    uint64_t old = atomic_load_explicit(p, memory_order_relaxed);
    while ((int64_t)old > 0) {
        /* acquire: pairs with the release below and with that which opens the lock: what came before is seen */
        if (atomic_compare_exchange_weak_explicit(p, &old, old - 1, memory_order_acquire,
                                                  memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

static bool fast_give(lock_word_t *p) {
    return hal_give(p, 1);
}
#endif

void sema_wait(struct sema *s) {
    if (!fast_may_block()) {
        sema_wait_wrong(s);
    } else if (!fast_take(&s->count)) {
        sema_wait_slow(s);
    }
}

void sema_post(struct sema *s) {
    if (!fast_give(&s->count)) {
        sema_post_slow(s);
    }
}

/* ---- the rest ------------------------------------------------------------------------------- */

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
    /* The lock may just have been held: with it the count tells. */
    hal_irq_t was = lock(s);
    bool ok = take_locked(s, n);
    unlock(s, was);
    return ok ? 0 : -EAGAIN;
}

void sema_post_n(struct sema *s, uint32_t n) {
    if (n > INT32_MAX) {
        too_many();
    }
    give(s, (int32_t)n);
}
