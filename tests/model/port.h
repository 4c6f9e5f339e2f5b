/*
 * tests/model/port.h - a machine for the whole scheduler under the checker: hal.h implemented by threads of checker.h.
 *
 * Each thread is a core with its g0; Gs are stacks that cores leave and enter. At each point an unmasked G may be
 * interrupted inline, by what is pending for its core: an IPI, its timer, a device; and its interrupt's tail may preempt
 * it right there. Time stands still until a timer comes, and a timer that is set may come at any point from then on:
 * early ones are limited by the scenario, and when no core can run any more those that are left come in order.
 */
#pragma once

#include "sched/sched.h"
#include "tests/model/checker.h"

/* In a scenario's init: a machine of n cores; all else is as at power-on. */
void port_begin(unsigned n);

/* A G that core will find on its ring, or in its inbox if it is pinned there; it calls fn(arg) and ends. */
struct g *port_g(unsigned core, void (*fn)(void *), void *arg);
struct g *port_pinned_g(unsigned core, void (*fn)(void *), void *arg);

/* The same, but it need not end. */
struct g *port_system_g(unsigned core, void (*fn)(void *), void *arg);

/* A device that interrupts core so many times; it will have done so at the end. */
void port_device(unsigned core, unsigned times, void (*handler)(void));

/* All asleep at the end is a deadlock, which must be noticed then and not before. */
void port_nobody_listens(void);

/* How often the timers of all cores together may come before everybody is at rest. */
void port_early_timers(unsigned n);

/* The commonest watched locations: the idle protocol's; a core's queues; its inbox and runnext. */
void port_watch_idle(void);
void port_watch_queue(unsigned core);
void port_watch_inbox(unsigned core);

/* In check. Every G has ended, every core sleeps and says so, no queue holds anything, no searcher is counted. */
void port_check_rest(void);

/* Which of them, in the order of port_g(). */
bool port_ended(unsigned i);

/* A G that computes: so many points, with interrupts open. */
void port_compute(unsigned points);

/* A G that computes until something has come true, which must not need this G's core. */
void port_wait(bool (*until)(void));

/* Whether core sleeps, not taking what is pending for it. */
bool port_sleeps(unsigned core);

/* The time now: that of the latest timer that came. */
int64_t port_clock(void);

/* So much time passes. */
void port_pass(int64_t ns);
