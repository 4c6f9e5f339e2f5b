/* sched/cond.c - condition variables: first come, first woken; no signal goes astray.
 *
 * A waiter is on the list before its mutex is open, and off its stack before the list's lock is: so
 * whoever changes the condition under the mutex and signals then finds it. The mutex is unlocked with
 * the condition's lock held, the one place where an object's lock is held over another's: nobody
 * takes them the other way round.
 *
 * There are two lists. A broadcast wakes one in batches, while those who come to wait from then on go
 * to the other: they are not its business, and a signal, which is for them, is not spent on somebody
 * whom the broadcast wakes anyhow. A broadcast that comes before the one before it is through
 * finishes that first.
 * TOUR 13 / read next: sched/wg.c */
#include <bareloom/sync.h>

#include "sched/assert.h"
#include "sched/wait.h"

/* The first use marks the place where it is; a copy lies elsewhere. */
static void check_copied(struct cond *c) {
    spin_rank(&c->lock, RANK_COND);
    struct cond *nobody = NULL;
    /* relaxed: compared with c alone */
    if (!atomic_compare_exchange_strong_explicit(&c->self, &nobody, c, memory_order_relaxed,
                                                 memory_order_relaxed) &&
        nobody != c) {
        PANIC("sync.Cond is copied");
    }
}

/* Under the lock. Where one waits who comes now. */
static struct wait_list *current(struct cond *c) {
    return &c->waiters[c->turn % 2];
}

static int wait(struct cond *c, struct mutex *m, const struct limit *limit) {
    check_may_block("cond_wait");
    check_copied(c);
    struct waiter w = {0};
    hal_irq_t was = spin_lock(&c->lock);
    mutex_unlock(m);
    int r = wait_on(&c->lock, current(c), &w, WAIT_COND, limit);
    hal_irq_restore(was);
    mutex_lock(m);
    return r;
}

void cond_wait(struct cond *c, struct mutex *m) {
    wait(c, m, NULL);
}

int cond_wait_until(struct cond *c, struct mutex *m, struct limit l) {
    return wait(c, m, &l);
}

void cond_signal(struct cond *c) {
    check_g("cond_signal");
    check_copied(c);
    hal_irq_t was = spin_lock(&c->lock);
    struct waiter *w = wait_take(current(c));
    spin_unlock_masked(&c->lock); /* w is woken after it: c may be gone then */
    if (w != NULL) {
        ready(w->g);
    }
    hal_irq_restore(was);
}

/* Under the lock. The list of those whom a broadcast wakes. */
static struct wait_list *turned_from(struct cond *c) {
    return &c->waiters[(c->turn + 1) % 2];
}

void cond_broadcast(struct cond *c) {
    check_g("cond_broadcast");
    check_copied(c);
    uint32_t turn = 0;
    bool turned = false, more = true;
    while (more) {
        hal_irq_t was = spin_lock(&c->lock);
        if (!turned && turned_from(c)->head == NULL) {
            turn = ++c->turn;
            turned = true;
        }
        struct waiter *some = NULL;
        if (turned && c->turn != turn) {
            more = false; /* the next broadcast was here, and has woken ours first */
        } else {
            wait_take_batch(turned_from(c), &some);
            more = !turned || turned_from(c)->head != NULL;
        }
        spin_unlock(&c->lock, was);
        wake_all(some, true); /* after the last of them c may be gone */
    }
}
