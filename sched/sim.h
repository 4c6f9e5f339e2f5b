/*
 * sched/sim.h - deterministic simulation: what nothing prescribes is drawn from a seed.
 *
 * When a slice ends, when the timer comes, whether a woken G goes to runnext, whom a thief visits
 * first: programs may rely on none of it, and on a quiet machine it is nearly the same in each run.
 * In a build with CONFIG_SIM these are drawn from one generator. Under QEMU's -icount, where the
 * clock counts instructions, a seed is then a whole schedule of all cores, which comes out the same
 * each time, and another seed is another schedule (tools/sim.py, docs/VERIFICATION.md).
 *
 * In other builds nothing of it is left.
 */
#pragma once

#include "sched/sched.h"

/* At boot, before sched_core(): the word seed=N is taken out of line, and seeds all cores. */
void sim_begin(char *line);

/* For what knows no core (tests/sim/stdatomic.h). */
extern uint32_t sim_draws;

/* What core i's generator begins with; never 0. */
uint32_t sim_seed(unsigned i);

/* The bodies of the functions below. Own core, masked. */
int64_t sim_draw_slice(struct core *c, int64_t slice) NEEDS(irq_masked);
int64_t sim_draw_deadline(struct core *c, int64_t when) NEEDS(irq_masked);
void sim_note(struct core *c, const struct g *g) NEEDS(irq_masked);

/* xorshift32: any non-zero seed runs through all values. Own core, masked. */
static inline uint32_t core_random(struct core *c) NEEDS(irq_masked) {
    uint32_t x = c->random;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    c->random = x;
    return x;
}

/* When the timer is set to what ought to be when: not later, but for a moment, since a timer that comes too early
 * finds nothing over and is set again. */
static inline int64_t sim_deadline(struct core *c, int64_t when) NEEDS(irq_masked) {
    return CONFIG_SIM != 0 ? sim_draw_deadline(c, when) : when;
}

/* arm() itself. */
static inline void arm_here(struct core *c, int64_t when) NEEDS(irq_masked) {
    c->deadline = sim_deadline(c, when);
    hal_timer_set(c->deadline);
}

/* The running G's slice begins now. */
static inline void slice_begin(struct core *c) NEEDS(irq_masked) {
    c->slice_stamp = hal_stamp();
    if (CONFIG_SIM != 0) {
        c->slice_drawn = slice_length() - sim_draw_slice(c, slice_length());
        arm_sooner(c, slice_start(c) + slice_length());
    }
}

/* Whether what could go to runnext goes to the ring this time. */
static inline bool sim_spurns_runnext(struct core *c) NEEDS(irq_masked) {
    return CONFIG_SIM != 0 && core_random(c) % 4 == 0;
}

/* c enters g: one step of the schedule. */
static inline void sim_step(struct core *c, const struct g *g) NEEDS(irq_masked) {
    if (CONFIG_SIM != 0) {
        sim_note(c, g);
    }
}

/* Prints seed, number of steps and a hash over which G ran where and when: equal hashes, equal
 * runs. Nothing in other builds. From a G. */
void sim_report(void);
