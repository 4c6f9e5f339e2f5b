/* sched/policy/lend.c - who waits for a mutex lends its priority to who holds it, and that one, if it waits for another
 * mutex, on to the next, on whichever cores they are.
 *
 * What is lent to a G is written nowhere, so nobody keeps it: it follows from those that wait, from what they wait for
 * (waits_on), and from who holds that (the mutex's word). It goes to the owner and, until it has come by, to who was
 * woken for the mutex, its heir, who is as much in the way of the others. Only the order of those that are ready and
 * who runs where have to follow. So all this is told here, under the lock, after it has happened:
 *
 *      one begins to wait, or does not wait any more: it has the mutex, is to try, is out of time, is canceled
 *                  sort_for(): owner and heirs, and so on along the chain, come to where they belong in the line;
 *      and also if one that runs has the mutex, as an heir or before it, has given up, or has unlocked
 *                  ranked_call(): of those that run one may be displaced now, on any core
 *
 * Whenever the lock is free: lenders are those Gs that are parked for a mutex since the policy rules everywhere, which
 * put() checks, and each G in the line lies by what it is lent, which pick() checks: who is in the line, or waits, does not
 * change what it holds; who runs has told all of it before it is put.
 *
 * policy[1] is whether a G is among the lenders. read next: sched/policy/edf.c */
#include "sched/policy/lend.h"

#include <bareloom/sync.h>

#include "sched/said.h"

static const struct policy *ruler; /* under prio_line.lock, as what follows; NULL: not on all cores */
static struct g *lenders;          /* by link */
static unsigned many;              /* of them */

static struct mutex *mutex_of(const struct g *g) {
    return (struct mutex *)((uintptr_t)relaxed_load(&g->waits_on) & ~WAITS_LIMITED);
}

static struct g *owner_of(struct mutex *m) {
    /* relaxed: who changes it tells so under the lock, later */
    return (struct g *)(relaxed_load(&m->word) & ~(uintptr_t)7);
}

static bool lends(const struct g *g) {
    /* acquire: pairs with own_words(); before, the words are another policy's */
    return atomic_load_explicit(&g->words, memory_order_acquire) == ruler && g->policy[1] != 0;
}

/* Whether w lends to g, directly or through others. */
static bool reaches(const struct g *w, const struct g *g) {
    const struct mutex *comes_to = lends(g) ? NULL : mutex_of(g);
    for (unsigned i = 0; i < many; i++) { /* no longer: they wait for each other in a circle */
        struct mutex *m = mutex_of(w);
        const struct g *owner = owner_of(m);
        if (owner == g || m == comes_to) {
            return true;
        }
        if (owner == NULL || !lends(owner)) {
            return false;
        }
        w = owner;
    }
    return false;
}

unsigned lent_to(const struct g *g) {
    unsigned most = 0;
    for (const struct g *w = lenders; w != NULL; w = w->link) {
        if (priority_of(w) > most && reaches(w, g)) {
            most = priority_of(w);
        }
    }
    return most;
}

/* One in the line that was woken for m, and lies by what was lent to it before. */
static struct g *heir_out_of_place(const struct mutex *m) {
    struct g *g = prio_line.q.head;
    while (g != NULL && (mutex_of(g) != m || prio_line.rank(g) == g->policy[0])) {
        g = g->link;
    }
    return g;
}

/* What is lent to who holds m has changed. */
static void sort_for(struct mutex *m) {
    for (unsigned i = 0; m != NULL && i <= many; i++) {
        struct g *owner = owner_of(m), *heir;
        if (owner != NULL) {
            ranked_moved(&prio_line, owner); /* before the heir, who would come in vain */
        }
        while ((heir = heir_out_of_place(m)) != NULL) {
            ranked_moved(&prio_line, heir);
        }
        m = owner != NULL && lends(owner) ? mutex_of(owner) : NULL;
    }
}

static void begins_to_wait(struct core *c, struct g *g) NEEDS(irq_masked) {
    spin_lock_masked(&prio_line.lock);
    if (ruler != NULL) {
        g->policy[1] = 1;
        g->link = lenders;
        lenders = g;
        many++;
        sort_for(mutex_of(g));
        ranked_call(&prio_line, c);
    }
    spin_unlock_masked(&prio_line.lock);
}

static void is_woken(struct core *c, struct g *g) NEEDS(irq_masked) {
    spin_lock_masked(&prio_line.lock);
    if (ruler != NULL && lends(g)) {
        struct g **at = &lenders;
        while (*at != g) {
            at = &(*at)->link;
        }
        *at = g->link;
        many--;
        g->policy[1] = 0;
        sort_for(mutex_of(g));
    }
    ranked_call(&prio_line, c); /* who woke it may have unlocked */
    spin_unlock_masked(&prio_line.lock);
}

static void goes_on(struct core *c) NEEDS(irq_masked) {
    spin_lock_masked(&prio_line.lock);
    ranked_call(&prio_line, c);
    spin_unlock_masked(&prio_line.lock);
}

static void opens(bool now) NEEDS(irq_masked) {
    spin_lock_masked(&prio_line.lock);
    for (struct g *g = lenders; g != NULL; g = g->link) {
        g->policy[1] = 0;
    }
    lenders = NULL;
    many = 0;
    ruler = now ? policy_wanted() : NULL;
    ranked_sort(&prio_line);
    spin_unlock_masked(&prio_line.lock);
}

void lend_check(const struct g *g) NEEDS(irq_masked) {
    spin_lock_masked(&prio_line.lock);
    bool waits = ruler != NULL && lends(g);
    spin_unlock_masked(&prio_line.lock);
    if (waits) {
        policy_breaks(policy_wanted(), "thinks that one waits for a mutex which was woken", g);
    }
}

const struct policy_mutexes lending = {
    .opens = opens, .begins_to_wait = begins_to_wait, .is_woken = is_woken, .goes_on = goes_on};
