/* drivers/gicv3.h - Arm GIC version 3, one security state or the non-secure side of two. An
 * instance:
 * {&gicv3_ops, {distributor, first redistributor}, .timer_line = 30, .ipi_line = any SGI, 0 to 7}.
 * One per machine. Lines are INTIDs: SPI n is line 32 + n. */
#pragma once

#include <stdbool.h>

#include "hal/board.h"

extern const struct intc_ops gicv3_ops;

/* Whether this machine's cores have a GICv3's registers; for machines that come with either
 * version. */
bool gicv3_present(void);
