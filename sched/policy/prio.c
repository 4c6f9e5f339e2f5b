/* sched/policy/prio.c - strict priorities: of all that wait the highest run, on all cores, and who waits for a mutex lends
 * its priority to who holds it, through chains of mutexes, until that is unlocked. Equals take turns of a millisecond.
 *
 * What has been lent to a G is worked out anew from those that wait for mutexes, at each point where that may have changed:
 * one begins to wait; one is woken, be it by the unlock or because its time is up. Between an unlock and
 * the moment when the one that was woken for it has the mutex, the others lend to that one.
 *
 * Why no one keeps what it was lent: all of it happens under the lock, and who unlocks has written that the mutex is
 * not its own before it comes here. So whoever lends reads either that, or lends before the working out at the unlock.
 *
 * policy[1] is the priority that was lent. read next: sched/policy/edf.c */
#include <bareloom/sync.h>

#include "sched/policy/ranked.h"
#include "sched/said.h"

extern const struct policy policy_prio;

/* One that waits since before this policy ruled has no words yet. */
static bool has_words(const struct g *g) {
    return atomic_load_explicit(&g->words, memory_order_acquire) == &policy_prio;
}

static unsigned level(const struct g *g) {
    unsigned own = priority_of(g), lent = has_words(g) ? (unsigned)g->policy[1] : 0;
    return lent > own ? lent : own;
}

static uintptr_t rank(const struct g *g) {
    return GO_PRIORITIES - level(g);
}

static struct ranked all = {.lock = SPINLOCK(RANK_GLOBAL), .rank = rank};

/* Those that wait for a mutex, by link: guarded by all.lock. While open all cores are under this policy, so that nobody
 * is woken unseen. */
static struct g *lenders;
static bool open;

/* ---- who lends to whom --------------------------------------------------------------------------- */

static struct mutex *mutex_of(const struct g *g) {
    return (struct mutex *)((uintptr_t)relaxed_load(&g->waits_on) & ~WAITS_LIMITED);
}

static struct g *owner_of(struct mutex *m) {
    /* relaxed: see the head */
    return (struct g *)(atomic_load_explicit(&m->word, memory_order_relaxed) & ~(uintptr_t)7);
}

static bool lends(const struct g *g) {
    const struct g *at = lenders;
    while (at != NULL && at != g) {
        at = at->link;
    }
    return at != NULL;
}

/* The most that is lent to g by those that wait for what it holds, or has been woken for. */
static unsigned lent_to(const struct g *g) {
    const struct mutex *next = lends(g) ? NULL : mutex_of(g);
    unsigned most = 0;
    for (const struct g *w = lenders; w != NULL; w = w->link) {
        struct g *owner = owner_of(mutex_of(w));
        if ((owner == g || (owner == NULL && mutex_of(w) == next)) && level(w) > most) {
            most = level(w);
        }
    }
    return most;
}

/* What is lent to g may have changed, and then to whom it lends. */
static void work_out(struct core *c, struct g *g) NEEDS(irq_masked) {
    while (g != NULL && has_words(g)) {
        unsigned was = level(g);
        g->policy[1] = lent_to(g);
        if (level(g) == was) {
            return;
        }
        ranked_moved(&all, c, g);
        g = lends(g) ? owner_of(mutex_of(g)) : NULL;
    }
}

static void begins_to_wait(struct core *c, struct g *g) NEEDS(irq_masked) {
    spin_lock_masked(&all.lock);
    if (open) {
        work_out(c, g);
        g->link = lenders;
        lenders = g;
        work_out(c, owner_of(mutex_of(g)));
    }
    spin_unlock_masked(&all.lock);
}

/* Whoever runs here may have unlocked something. */
static void unlocks(struct core *c) NEEDS(irq_masked) {
    spin_lock_masked(&all.lock);
    work_out(c, hal_self());
    spin_unlock_masked(&all.lock);
}

static void is_woken(struct core *c, struct g *g) NEEDS(irq_masked) {
    spin_lock_masked(&all.lock);
    struct g **at = &lenders;
    while (*at != NULL && *at != g) {
        at = &(*at)->link;
    }
    if (*at != NULL) {
        *at = g->link;
        work_out(c, g);
        work_out(c, owner_of(mutex_of(g)));
        work_out(c, hal_self());
    }
    spin_unlock_masked(&all.lock);
}

static void opens(bool now) NEEDS(irq_masked) {
    spin_lock_masked(&all.lock);
    open = now;
    lenders = NULL;
    spin_unlock_masked(&all.lock);
}

/* ---- the rest ------------------------------------------------------------------------------------ */

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    return ranked_put(&all, c, g, why);
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    return ranked_pick(&all, c);
}

static bool tick(struct core *c, struct g *g) NEEDS(irq_masked) {
    (void)g;
    return ranked_tick(&all, c);
}

static const struct policy_mutexes mutexes = {
    .opens = opens, .begins_to_wait = begins_to_wait, .is_woken = is_woken, .unlocks = unlocks};

const struct policy policy_prio = {
    .name = "prio",
    .does = "strict priorities, lent to who holds a mutex",
    .shares = true,
    .in_order = true,
    .slice = MS(1),
    .put = put,
    .pick = pick,
    .tick = tick,
    .mutexes = &mutexes,
};
