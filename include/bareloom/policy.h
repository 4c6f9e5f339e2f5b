/*
 * <bareloom/policy.h> - which policy says who runs next, and what it is told of a goroutine.
 *
 * The machine begins with Go's own (gmp). The word policy=NAME on the command line or at a console takes another
 * one; docs/POLICY.md tells what each does, and how to write one.
 */
#pragma once

#include <bareloom/base.h>

/* The policy of this name rules from now on, on every core; what waits is handed over. 0, or -EINVAL: there is
 * no such policy. From a G, which may go on on another core. */
int go_set_policy(const char *name);

/* The name of the one that rules. */
const char *go_policy(void);

/* The name of the ith, from 0 on, and what it does; NULL: there are no more. */
const char *go_policies(unsigned i, const char **does);

/* ---- what the calling goroutine says of itself: heeded by the policy that is named, and by no other one ---- */

/* lottery: it holds n tickets from now on, 1 to GO_TICKETS_MAX; one until then. With n of all N that wait, it is
 * the next one n times out of N. 0, or -EINVAL. From a G. */
#define GO_TICKETS_MAX 1000u
int go_set_tickets(unsigned n);

/* prio: p from now on, up to GO_PRIORITIES - 1, which is before all others; GO_PRIORITY until then. Lets others go first,
 * as go_yield() does. 0, or -EINVAL. From a G. */
#define GO_PRIORITIES 16u
#define GO_PRIORITY   8u
int go_set_priority(unsigned p);

/* edf: calls job(arg) once in each period until it returns false. Each call has the period's length to be done, and takes
 * no more than budget, it says; who is late begins the next one at once. Returns how many were late; -EINVAL: budget is
 * not from 1 to period, or period is over 1000 s; and under edf -EBUSY: on go_cores() cores not all that is
 * asked for so could be in time (docs/POLICY.md). Under other policies it is the same but for order and refusal. From a G
 * that may block; job may block, too. */
int go_periodic(ns_t period, ns_t budget, bool (*job)(void *arg), void *arg);

/* How many such calls of all goroutines were late since power-on. Any context. */
uint64_t go_missed(void);

/* ---- and under all policies ---------------------------------------------------------------------- */

/* The caller runs on these cores alone, bit i is core i; on those of them that take part, unless none does
 * (go_set_cores()). It is on one at a time, with the pinned: on which one is looked at anew when it is woken and
 * at the end of its slice, and one that idles is taken then. 0, or -EINVAL: none of these is one of the machine's.
 * From a G; may move it to another core. */
int go_set_affinity(uint32_t cores);

/* The cores that the caller may run on; where it is pinned, that one. From a G. */
uint32_t go_affinity(void);
