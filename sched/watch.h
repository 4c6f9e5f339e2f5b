/* sched/watch.h - watchdogs: see watch.c. */
#pragma once

#include "sched/sched.h"

/* Handler over a G, at each tick: where it came, for the core that watches this one. */
static inline void watch_note(struct core *c) NEEDS(irq_masked) {
    /* relaxed: a report may show the one before */
    relaxed_store(&c->last_pc, hal_interrupted_pc());
    relaxed_store(&c->last_id, hal_self()->id);
}

/* The same: what this one watches, which may wait for a few ticks. */
void watch_tick(struct core *c, int64_t now) NEEDS(irq_masked);

/* Masked. One step over the next few Gs, unless another core does one or did just now. */
void watch_step(int64_t now);

/* g0, masked, as the last core falls asleep, perhaps until then, while a timer or a driver may still wake
 * somebody: reports cycles among the next thousand Gs, at once, each one once. Once in a millisecond, and
 * not for longer than no interrupt is pending. */
void watch_asleep(int64_t now, int64_t until);

/* For reports, any context: who holds what g waits for, or NULL; prints all cycles, of any age; prints "at
 * its last tick it ran goroutine 7 at f+0x10 (0x..)" and a newline. */
struct g *g_holder(const struct g *g);
void watch_cycles(void);
void watch_say_last(struct core *c);
