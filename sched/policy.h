/*
 * sched/policy.h - policies beside GMP: which one rules, and what the scheduler asks of it.
 *
 * GMP is called directly. Any other policy is reached only by ways that a trace makes slow as well: a bit in
 * core->hal.hooks, and look_at, which lets no pick be plain. So nothing of the quick ways knows of policies.
 * TOUR 7 / read next: sched/policy/policy.h
 */
#pragma once

#include "sched/sched.h"

struct policy;

/* Whether c is ruled by another policy than GMP, or is about to change. Own core, masked. */
static inline bool policy_is_on(const struct core *c) {
    return CONFIG_TRACE && (relaxed_load(&c->hal.hooks) & HOOK_POLICY) != 0;
}

/* Masked, own core, any context. g is new or woken. False: GMP rules here. */
bool policy_ready(struct core *c, struct g *g, enum why why) NEEDS(irq_masked);

/* g0. g has left c: it yielded, or was preempted. False: GMP rules here. */
bool policy_put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked);

/* g0, or a G that leaves c, which may hold the lock of what it waits for. The next G of c, whose slice begins; or NULL. */
struct g *policy_pick(struct core *c) NEEDS(irq_masked);

/* g0, when there was none: one of another core's; or NULL, after a sleep. */
struct g *policy_search(struct core *c) NEEDS(irq_masked);

/* Handler, at the end of the running G's slice: whether another goes first. */
bool policy_tick(struct core *c) NEEDS(irq_masked);

/* Handler over a G, at its end: takes what was sent here; whether that displaces the running one. */
bool policy_interrupts(struct core *c) NEEDS(irq_masked);

/* Handler of an IPI: the running G goes, if that is what was meant. */
void policy_called(struct core *c) NEEDS(irq_masked);

/* Masked, own core. g, which runs, is about to wait for a mutex, whose lock is held; it has one that others may wait for,
 * waits for none any more, or has unlocked one and woke nobody. */
void policy_waits_for_mutex(struct core *c, struct g *g) NEEDS(irq_masked);
void policy_goes_on(struct core *c) NEEDS(irq_masked);

/* g0. Why the G that was stopped goes to a queue. */
enum why policy_stopped(struct core *c, struct g *g) NEEDS(irq_masked);

/* Any core: whether a G waits that c would find; how many wait at c alone; whether any waits at all. */
bool policy_waits(const struct core *c);
unsigned policy_queued(const struct core *c);
bool policy_holds(void);

/* A G. p rules from now on, NULL: GMP. Returns when it does so on every core. 0, or -EINVAL: this build has none. */
int policy_set(const struct policy *p);

/* Which one does; NULL: GMP. */
const struct policy *policy_wanted(void);

/* ---- idle.c ---------------------------------------------------------------------------------- */

/* g0. idle() for c when work() tells whether there is any. */
void idle_unless(struct core *c, bool (*work)(const struct core *c)) NEEDS(irq_masked);
