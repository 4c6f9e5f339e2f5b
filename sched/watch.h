/* sched/watch.h - watchdogs: see watch.c. */
#pragma once

#include "sched/sched.h"

/* Handler over a G, at each tick. */
void watch_tick(struct core *c, int64_t now);

/* Masked. One step over the next few Gs, unless another core does one or did just now. */
void watch_step(int64_t now);

/* g0, masked, as the last core falls asleep, perhaps until then, while a timer or a driver may still wake
 * somebody: reports cycles among the next thousand Gs, at once, each one once. Once in a millisecond, and
 * not for longer than no interrupt is pending. */
void watch_asleep(int64_t now, int64_t until);
