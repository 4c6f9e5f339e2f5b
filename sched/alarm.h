/*
 * sched/alarm.h - per-core heaps of what is due at a point in time: deadlines of waits, timers.
 *
 * An alarm is in the heap of the core that started it until that core's handler pops it or anyone
 * removes it under the heap's lock. One that was popped just before it was stopped still comes to
 * its end on the other core: it ends a wait by claiming it (wait.h), or fires a timer under that
 * timer's lock, each with the seq it had in the heap, and so does nothing when it is late (HAZARDS
 * 2). Alarms are never stolen or moved.
 */
#pragma once

#include "sched/sched.h"

#define ALARM_IDLE UINT32_MAX

/* Core 0, at boot. */
void alarms_init(void);

/* A G, masked. Room for one more alarm on this core until it is unmasked or parks. False: no
 * page. */
bool alarm_reserve(struct core *c) NEEDS(irq_masked);

/* Masked, own core, room is reserved; a->when and a->seq are set and it is in no heap. Of a G's
 * deadline: on g0, after the G is off its stack. */
void alarm_start(struct core *c, struct alarm *a) NEEDS(irq_masked);

/* After it the alarm is in no heap; true: it was in one. Any context. */
bool alarm_stop(struct alarm *a);

/* Handler. Ends the waits and fires the timers that are due at now, at most a batch; returns when
 * it must come again. */
int64_t alarms_expire(struct core *c, int64_t now) NEEDS(irq_masked);

/* ---- timer.c: handler. The alarm of a timer is due, in its setting seq ----------------------- */
void timer_fire(struct alarm *a, uint32_t seq, int64_t now) NEEDS(irq_masked);

/* ---- the heap itself: also for its unit test. Under its lock. ------------------------------- */
void heap_push(struct alarm_heap *h, int64_t when, struct alarm *a) NEEDS(h->lock);
struct alarm *heap_pop(struct alarm_heap *h) NEEDS(h->lock);
void heap_remove(struct alarm_heap *h, uint32_t at) NEEDS(h->lock);
