/*
 * sched/policy/policy.h - what a policy is: one queue or many, and five functions. docs/POLICY.md tells how to write one.
 *
 * The core does everything else, and checks each answer: it holds who waits where, wakes cores, keeps pinned Gs to
 * their cores, hands Gs from core to core. Every function is called on core c with its interrupts masked, so
 * nothing else happens there meanwhile; but other cores are in the same function at the same time, and what they
 * share wants a spinlock.
 */
#pragma once

#include "sched/policy.h"

struct policy {
    const char *name; /* as in policy=NAME */
    const char *does; /* in a line */
    bool shares; /* it claims that no core idles while a G waits that it may run: the core checks it */
    bool in_order; /* of equals who has waited longer on a core is picked first: tests hold it to that */
    bool admits; /* go_periodic() is refused where it could not be in time */
    ns_t slice;  /* how long a G runs; 0: as long as under GMP */

    /* On which core g, new or woken, is to be put. NULL: where that happened. A G that is pinned is not asked for. */
    unsigned (*place)(struct core *c, struct g *g, enum why why);
    /* g waits from now on. True: it is to run at once, before the one that runs on c. */
    bool (*put)(struct core *c, struct g *g, enum why why);
    /* The next one for c, no longer waiting: one that may_run() there. NULL: none. */
    struct g *(*pick)(struct core *c);
    /* The slice of g, which runs on c, is over. True: it is to be put back. NULL: if any other waits for c. */
    bool (*tick)(struct core *c, struct g *g);
    /* c has nothing of its own: one that waits elsewhere and may run here. NULL: nothing is stolen. */
    struct g *(*steal)(struct core *c);

    const struct policy_mutexes *mutexes; /* NULL: it does not care who waits for whom */
};

/* What a policy is told of mutexes: on core c, masked; what they do they do under a lock of the policy's. */
struct policy_mutexes {
    /* All cores are under the policy, so that none of the following is missed; or they begin to leave it. */
    void (*opens)(bool now);
    /* g is about to wait for g->waits_on, which has an owner and stays there until g has it or gives up. */
    void (*begins_to_wait)(struct core *c, struct g *g);
    /* g, which may wait for one, is woken, perhaps by the running G's unlock; put() comes next. */
    void (*is_woken)(struct core *c, struct g *g);
    /* The running G does not wait for one any more: it has it, or gave up. Or it unlocked one and woke nobody. */
    void (*goes_on)(struct core *c);
};

/* Whether g may run on c, the own core: it is pinned there, or it is not pinned and c takes part; or all is taken out there. */
bool may_run(const struct g *g, const struct core *c);

/* The same without the last, of any core. */
bool belongs(const struct g *g, const struct core *c);

/* Ends the machine: p has broken a rule with g. */
_Noreturn void policy_breaks(const struct policy *p, const char *rule, const struct g *g);

/* Any core: the G that runs there is displaced, now. */
void policy_call(unsigned core) NEEDS(irq_masked);

/* ---- a list of Gs under a lock --------------------------------------------------------------- */

struct fifo {
    spinlock_t lock;
    struct gqueue q;
};

#define FIFO                                                                                       \
    { .lock = SPINLOCK(RANK_GLOBAL) }
#define FIFOS                                                                                      \
    { [0 ... HAL_MAX_CORES - 1] = FIFO }

static inline void fifo_put(struct fifo *f, struct g *g) NEEDS(irq_masked) {
    spin_lock_masked(&f->lock);
    gqueue_push(&f->q, g);
    spin_unlock_masked(&f->lock);
}

/* No lock. Takes the one behind before out of q, or the first if before is NULL. */
static inline struct g *gqueue_take_behind(struct gqueue *q, struct g *before) {
    struct g *g = before != NULL ? before->link : q->head;
    if (before == NULL) {
        q->head = g->link;
    } else {
        before->link = g->link;
    }
    if (q->tail == g) {
        q->tail = before;
    }
    return g;
}

/* No lock. The first that may run on c, which stays there, or NULL; *before: the one before it. */
static inline struct g *gqueue_find_for(const struct gqueue *q, const struct core *c, struct g **before) {
    *before = NULL;
    struct g *g = q->head;
    for (; g != NULL && !may_run(g, c); g = g->link) {
        *before = g;
    }
    return g;
}

/* No lock. The same, out of q. */
static inline struct g *gqueue_take_for(struct gqueue *q, const struct core *c) {
    struct g *before;
    return gqueue_find_for(q, c, &before) != NULL ? gqueue_take_behind(q, before) : NULL;
}

static inline struct g *fifo_take(struct fifo *f, const struct core *c) NEEDS(irq_masked) {
    spin_lock_masked(&f->lock);
    struct g *g = gqueue_take_for(&f->q, c);
    spin_unlock_masked(&f->lock);
    return g;
}

/* ---- those that there are -------------------------------------------------------------------- */

extern const struct policy policy_fifo, policy_nosteal, policy_steal1, policy_rr, policy_mlfq,
    policy_lottery, policy_prio, policy_edf, policy_skeleton;
