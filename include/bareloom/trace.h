/*
 * <bareloom/trace.h> - what each core did and when: a record of events that tools/trace.py makes pictures, profiles and a
 * verdict of. docs/TRACE.md tells what is in it.
 *
 * Each core keeps the last of its events in a ring of its own. Off, an event costs a load and a branch that is not taken; on,
 * some 20 instructions. What happens seldom is always recorded, for the report of a panic.
 * What stands on the command line as trace, profile=HZ or blockprofile=1 starts it before main() and writes it out at the
 * program's end, after a panic too; `make trace` does all of that.
 */
#pragma once

#include <bareloom/base.h>

/* What is recorded: the scheduler's events; with each wait the stack that began it; samples of what the cores run. */
enum { TRACE_EVENTS = 1, TRACE_BLOCKS = 2, TRACE_SAMPLES = 4 };

/* Starts recording some of TRACE_EVENTS and so on; goes on where it was stopped before. events: how many each core
 * has room for, rounded up to a power of two from 256 to 131072 of 16 bytes each, of which one is where the next goes;
 * only the first start says it. hz: samples a second and core, up to 10000. 0, -EINVAL, -ENOMEM. From a G. */
int trace_start(unsigned what, size_t events, unsigned hz);

/* Ends it. What is there stays until it is overwritten. From a G. */
void trace_stop(void);

/* Which of TRACE_EVENTS and so on are being recorded now. Any context. */
unsigned trace_what(void);

/* What a core did for some time: it ran goroutine g, or slept, where g is 0. */
struct trace_stretch {
    ns_t begin, end;
    uint32_t g; /* the low half of its number */
};

/* Calls fn for each stretch of core that is recorded and ends after since, the oldest first; of the last one, which goes on,
 * end is now. What lies between them is scheduling, or was overwritten; a core of which nothing is told does what it did
 * when recording began. From a G; fn may block. */
void trace_stretches(unsigned core, ns_t since,
                     void (*fn)(const struct trace_stretch *s, void *arg), void *arg);

/* A mark in the record, with a text that must be a constant of the program. Any context. */
void trace_mark(const char *text);

/* Writes the record to the console, as lines that tools/trace.py reads. Events of cores that go on recording meanwhile
 * may be missing. From a G. */
void trace_write(void);

/* The same once, if the command line asked for it: what the end of the program calls. */
void trace_finish(void);
