/* sched/policy/lend.h - who waits for a mutex lends its priority to who holds it. */
#pragma once

#include "sched/policy/ranked.h"

extern struct ranked prio_line; /* prio.c's */
extern const struct policy_mutexes lending;

/* Under prio_line.lock: the highest priority that is lent to g, 0 if none is. */
unsigned lent_to(const struct g *g);

/* g is about to be put: nobody counts on it as one that waits for a mutex. */
void lend_check(const struct g *g) NEEDS(irq_masked);
