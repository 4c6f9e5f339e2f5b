/* drivers/pi_led.h - the green LED of a Raspberry Pi, as a witness of the boot when the UART is silent. Polled; the boot
 * core, before others run. */
#pragma once

#include <stdint.h>

struct pi_led {
    uintptr_t mailbox, gpio, systimer; /* where these blocks are */
};

/* Shows n: n flashes, then a pause; n + 2 thirds of a second. Nothing where the firmware does not say which board it
 * is, or we do not know where its LED is. */
void pi_led_show(const struct pi_led *l, unsigned n);
