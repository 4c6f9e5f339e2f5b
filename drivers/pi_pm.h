/* drivers/pi_pm.h - reset and halt of a Raspberry Pi by its watchdog. Any context. base is the
 * power management block's. Both return only where they fail. */
#pragma once

#include <stdint.h>

/* What started the machine: "power", "watchdog" - which pi_pm_reset() is, too - or "something else". */
const char *pi_pm_last_reset(uintptr_t base);

void pi_pm_reset(uintptr_t base);

/* As near to off as a Pi gets: the firmware starts, sees the mark, and halts. QEMU ends. */
void pi_pm_off(uintptr_t base);
