/* drivers/bcm2835_ic.h - the legacy interrupt controller of the BCM283x, behind the local one of
 * the BCM2836. Lines 0 to 63 are the GPU's interrupts, 64 to 71 the ARM's own ("basic"). All calls
 * take its base. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BCM2835_IC_LINES 72u

/* All lines off, no FIQ. */
void bcm2835_ic_init(uintptr_t base);

/* The lowest line that is on and pending into *line; false if none is. Nothing to acknowledge: a
 * line pends as long as its device asks. */
bool bcm2835_ic_pending(uintptr_t base, unsigned *line);

void bcm2835_ic_enable(uintptr_t base, unsigned line);
void bcm2835_ic_disable(uintptr_t base, unsigned line);
