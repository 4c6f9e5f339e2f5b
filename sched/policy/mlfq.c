/* sched/policy/mlfq.c - a multi-level feedback queue: who uses up its time at a level sinks to the next, where its time
 * is twice as long; who waits for something before that stays where it is. So what answers a person is before what
 * computes, and nobody has to say which is which. Ten times a second all rise to the top: nobody starves, and a hog that
 * has become a listener is one.
 * policy[0] is the level, and above it the slices used there; policy[1] is the tenth of a second that they are of.
 * read next: sched/policy/lottery.c */
#include "sched/policy/policy.h"

#define LEVELS 4u
#define TENTH  MS(100)

static struct {
    spinlock_t lock;
    struct gqueue levels[LEVELS]; /* guarded by lock, as what follows */
    uint64_t tenth;               /* when all rose last */
} mlfq = {.lock = SPINLOCK(RANK_GLOBAL)};

static uint64_t this_tenth(void) {
    return (uint64_t)(hal_now() / TENTH);
}

/* Who comes from another tenth has risen. */
static unsigned level(struct g *g) {
    uint64_t now = this_tenth();
    if (g->policy[1] != now) {
        g->policy[0] = 0;
        g->policy[1] = now;
    }
    return (unsigned)(g->policy[0] % LEVELS);
}

static void rise(void) NEEDS(mlfq.lock) {
    uint64_t now = this_tenth();
    for (unsigned i = 1; i < LEVELS && mlfq.tenth != now; i++) {
        gqueue_append(&mlfq.levels[0], &mlfq.levels[i]);
    }
    mlfq.tenth = now;
}

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)c;
    unsigned to = level(g);
    struct g *runs = hal_self(); /* g0 has no words: nobody is above it */
    bool before = why == WHY_WOKEN && runs != g && to < level(runs);
    spin_lock_masked(&mlfq.lock);
    (why == WHY_DISPLACED ? gqueue_push_front : gqueue_push)(&mlfq.levels[to], g);
    spin_unlock_masked(&mlfq.lock);
    return before;
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    struct g *g = NULL;
    spin_lock_masked(&mlfq.lock);
    rise();
    for (unsigned i = 0; g == NULL && i < LEVELS; i++) {
        g = gqueue_take_for(&mlfq.levels[i], c);
    }
    spin_unlock_masked(&mlfq.lock);
    return g;
}

/* Whether any waits for c at a level above. */
static bool any_above(const struct core *c, unsigned level) NEEDS(irq_masked) {
    bool any = false;
    struct g *before;
    spin_lock_masked(&mlfq.lock);
    for (unsigned i = 0; !any && i < level; i++) {
        any = gqueue_find_for(&mlfq.levels[i], c, &before) != NULL;
    }
    spin_unlock_masked(&mlfq.lock);
    return any;
}

/* At each level it has 1, 2, 4, 8 slices before it sinks, and goes on in them while nobody is above. */
static bool tick(struct core *c, struct g *g) NEEDS(irq_masked) {
    unsigned at = level(g);
    uint64_t used = g->policy[0] / LEVELS + 1;
    if (used >> at != 0) {
        g->policy[0] = at < LEVELS - 1 ? at + 1 : at;
        return policy_waits(c);
    }
    g->policy[0] = used * LEVELS + at;
    return any_above(c, at);
}

const struct policy policy_mlfq = {
    .name = "mlfq",
    .does = "a multi-level feedback queue: who computes sinks, who waits stays",
    .shares = true,
    .in_order = true,
    .slice = MS(1),
    .put = put,
    .pick = pick,
    .tick = tick,
};
