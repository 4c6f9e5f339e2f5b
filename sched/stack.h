/*
 * sched/stack.h - stacks of Gs: slots of address space, committed page by page as they are touched.
 *
 *      slot                                     slot + stride
 *      | guard, never mapped | ....... committed |
 *                            ^lo         ^low    ^hi
 *
 * Slots of a class lie side by side; a slot belongs to its G for ever. Only the core that runs the
 * G commits its pages, from a magazine of its own, without any lock: the fault may come inside one
 * (HAZARDS 13).
 */
#pragma once

#include "sched/sched.h"

#define STACK_CLASSES 4

/* Core 0, at boot. */
void stacks_init(void);

/* The smallest class with size bytes; STACK_CLASSES when none has. */
unsigned stack_class_for(size_t size);

/* Gives a new G a slot of its class and sets lo, hi and low. False: no address space or no page. G
 * context. */
bool stack_assign(struct g *g, unsigned class);

/* Dead or new G, not findable by anyone. Commits the top page. False: no page. */
bool stack_commit_first(struct g *g);

/* A dead G, or the caller's own where the pages below the top keep ones are not in use. Gives those
 * back. */
void stack_trim(struct g *g, unsigned keep);

/* A translation fault at address by the running G g: true if a page was committed. masked: by code
 * that may hold a lock. */
bool stack_fault(struct core *c, struct g *g, uintptr_t address, bool masked);

/* Whether address lies in some slot, and that slot's G, which may be NULL. */
bool stack_owner(uintptr_t address, struct g **owner);

/* g0, or a fault of unmasked code. */
void magazine_fill(struct core *c);
