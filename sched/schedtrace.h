/* sched/schedtrace.h - a line about the scheduler every so often, in the format of Go's GODEBUG=schedtrace. */
#pragma once

#include <stdint.h>

/* Every ms milliseconds from now on; 0: no more. From a G. */
void schedtrace_every(uint32_t ms);

/* Whether each line is followed by one for each core and one for each G. Any context. */
void schedtrace_detail(uint32_t on);
