/* drivers/gicv2.h - Arm GIC version 2. An instance: {&gicv2_ops, {distributor, cpu interface},
 * .timer_line = 30, .ipi_line = any SGI, 0 to 7}. One per machine. Lines are INTIDs: SPI n is line
 * 32 + n. */
#pragma once

#include "hal/board.h"

extern const struct intc_ops gicv2_ops;
