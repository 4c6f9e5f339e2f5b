/*
 * sched/trace.h - events of the scheduler, each into its core's ring: docs/TRACE.md.
 *
 * A hook (trace_g() and trace_core() in sched.h) is one load of core->hal.hooks and a branch that is not taken. Behind it, where
 * events are all that is asked for, the event is recorded; else trace.c does what the bits say: its stack, the CPU time of
 * Gs. Samples have no hook: the timer takes them.
 *
 * What happens seldom - interrupts, doorbells, steals, a G that loses its core - is recorded always, in the flight
 * recorder (trace_flight()), which nobody reads before the machine's end.
 */
#pragma once

#include <stdatomic.h>

#include <bareloom/go.h>
#include <bareloom/trace.h>

#include "sched/lockcheck.h"

struct core;
struct g;

/* Bits of core->hal.hooks beside TRACE_EVENTS and so on. */
#define HOOK_CPU    8u
#define HOOK_POLICY 16u /* another policy than GMP rules (policy.h) */
#define HOOK_KNOBS  32u /* a knob is not as usual (knobs.h) */

enum trace_kind {
    EV_NONE,
    EV_CREATE, /* a: the G, b: who called go(); EV_FN and EV_NAME follow */
    EV_FN,     /* a | b << 32: its function */
    EV_NAME,   /* its name */
    EV_START,  /* a: the G, b: how many wait in this core's queues */
    EV_STOP,   /* a: the G, arg: enum why */
    EV_BLOCK,  /* a: the G, arg: enum wait_reason; of EV_STACK as many as there are frames follow */
    EV_UNBLOCK,   /* a: the G, b: by whom, arg: 1 in a handler */
    EV_END,       /* a: the G */
    EV_STEAL,     /* a: the G that runs next, b: how many were taken, arg: from which core */
    EV_IPI,       /* arg: to which core */
    EV_IRQ_BEGIN, /* arg: enum irq_kind, a: the G that it came over, 0: none; b: the line */
    EV_IRQ_END,
    EV_TIMER,  /* a timer fired */
    EV_IDLE,   /* asleep */
    EV_AWAKE,  /* and no more; a | b << 32: nanoseconds that the core has idled */
    EV_MARK,   /* a | b << 32: the text */
    EV_SAMPLE, /* a: the G that a sample met; EV_STACK follow */
    EV_STACK,  /* a | b << 32: where, innermost first */
    EV_KINDS
};

enum irq_kind { IRQ_TIMER, IRQ_IPI, IRQ_DEVICE };

struct trace_event {
    uint64_t when_kind; /* nanoseconds << 10 | arg << 5 | kind; in a core: stamps */
    uint64_t value;     /* a | b << 32 */
};

/* Where a core records events; see trace.c for done and the slots. */
struct trace_ring {
    _Atomic uint64_t done; /* how many since power-on; its core, masked */
    struct trace_slot {
        _Atomic uint64_t when_kind, value;
    } * slots;     /* this and mask are set once, before the first hook */
    uint64_t mask; /* how many slots there are, less one */
};

/* What the flight recorder of a core keeps. A power of two. */
#define FLIGHT 16u

/* The slow halves of the hooks. b: the event's. Own core, masked. */
void trace_g_slow(struct core *c, enum trace_kind kind, struct g *g, unsigned arg, uint64_t b)
    NEEDS(irq_masked);
void trace_core_slow(struct core *c, enum trace_kind kind, unsigned arg, uint64_t value)
    NEEDS(irq_masked);

/* A G that g_make() has made of fn. */
void trace_created(const struct g *g, go_fn *fn);

/* Sets the timer for the next sample. Own core, masked. */
void trace_sample_next(struct core *c) NEEDS(irq_masked);

/* In the timer's handler over a G: takes a sample if one is due; the nearest of when and the next one. */
int64_t trace_tick(struct core *c, int64_t now, int64_t when) NEEDS(irq_masked);

/* For whatever ends the machine: the last events of each core as text, whom it ran last, and the record if the command line
 * asked for it. The other cores have stopped. */
void trace_last_words(void);

/* ---- trace_write.c: reading ------------------------------------------------------------------ */

/* All events that are younger than this were recorded; of what came before some may not. */
int64_t trace_began(void);

/* when_kind of a core's, with nanoseconds. */
uint64_t trace_in_ns(uint64_t when_kind);

/* Event n of core i, counted from power-on; false: not there yet, or overwritten. Any core. */
bool trace_get(unsigned i, uint64_t n, struct trace_event *out);

/* The first event of core i that may be there, which is how many were overwritten; and the one behind its last. */
void trace_range(unsigned i, uint64_t *first, uint64_t *end);

/* The command line asked for trace_finish(). */
extern _Atomic bool trace_at_end;
