/*
 * sched/knobs.h - knobs: what can be taken out of GMP, or be given another size, while it runs. docs/MODELS.md
 *
 * Each is looked at on slow ways alone: while one is not as usual its bit is set in core->hal.hooks, which sends everything
 * there as a policy or a trace does. A core sees a change sooner or later, in the middle of anything; so no knob may
 * stand for where a G is: what was put by one rule is found by the other.
 * TOUR 7 / read next: sched/knobs.c
 */
#pragma once

#include "sched/sched.h"

enum knob {
    KNOB_TICK,       /* 0: who runs is never taken off */
    KNOB_REDUCTIONS, /* not 0: a slice is so many calls that wake, start or wait, and not a time */
    KNOB_RUNNEXT,    /* 0: who is woken or new goes to the tail */
    KNOB_SPIN,       /* so often a core that has found nothing looks again before it sleeps */
    KNOB_STEAL,      /* the most that a thief takes at once, at most half; 0: nobody steals */
    KNOB_DEMOTE,     /* 1: whose slice is over goes to the global queue */
    KNOB_GCACHE,     /* 0: dead Gs go to the shared list, one by one */
    KNOBS
};

extern _Atomic uint32_t knobs[KNOBS]; /* written by knobs.c; relaxed: numbers, with which no data goes */

/* Own core, masked. */
static inline bool knobs_turned(const struct core *c) {
    return CONFIG_TRACE && __builtin_expect((relaxed_load(&c->hal.hooks) & HOOK_KNOBS) != 0, 0);
}

/* Own core, masked. Whether k is value, which is not the usual one. */
static inline bool knob_is(const struct core *c, enum knob k, uint32_t value) {
    return knobs_turned(c) && relaxed_load(&knobs[k]) == value;
}

/* Own core, masked. Whether a slice is no time. */
static inline bool knobs_count(const struct core *c) {
    return knobs_turned(c) && relaxed_load(&knobs[KNOB_REDUCTIONS]) != 0;
}

/* Under HOOK_KNOBS, masked, own core: */

/* g is woken or started; true: it has been put where it belongs. */
bool knobs_ready(struct core *c, struct g *g) NEEDS(irq_masked);

/* gmp_pick() comes next, for a G that leaves. */
void knobs_pick(struct core *c) NEEDS(irq_masked);

/* g is entered. */
void knobs_enter(struct core *c, const struct g *g) NEEDS(irq_masked);

/* g0. Before c searches, or sleeps. True: it has something of its own to pick; or nobody steals, and it has slept. */
bool knobs_search(struct core *c) NEEDS(irq_masked);

/* What was put to the global queue is found although nobody steals. */
void knobs_call_all(void) NEEDS(irq_masked);

/* A G: k is value from now on. */
void knobs_turn(enum knob k, uint32_t value);

/* A G: what go_option() and go_option_wants() do with a knob's word; -ENOENT, false: it is none. */
int knobs_option(const char *word);
bool knobs_wants(const char *word);
