/* drivers/bcm2835_rng.h - the random number generator of the BCM283x. An instance: {&bcm2835_rng_ops, base}. */
#pragma once

#include "hal/board.h"

extern const struct rng_ops bcm2835_rng_ops;
