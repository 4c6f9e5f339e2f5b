/* drivers/pi_systimer.h - the system timer of the BCM283x and BCM2711: a counter beside the cores' own, and an alarm.
 * base is the system timer's. */
#pragma once

#include "hal/board.h"

/* Microseconds since the chip was reset, modulo 2^32. Any context. */
uint32_t pi_systimer_now(uintptr_t base);

/* An instance: {&pi_systimer_ops, base, .line = of compare register 1}. The job is a uint32_t: so many microseconds from now
 * the line rises. */
extern const struct job_ops pi_systimer_ops;

/* How many times a second the cores' counter counts, measured for ten milliseconds, in which a G is parked
 * (pi_soc_park); what CNTFRQ_EL0 says may be wrong. One caller at a time. */
uint64_t pi_systimer_counter_hz(const struct job_device *d);
