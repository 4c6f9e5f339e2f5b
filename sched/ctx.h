/* sched/ctx.h - contexts as limits of waits: for wait.c. */
#pragma once

#include <bareloom/ctx.h>

#include "sched/wait.h"

/* Masked. w (shared, with its seq) is woken when c is done. False: it is done already. */
bool ctx_join(struct ctx *c, struct waiter *w) NEEDS(irq_masked);

/* Masked. w is on c's list no more; true: c has ended the wait. */
bool ctx_leave(struct ctx *c, struct waiter *w) NEEDS(irq_masked);
