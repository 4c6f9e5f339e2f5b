/* drivers/rng200.h - the random number generator of the BCM2711. An instance: {&rng200_ops, base}. */
#pragma once

#include "hal/board.h"

extern const struct rng_ops rng200_ops;
