/* drivers/pi_gpio.h - what a pin of a Raspberry Pi's header does. Boot core. base is the GPIO
 * block's. */
#pragma once

#include <stdint.h>

enum pi_gpio_function {
    PI_GPIO_INPUT = 0,
    PI_GPIO_ALT0 = 4, /* 14, 15: PL011 */
    PI_GPIO_ALT5 = 2, /* 14, 15: mini-UART */
};

void pi_gpio_function(uintptr_t base, unsigned pin, enum pi_gpio_function function);
