/* <bareloom/gpio.h> - pins of the board: on a Raspberry Pi the GPIO numbers of its header, 0 to 27, on
 * QEMU's virt and on the host 0 to 7. */
#pragma once

#include <bareloom/base.h>

struct chan;

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

enum gpio_edges { GPIO_NO_EDGES = 0, GPIO_RISING = 1, GPIO_FALLING = 2, GPIO_BOTH_EDGES = 3 };

struct gpio_event {
    ns_t when; /* go_now() as the interrupt came */
    unsigned pin;
    bool on; /* the level then, which a pin that bounces may have left again */
};

/* From now on each such edge of the pin is sent to c, as a struct gpio_event; what finds no room is dropped, so
 * c is made with some: CHAN(struct gpio_event, 16). Several pins may share one channel. Edges that come faster
 * than the interrupt may become one event. GPIO_NO_EDGES ends it: then nothing comes any more, and c may be
 * freed. Waits are the channel's: chan_recv(), chan_recv_until(), a case of a select.
 *
 * 0; -EINVAL, -ENODEV as gpio_output(); -EINVAL also for no channel; -ENOTSUP: the device keeps no edges (QEMU's
 * Raspberry Pis); -EBUSY: the program has attached the pins' line itself. From a G. */
int gpio_watch(unsigned pin, enum gpio_edges edges, struct chan *c);
