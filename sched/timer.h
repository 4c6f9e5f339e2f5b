/* sched/timer.h - timers, for the rest of the runtime. */
#pragma once

#include <bareloom/time.h>

/* chan_free() of a timer's channel: that of timer_after() frees the timer, any other is a panic. */
void timer_free_chan(struct timer *t);
