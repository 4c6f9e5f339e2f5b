/* hal/host/rng.h - the operating system's random numbers. An instance: {&host_rng_ops, 0}. */
#pragma once

#include "hal/board.h"

extern const struct rng_ops host_rng_ops;
