/* drivers/pi_systimer.h - the system timer of the BCM283x and BCM2711: a counter beside the cores' own. Any context.
 * base is the system timer's. */
#pragma once

#include <stdint.h>

/* Microseconds since the chip was reset, modulo 2^32. */
uint32_t pi_systimer_now(uintptr_t base);

/* How many times a second the cores' counter counts, measured for ten milliseconds; what CNTFRQ_EL0 says may be
 * wrong. */
uint64_t pi_systimer_counter_hz(uintptr_t base);
