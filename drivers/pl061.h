/* drivers/pl061.h - Arm PrimeCell GPIO (PL061): eight pins. An instance: {&pl061_ops, base, .pins = 8, .line = ...}. */
#pragma once

#include "hal/board.h"

extern const struct gpio_ops pl061_ops;
