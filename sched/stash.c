/*
 * sched/stash.c - free objects that each core keeps for who allocates on it next.
 *
 * A core has two chains of each class: top, which objects come from and go to, and full, which is
 * empty or one batch. A batch that is too much goes to the depot, which all cores share, and when
 * both are empty one comes from there; so the depot's lock is met once in a batch at most, also when
 * one core gives what another takes. An object knows nothing of a core: it may go back to any.
 *
 * Only its own core touches a stash, masked for those few instructions: no lock, and no G that moves
 * to another core between looking and taking. So whoever wants what all cores have must go there.
 */
#include <bareloom/go.h>

#include "hal/sanitize.h"
#include "sched/model.h"

/* What the objects themselves hold while they are free. */
struct item {
    struct item *next;
    struct item *next_batch; /* of the first in a batch in the depot */
};

/* Batches of one class that the depot takes. */
#define DEPOT_BATCHES 8

static struct {
    spinlock_t lock;
    struct {
        struct item *first; /* batches */
        unsigned n;
    } of[GO_STASH_CLASSES]; /* guarded by lock */
} depot = {.lock = SPINLOCK(RANK_HEAP)};

/* A batch, or NULL. */
static struct item *depot_take(unsigned class) NEEDS(irq_masked) {
    spin_lock_masked(&depot.lock);
    struct item *batch = depot.of[class].first;
    if (batch != NULL) {
        depot.of[class].first = batch->next_batch;
        depot.of[class].n--;
    }
    spin_unlock_masked(&depot.lock);
    return batch;
}

/* NULL, or the batch when there are enough. */
static struct item *depot_give(unsigned class, struct item *batch) NEEDS(irq_masked) {
    spin_lock_masked(&depot.lock);
    bool room = depot.of[class].n < DEPOT_BATCHES;
    if (room) {
        batch->next_batch = depot.of[class].first;
        depot.of[class].first = batch;
        depot.of[class].n++;
    }
    spin_unlock_masked(&depot.lock);
    return room ? NULL : batch;
}

/* top is empty. */
UNCOMMON static void *take_from_batch(struct stash *s, unsigned class) OPENS(irq_masked) {
    struct item *it = s->full;
    s->full = NULL;
    if (it == NULL) {
        it = depot_take(class);
    }
    if (it != NULL) {
        s->top = it->next;
        s->n = GO_STASH_BATCH - 1;
    }
    hal_irq_unmask();
    if (it != NULL) {
        sanitize_acquire(it);
    }
    return it;
}

void *go_stash_take(unsigned class) {
    if (hal_self()->preempt_off != 0) {
        return NULL;
    }
    hal_irq_mask();
    struct stash *s = &this_core()->stash[class];
    struct item *it = s->top;
    if (it == NULL) {
        return take_from_batch(s, class);
    }
    s->top = it->next;
    s->n--;
    hal_irq_unmask();
    sanitize_acquire(it); /* pairs with go_stash_give() */
    return it;
}

/* top has become a batch. */
UNCOMMON static void *give_batch(struct stash *s, unsigned class) OPENS(irq_masked) {
    struct item *batch = s->full;
    s->full = s->top;
    s->top = NULL;
    s->n = 0;
    if (batch != NULL) {
        batch = depot_give(class, batch);
    }
    hal_irq_unmask();
    return batch;
}

void *go_stash_give(unsigned class, void *object) {
    struct item *it = object;
    if (hal_self()->preempt_off != 0) {
        it->next = NULL;
        return it;
    }
    sanitize_release(it);
    hal_irq_mask();
    struct stash *s = &this_core()->stash[class];
    it->next = s->top;
    s->top = it;
    if (++s->n == GO_STASH_BATCH) {
        return give_batch(s, class);
    }
    hal_irq_unmask();
    return NULL;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void drain_depot(void (*back)(void *first)) {
    for (unsigned class = 0; class < GO_STASH_CLASSES; class ++) {
        struct item *batch;
        do {
            hal_irq_mask();
            batch = depot_take(class);
            hal_irq_unmask();
            if (batch != NULL) {
                back(batch);
            }
        } while (batch != NULL);
    }
}

/* The caller is pinned to its core. */
static void drain_core(void (*back)(void *first)) {
    for (unsigned class = 0; class < GO_STASH_CLASSES; class ++) {
        hal_irq_mask();
        struct stash *s = &this_core()->stash[class];
        struct item *top = s->top, *full = s->full;
        *s = (struct stash){0};
        hal_irq_unmask();
        if (top != NULL) {
            back(top);
        }
        if (full != NULL) {
            back(full);
        }
    }
}

void go_stash_drain(void (*back)(void *first)) {
    check_may_block("go_stash_drain");
    struct g *g = hal_self();
    uint16_t where = g->where;
    for (unsigned core = hal_core_count(); core-- > 0;) { /* core 0 is the last: it is never retired */
        hal_irq_mask();
        g->where = (uint16_t)core;
        go_on_at(core);
        drain_core(back);
    }
    drain_depot(back); /* last: what was given meanwhile may have come here */
    hal_irq_mask();
    g->where = where;
    go_on_at(g->pin);
}
