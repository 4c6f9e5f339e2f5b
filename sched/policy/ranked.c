/* sched/policy/ranked.c - see ranked.h.
 *
 * Who is put, of a lower rank than one that runs on any core where it may, has that core called, which takes the running
 * one off. Two that are put at the same time may have an eye for the same core: so a core counts as taken from its
 * call on, and who is picked has the next one looked at once more.
 *
 * Whenever the lock is free each G lies by the rank that it has: a rank changes while its G runs, or ranked_moved()
 * is called. pick() checks it.
 *
 * read next: sched/policy/prio.c */
#include "sched/policy/ranked.h"

#define IDLE UINTPTR_MAX

static uintptr_t rank_of(const struct g *g) {
    return g->policy[0];
}

/* Behind those of its rank, or before them. The commonest is the last one of all. */
static void insert(struct ranked *r, struct g *g, bool first) {
    g->policy[0] = r->rank(g);
    if (r->q.head == NULL || (!first && rank_of(r->q.tail) <= rank_of(g))) {
        gqueue_push(&r->q, g);
        return;
    }
    struct g *before = NULL, *at = r->q.head;
    for (; at != NULL && (first ? rank_of(at) < rank_of(g) : rank_of(at) <= rank_of(g)); at = at->link) {
        before = at;
    }
    if (before == NULL) {
        gqueue_push_front(&r->q, g);
    } else if (at == NULL) {
        gqueue_push(&r->q, g);
    } else {
        g->link = at;
        before->link = g;
    }
}

/* Under the lock: g waits. True: it is before the one that runs on c; another core, where that is so even more, is
 * called instead. One that idles is called anyhow. */
static bool call(struct ranked *r, struct core *c, const struct g *g) NEEDS(irq_masked) {
    unsigned last = belongs(g, c) ? c->hal.index : HAL_MAX_CORES;
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if (belongs(g, &cores[i]) && (last == HAL_MAX_CORES || r->bar[i] > r->bar[last])) {
            last = i;
        }
    }
    if (last == HAL_MAX_CORES || r->bar[last] == IDLE || r->bar[last] <= rank_of(g)) {
        return false;
    }
    r->bar[last] = rank_of(g);
    if (last != c->hal.index) {
        policy_call(last);
    }
    return last == c->hal.index;
}

/* The same of the first in the line, and of those behind it as long as pins keep some before them from going elsewhere. */
static bool call_first(struct ranked *r, struct core *c) NEEDS(irq_masked) {
    bool here = false;
    const struct g *g = r->q.head;
    for (; g != NULL && g->pin != ANY_CORE; g = g->link) {
        here |= call(r, c, g);
    }
    return (g != NULL && call(r, c, g)) || here;
}

bool ranked_put(struct ranked *r, struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    spin_lock_masked(&r->lock);
    insert(r, g, why == WHY_DISPLACED);
    bool before = call(r, c, g);
    spin_unlock_masked(&r->lock);
    return before;
}

struct g *ranked_pick(struct ranked *r, struct core *c) NEEDS(irq_masked) {
    spin_lock_masked(&r->lock);
    struct g *g = gqueue_take_for(&r->q, c);
    bool misplaced = g != NULL && r->rank(g) != rank_of(g);
    r->runs[c->hal.index] = g;
    r->bar[c->hal.index] = g != NULL ? rank_of(g) : IDLE;
    call_first(r, c);
    spin_unlock_masked(&r->lock);
    if (misplaced) {
        policy_breaks(r->of, "has one in the wrong place", g);
    }
    return g;
}

bool ranked_tick(struct ranked *r, struct core *c, const struct g *g) NEEDS(irq_masked) {
    struct g *before;
    spin_lock_masked(&r->lock);
    const struct g *next = gqueue_find_for(&r->q, c, &before);
    bool over = next != NULL && rank_of(next) <= r->rank(g);
    spin_unlock_masked(&r->lock);
    return over;
}

static bool take(struct gqueue *q, const struct g *g) {
    struct g *before = NULL, *at = q->head;
    for (; at != NULL && at != g; at = at->link) {
        before = at;
    }
    return at != NULL && gqueue_take_behind(q, before) != NULL;
}

void ranked_moved(struct ranked *r, struct g *g) {
    if (rank_of(g) != r->rank(g) && take(&r->q, g)) {
        insert(r, g, false);
    }
}

void ranked_sort(struct ranked *r) {
    struct gqueue all = r->q;
    r->q = (struct gqueue){0};
    for (struct g *g = gqueue_pop(&all); g != NULL; g = gqueue_pop(&all)) {
        insert(r, g, false);
    }
}

void ranked_call(struct ranked *r, struct core *c) NEEDS(irq_masked) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        /* if that one runs no more, the next pick is near */
        r->bar[i] = r->runs[i] != NULL ? r->rank(r->runs[i]) : IDLE;
    }
    if (call_first(r, c)) {
        policy_call(c->hal.index);
    }
}
