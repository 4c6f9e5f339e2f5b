/* sched/policy_seat.h - what is known of each core and its policy: for policy.c and policy_check.c alone. */
#pragma once

#include "sched/assert.h"
#include "sched/policy/policy.h"

struct seat {
    _Atomic(const struct policy *) now; /* NULL: GMP. Written by its core */
    _Atomic uint32_t turn;              /* odd: in a hook. Written by its core */
    _Atomic uint32_t fixed, loose;
    _Atomic(struct g *) runs;
    _Atomic bool called; /* the G that runs is to go; anyone sets it, its core clears it */
    uint8_t round; /* which time it was that a policy was chosen; own core only, as what follows */
    bool draining; /* everything may run here: it is taken out */
    bool has_put;  /* one that is not pinned, since all was taken out last */
    uint64_t displaced_at; /* the tick of the entry that goes for one that is before it, and not for its slice */
} __attribute__((aligned(64)));

extern struct seat policy_seats[HAL_MAX_CORES];
extern _Atomic uint32_t policy_common;
extern _Atomic bool policy_broken; /* a rule is: who is about to call a hook stops */

static inline struct seat *seat_of(const struct core *c) {
    return &policy_seats[c->hal.index];
}

/* Where g is counted; home is the core that it was put to. */
static inline _Atomic uint32_t *count_for(const struct policy *p, const struct g *g) {
    if (g->pin != ANY_CORE) {
        return &policy_seats[g->pin].fixed;
    }
    return p->shares ? &policy_common : &policy_seats[g->home].loose;
}

static inline bool waits_for(const struct policy *p, const struct core *c) {
    const struct seat *s = seat_of(c);
    return atomic_load(&s->fixed) != 0 || atomic_load(&s->loose) != 0 ||
           (p->shares && core_active(c) && atomic_load(&policy_common) != 0);
}

static inline void begin_turn(struct seat *s) {
    atomic_fetch_add(&s->turn, 1);
    while (atomic_load(&policy_broken)) {
        hal_relax(); /* who has seen it ends the machine */
    }
}

static inline void end_turn(struct seat *s) {
    atomic_fetch_add(&s->turn, 1);
}

/* Between begin_turn() and end_turn(): a hook of p has given g to run on c, or NULL. It waits no longer. */
struct g *policy_taken(const struct policy *p, struct core *c, struct g *g);

/* g0. c has found nothing, and its counts say that there is something. NULL: that was a matter of moments. */
struct g *policy_look_again(const struct policy *p, struct core *c) NEEDS(irq_masked);
