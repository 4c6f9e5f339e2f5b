/* sched/schedtrace.h - a line about the scheduler every so often, in the format of Go's GODEBUG=schedtrace. */
#pragma once

#include <stdint.h>

/* Every ms milliseconds from now on; 0: no more. 0, -ENOMEM. From a G. */
int schedtrace_every(uint32_t ms);

/* Whether each line is followed by one for each core and one for each G. 0. Any context. */
int schedtrace_detail(uint32_t on);
