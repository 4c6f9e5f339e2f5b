/* sched/gmp.c - the policy: where a runnable G goes, which one is next, whom to steal from, when to
 * preempt.
 *
 * Go's rules. A G that the running one has made ready goes to runnext and runs next in the slice of
 * its waker, so that two Gs that talk to each other are one unit for the tick. All else is first
 * in, first out. Pinned Gs have a list that nobody steals from, picked in turn with the rest.
 * TOUR 7 / read next: sched/inbox.c */
#include "sched/gmp.h"

#include "sched/assert.h"
#include "sched/knobs.h"
#include "sched/policy.h"
#include "sched/sim.h"

/* How often the global queue goes first, so that it cannot starve. Go's number, prime on
 * purpose. */
#define GLOBAL_EVERY 61

/* Passes over the other cores before a search gives up. */
#define STEAL_PASSES 4

void gmp_publish_runnext(struct core *c) NEEDS(irq_masked) {
    struct g *g = runnext_of(c);
    if (g != NULL) {
        set_runnext(c, NULL);
        g->slice_used = 0; /* behind others: its next one is whole */
        runq_put(&c->runq, g);
        wake_one();
    }
}

static struct g *steal_pass(struct core *c) NEEDS(irq_masked);

/* A slice is over and nobody waits here: takes from where others do. Stealing by idle cores alone
 * would leave a hog by itself on one core and four that share another, for as long as none is
 * idle. */
static void balance(struct core *c) NEEDS(irq_masked) {
    if (core_active(c) && runnext_of(c) == NULL && c->pinned.head == NULL &&
        runq_is_empty(&c->runq) && any_runq(c)) {
        struct g *g = steal_pass(c);
        if (g != NULL) {
            runq_put(&c->runq, g);
            wake_one(); /* no queue showed them on the way, and we are no searcher that looks again at its end */
        }
    }
}

/* Whoever held the place goes to the ring, where others may have it. */
void gmp_next_was(struct core *c, struct g *before) NEEDS(irq_masked) {
    if (before != NULL && before->slice_used != 0) {
        /* Displaced, with slice left: the head of the queue is its place (HAZARDS 7), and the ring
         * has none */
        gqueue_push_front(&c->pinned, before);
        c->pinned_turn = false;
        look_closer(c);
    } else if (before != NULL) {
        runq_put(&c->runq, before);
        wake_one();
    }
    guard_arm(c);
}

UNCOMMON int gmp_wake_and_open(struct core *c) OPENS(irq_masked) {
    wake_idle();
    guard_arm(c);
    hal_irq_unmask();
    return 0;
}

UNCOMMON int gmp_next_was_and_open(struct core *c, struct g *before) OPENS(irq_masked) {
    gmp_next_was(c, before);
    hal_irq_unmask();
    return 0;
}

/* What is commonest when many are started; calls nothing but last. */
int gmp_put_behind_and_open(struct core *c, struct g *before) OPENS(irq_masked) {
    runq_put_behind_here(&c->runq, before);
    if (wake_needed()) {
        return gmp_wake_and_open(c);
    }
    hal_irq_unmask();
    return 0;
}

static void put_pinned(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    ASSERT(g->pin == c->hal.index);
    if (why == WHY_DISPLACED) {
        gqueue_push_front(&c->pinned, g);
        c->pinned_turn = false; /* the pinned are next */
        look_closer(c);
    } else if (why == WHY_SLICE && pinned_to(g) != c->hal.index) {
        inbox_put(&cores[g->pin], g);
    } else {
        gmp_put_pinned(c, g);
    }
}

static void put_globally(struct core *c, struct g *g) NEEDS(irq_masked) {
    struct gqueue one = {.head = g, .tail = g};
    g->link = NULL;
    g->slice_used = 0; /* as in gmp_publish_runnext() */
    globq_put(&one, 1);
    wake_one();
    if (knobs_turned(c)) {
        knobs_call_all();
    }
}

void gmp_demote(struct core *c, struct g *g) NEEDS(irq_masked) {
    balance(c);
    gmp_publish_runnext(c); /* it was part of the slice that is over */
    put_globally(c, g);
    refill(c);
    c->around_at =
        next_tick(c) + GLOBAL_EVERY * HAL_MAX_CORES; /* else it would be the next: see frame_take() */
}

