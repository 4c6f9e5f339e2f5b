/*
 * sched/timer.h - per-core heaps of deadlines.
 *
 * A timer is in the heap of the core that started it until that core's handler pops it or anyone
 * removes it under the heap's lock. It ends a wait by claiming it (wait.h), so one that fires late
 * for a wait that is over does nothing (HAZARDS 2).
 */
#pragma once

#include "sched/sched.h"

#define TIMER_IDLE UINT32_MAX

/* Core 0, at boot. */
void timers_init(void);

/* A G, masked. Room for one more timer on this core until the G parks. False: no page. */
bool timer_reserve(struct core *c);

/* g0, after g is off its stack: g->timer.when and .seq are set; room is reserved. */
void timer_start(struct core *c, struct g *g);

/* A G, on any core. After it the timer of g is in no heap. */
void timer_stop(struct g *g);

/* Handler. Ends the waits that are over at now, at most a batch; returns when the timer must come
 * again. */
int64_t timers_expire(struct core *c, int64_t now);

/* ---- the heap itself: also for its unit test. Under its lock. ------------------------------- */
void heap_push(struct timer_heap *h, int64_t when, struct g *g);
struct g *heap_pop(struct timer_heap *h);
void heap_remove(struct timer_heap *h, uint32_t at);
