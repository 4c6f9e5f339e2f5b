/* <bareloom/gpio.h> - pins of the board: on a Raspberry Pi the GPIO numbers of its header, 0 to 27, on
 * QEMU's virt and on the host 0 to 7. */
#pragma once

#include <bareloom/base.h>

enum gpio_pull { GPIO_FLOATING, GPIO_PULL_DOWN, GPIO_PULL_UP };

/* Makes the pin an output that is on or off. 0; -EINVAL: there is no such pin, or the runtime uses it
 * (the console's); -ENODEV: the board has none that we know. From a G. */
int gpio_output(unsigned pin, bool on);

/* Makes the pin an input. As gpio_output(); and -ENOTSUP where this board cannot pull that way. From
 * a G. */
int gpio_input(unsigned pin, enum gpio_pull pull);

/* Switches a pin that is an output, reads the level of any pin. Any context; the pin exists. */
void gpio_write(unsigned pin, bool on);
bool gpio_read(unsigned pin);