void gmp_put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    if (why == WHY_SLICE) {
        balance(c);
    }
    if (g->pin != ANY_CORE) {
        put_pinned(c, g, why);
        return;
    }
    if (!core_active(c)) {
        put_globally(c, g);
        return;
    }
    if (why == WHY_WOKEN && sim_spurns_runnext(c)) {
        why = WHY_YIELD;
    }
    struct g *before;
    switch (why) {
    case WHY_NEW:
    case WHY_WOKEN:
    case WHY_DISPLACED:
        before = runnext_of(c);
        set_runnext(c, g);
        if (g->slice_used != 0) {
            look_closer(c); /* a plain pick would not see that it goes on in its slice */
        }
        gmp_next_was(c, before);
        break;
    case WHY_SLICE:
        gmp_publish_runnext(c); /* it was part of the slice that is over */
        runq_put(&c->runq, g);
        wake_one();
        break;
    case WHY_YIELD:
        g->slice_used = 0; /* or it may come from a policy that has displaced it */
        runq_put(&c->runq, g);
        wake_one();
        break;
    }
}

/* What handlers and other cores sent, onto the queues. A core that has nothing else runs the first
 * of them at once, without calling others to look for it: that one is returned. */
static struct g *drain_inbox(struct core *c) NEEDS(irq_masked) {
    if (inbox_empty(c)) {
        return NULL;
    }
    bool bored = runnext_of(c) == NULL && c->pinned.head == NULL && runq_is_empty(&c->runq) &&
                 globq_length() == 0 && core_active(c);
    struct gqueue q = inbox_take(c);
    struct g *first = bored ? gqueue_pop(&q) : NULL;
    for (struct g *g = gqueue_pop(&q); g != NULL; g = gqueue_pop(&q)) {
        gmp_put(c, g, g->pin != ANY_CORE ? WHY_WOKEN : WHY_YIELD);
    }
    return first;
}

static struct g *take_pinned(struct core *c) NEEDS(irq_masked) {
    c->pinned_turn = true;
    return gqueue_pop(&c->pinned);
}

/* runnext, in its waker's slice; or one of the pinned and one of the ring in turn, what the other side has when one is
 * empty. */
static inline struct g *take_at_hand(struct core *c) NEEDS(irq_masked) {
    struct g *g = gmp_take_runnext(c);
    if (g != NULL) {
        return g;
    }
    g = c->pinned.head;
    if (g != NULL && (!c->pinned_turn || runq_is_empty(&c->runq))) {
        c->pinned.head = g->link; /* the global queue has its turn by look_around() */
        c->pinned_turn = true;
    } else if (ring_get(&c->runq, &g)) {
        c->pinned_turn = false;
    } else {
        return NULL;
    }
    slice_begin(c);
    return g;
}

/* After it: its ring is empty. */
static struct g *take_queued(struct core *c) NEEDS(irq_masked) {
    struct g *g;
    c->pinned_turn = false;
    if ((runq_behind(&c->runq) != 0 && (g = runq_get_behind(&c->runq)) != NULL) ||
        (g = globq_get(&c->runq)) != NULL) {
        return g;
    }
    return take_pinned(c);
}

/* A core that is not active has pinned Gs alone, and looks each time whether it is again. */
static struct g *take_retired(struct core *c) NEEDS(irq_masked) {
    look_everywhere(c);
    core_hand_over(c);
    return take_pinned(c);
}

/* What is looked at seldom. A G from the global queue at its turn, or NULL. */
static struct g *look_around(struct core *c) NEEDS(irq_masked) {
    c->around_at = next_tick(c) + GLOBAL_EVERY * HAL_MAX_CORES;
    refill(c);
    return core_active(c) ? globq_get(&c->runq) : NULL;
}

/* look_at for the next pick, when the picked one leaves; 0: it is not to be plain. If none was picked, the caller may go
 * on, and be pinned. */
static uint64_t plain_until(const struct core *c, const struct g *picked) {
    if (picked == NULL || picked->pin != ANY_CORE || c->pinned.head != NULL || !inbox_empty(c) ||
        !core_active(c)) {
        return 0;
    }
    return hooked(c) ? PLAIN_BUT_HOOKED : c->around_at;
}

