/* drivers/pi_pm.h - reset and halt of a Raspberry Pi by its watchdog. Any context. base is the
 * power management block's. The last two return only where they
 * fail. */
#pragma once

#include <stdint.h>

/* What started the machine: "power", "watchdog" - which pi_pm_reset() is, too - or "something else". */
const char *pi_pm_last_reset(uintptr_t base);

/* Resets in us microseconds, 16 to 15 million, unless it is called again before; 0: not at all. */
void pi_pm_watchdog(uintptr_t base, uint64_t us);

void pi_pm_reset(uintptr_t base);

/* As near to off as a Pi gets: the firmware starts, sees the mark, and halts. QEMU ends. */
void pi_pm_off(uintptr_t base);
