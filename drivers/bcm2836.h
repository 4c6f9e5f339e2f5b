/* drivers/bcm2836.h - the local interrupt controller of the BCM2836, BCM2837 and RP3A0, with the
 * legacy one behind it. An instance: {&bcm2836_ops, {local, legacy}, BCM2836_TIMER_LINE,
 * BCM2836_IPI_LINE}. One per machine. Lines 0 to 71 are bcm2835_ic's, on core 0 always. */
#pragma once

#include "hal/board.h"

#define BCM2836_TIMER_LINE 96u
#define BCM2836_IPI_LINE   97u

extern const struct intc_ops bcm2836_ops;
