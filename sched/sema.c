/* sched/sema.c - semaphores: a count, and who waits for some of it, in order.
 *
 * Whoever adds to the count serves those who wait, the first one first, before anybody else can
 * take from it; so a G that was woken has what it asked for. The first one may ask for more than
 * there is: then all wait, or it would be starved. When the limit of such a first one is over, it
 * serves those who stood behind it.
 * TOUR 13 / read next: sched/stack.c */
#include <bareloom/sync.h>

#include "sched/assert.h"
#include "sched/errno.h"
#include "sched/wait.h"

/* Served under the lock in one go. */
#define BATCH 32

/* Under the lock: the next one, whose n has been taken from the count, or NULL. */
static struct waiter *serve_one(struct sema *s) NEEDS(s->lock) {
    struct waiter *w;
    while ((w = s->waiters.head) != NULL && (w->n <= s->count || wait_is_over(w))) {
        if (wait_take_this(&s->waiters, w)) {
            s->count -= w->n; /* of one that was over nothing comes here */
            return w;
        }
    }
    return NULL;
}

/* With the lock, which it opens. */
static void serve(struct sema *s, hal_irq_t was) OPENS(irq_masked, s->lock) {
    for (;;) {
        struct waiter *first = NULL, **end = &first, *w = NULL;
        for (int i = 0; i < BATCH && (w = serve_one(s)) != NULL; i++) {
            *end = w;
            end = &w->next;
        }
        *end = NULL;
        bool more = w != NULL && s->waiters.head != NULL;
        spin_unlock(&s->lock, was);
        wake_all(first, true);
        if (!more) {
            return; /* the last of those may free it */
        }
        was = spin_lock(&s->lock);
    }
}

static int wait(struct sema *s, uint32_t n, const struct limit *limit) {
    check_may_block("sema_wait");
    hal_irq_t was = spin_lock(&s->lock);
    if (s->count >= n && s->waiters.head == NULL) {
        s->count -= n;
        spin_unlock(&s->lock, was);
        return 0;
    }
    struct waiter w = {.n = n};
    int r = wait_on(&s->lock, &s->waiters, &w, WAIT_SEMA, limit);
    hal_irq_restore(was);
    if (r != 0) {
        serve(s, spin_lock(&s->lock));
    }
    return r;
}

void sema_wait(struct sema *s) {
    wait(s, 1, NULL);
}

int sema_wait_until(struct sema *s, struct limit l) {
    return wait(s, 1, &l);
}

void sema_wait_n(struct sema *s, uint32_t n) {
    wait(s, n, NULL);
}

int sema_wait_n_until(struct sema *s, uint32_t n, struct limit l) {
    return wait(s, n, &l);
}

int sema_try(struct sema *s, uint32_t n) {
    hal_irq_t was = spin_lock(&s->lock);
    bool ok = s->count >= n && s->waiters.head == NULL;
    if (ok) {
        s->count -= n;
    }
    spin_unlock(&s->lock, was);
    return ok ? 0 : -EAGAIN;
}

void sema_post_n(struct sema *s, uint32_t n) {
    hal_irq_t was = spin_lock(&s->lock);
    if (s->count > UINT32_MAX - n) {
        spin_unlock(&s->lock, was);
        PANIC("semaphore: released more than it can count");
    }
    s->count += n;
    serve(s, was);
}

void sema_post(struct sema *s) {
    sema_post_n(s, 1);
}
