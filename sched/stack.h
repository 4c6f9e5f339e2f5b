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
 *
 * A small stack is a quarter of a page and has no slot, no guard and no tables: at its end lies a
 * canary, which is looked at when its G waits, is preempted and ends. (A preemption's frame comes
 * from the core's pool, and exceptions have the core's stack: neither needs room on it.)
 */
#pragma once

#include "sched/sched.h"

/* Of slots; then STACK_SMALL. */
#define STACK_ARENAS  4u
#define STACK_CLASSES 5u
_Static_assert(STACK_SMALL == STACK_ARENAS, "it is the class behind those with slots");

/* Pages that a dead G keeps. */
#define STACK_KEPT 2u

/* Core 0, at boot. */
void stacks_init(void);

/* The class for a G that asks for size bytes, 0: does not say; STACK_CLASSES when there is none. */
unsigned stack_class_for(size_t size);

/* Gives n new Gs, linked, a slot of that class each, and sets kind, lo, hi and low; or one G a small stack. The first *whole of
 * them have their first page, too: n, unless there are not enough. False: no address space or no page for tables, and
 * nothing was done. G context. */
#define STACK_ROW 16u
bool stack_assign(struct g *g, unsigned n, unsigned class, unsigned *whole);

/* Dead Gs, linked, which nobody can find and which have no page: commits the top one of the first of n; of how
 * many, if there are not enough. */
unsigned stack_commit_first(struct g *g, unsigned n);

/* The same for the 64 KiB at the top, which is the whole stack where nothing else was asked for. False: no page; some
 * may have been committed. */
bool stack_commit_all(struct g *g);

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
