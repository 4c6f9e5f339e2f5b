/* hal/host/gpio.h - eight pins that lead nowhere: what is written can be read, and makes edges. An instance:
 * {&host_gpio_ops, 0, .pins = 8, .line = ...}; there is one. */
#pragma once

#include "hal/board.h"

extern const struct gpio_ops host_gpio_ops;