/* Somebody was displaced, and waits there for what is left of its slice. */
static bool displaced_is_next(const struct core *c) {
    const struct g *g = runnext_of(c);
    return g != NULL && g->slice_used != 0;
}

static inline struct g *picked(struct core *c, struct g *g) NEEDS(irq_masked) {
    uint64_t until = plain_until(c, g);
    c->look_at = until != 0 && displaced_is_next(c) ? 0 : until;
    return g;
}

/* Nothing is at hand; or the core is not active, for which the caller has looked: it may be again by now, and take_queued()
 * wants an empty ring. */
APART struct g *pick_behind(struct core *c, bool active) NEEDS(irq_masked) {
    struct g *g = active ? take_queued(c) : take_retired(c);
    if (g != NULL) {
        slice_begin(c);
    }
    return picked(c, g);
}

/* First of all what comes before that. */
APART struct g *pick_before(struct core *c) NEEDS(irq_masked) {
    struct g *g = next_tick(c) >= c->around_at ? look_around(c) : NULL;
    if (g == NULL) {
        g = drain_inbox(c);
    }
    bool active = core_active(c);
    if (g != NULL) {
        slice_begin(c);
    } else if (active) {
        g = take_at_hand(c);
    }
    return g != NULL ? picked(c, g) : pick_behind(c, active);
}

/* A core that is retired, and knows it, looks everywhere (take_retired); until then its picks are as plain ones are. */
struct g *gmp_pick(struct core *c) NEEDS(irq_masked) {
    if (next_tick(c) >= c->around_at || !inbox_empty(c)) {
        return pick_before(c);
    }
    struct g *g = take_at_hand(c);
    return g != NULL ? picked(c, g) : pick_behind(c, core_active(c));
}

bool gmp_anything(struct core *c) NEEDS(irq_masked) {
    return runnext_of(c) != NULL || c->pinned.head != NULL || !inbox_empty(c) ||
           !runq_is_empty(&c->runq) || (globq_length() != 0 && core_active(c)) || !core_active(c) ||
           (policy_is_on(c) && policy_waits(c));
}

UNCOMMON static bool tick_hooked(struct core *c) NEEDS(irq_masked) {
    if (policy_is_on(c)) {
        return policy_tick(c);
    }
    slice_begin(c); /* no time takes it off */
    return false;
}

bool gmp_slice_over(struct core *c) NEEDS(irq_masked) {
    if (hooked(c) && (policy_is_on(c) || knobs_count(c))) {
        return tick_hooked(c);
    }
    if (gmp_anything(c) || any_runq(c)) {
        return true;
    }
    slice_begin(c); /* nobody waits for it: a new slice */
    return false;
}

uint32_t random_below(uint32_t n) {
    hal_irq_t was = hal_irq_save();
    uint32_t x = core_random(this_core());
    hal_irq_restore(was);
    return (uint32_t)((uint64_t)x * n >> 32);
}

/* Each other core once, in random order. */
static struct g *steal_pass(struct core *c) NEEDS(irq_masked) {
    unsigned n = hal_core_count();
    struct steal_order order = steal_order(n, core_random(c));
    for (unsigned i = steal_next(&order); i < n; i = steal_next(&order)) {
        unsigned taken;
        struct g *g = i == c->hal.index ? NULL
                      : knobs_turned(c) ? runq_steal_some(&c->runq, &cores[i].runq,
                                                          relaxed_load(&knobs[KNOB_STEAL]), &taken)
                                        : runq_steal(&c->runq, &cores[i].runq, &taken);
        if (g != NULL) {
            count_add(&c->n.stolen, taken);
            trace_core_always(c, EV_STEAL, i, trace_pair(g->id, taken));
            return g;
        }
    }
    return NULL;
}

struct g *gmp_steal(struct core *c) NEEDS(irq_masked) {
    /* Who misses something here, since it is put just now, finds it when it falls asleep (idle.c). */
    for (int pass = 0; pass < STEAL_PASSES && any_runq(c); pass++) {
        struct g *g = steal_pass(c);
        if (g != NULL) {
            return g;
        }
        hal_relax();
    }
    return NULL;
}
