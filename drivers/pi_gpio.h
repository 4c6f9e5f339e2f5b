/* drivers/pi_gpio.h - what a pin of a Raspberry Pi's header does. An instance: {&pi_gpio_ops, base, .pins = 28, .line =
 * of bank 0}, on the BCM2711 with pi_gpio_2711_ops. base is the GPIO block's. */
#pragma once

#include "hal/board.h"

enum pi_gpio_function {
    PI_GPIO_INPUT = 0,
    PI_GPIO_OUTPUT = 1,
    PI_GPIO_ALT0 = 4, /* 14, 15: PL011 */
    PI_GPIO_ALT3 = 7, /* 48 to 53: the EMMC controller, to the card */
    PI_GPIO_ALT5 = 2, /* 14, 15: mini-UART */
};

void pi_gpio_function(uintptr_t base, unsigned pin, enum pi_gpio_function function);

/* They differ in how a pin is pulled. */
extern const struct gpio_ops pi_gpio_ops, pi_gpio_2711_ops;
