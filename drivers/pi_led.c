/*
 * drivers/pi_led.c - the green LED of a Raspberry Pi.
 *
 * Source: which board it is, raspberrypi/firmware wiki, "Mailbox property interface", and Raspberry Pi's documentation,
 * "Raspberry Pi revision codes"; where its LED is, Linux, arch/arm/boot/dts/broadcom/bcm2837-rpi-*.dts and
 * bcm2711-rpi-*.dts (act-led). The 3B's hangs on a chip that the firmware alone reaches; its tag for that is in Linux,
 * include/soc/bcm2835/raspberrypi-firmware.h (SET_GPIO_STATE).
 *
 * The time is the system timer's, so that a counter that stands still is shown, too.
 */
#include "drivers/pi_led.h"

#include <stdbool.h>

#include "drivers/pi_gpio.h"
#include "drivers/pi_mailbox.h"
#include "drivers/pi_systimer.h"
#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define TAG_REVISION       0x00010002u
#define REVISION_NEW       (1u << 23) /* else a number of the first boards */
#define REVISION_TYPE(r)   ((r) >> 4 & 0xff)
#define TAG_SET_GPIO_STATE 0x00038041u
#define THE_FIRMWARES      128u /* pins from here on */

#define GPSET(pin) (0x1cu + 4 * ((pin) / 32))
#define GPCLR(pin) (0x28u + 4 * ((pin) / 32))

#define FLASH_US 166666u
#define POLLS    10000000u /* a second at least, should the timer stand still */

static const struct {
    uint8_t type, pin;
    bool on_is_low;
} leds[] = {
    {0x08, 130, false}, /* 3B */
    {0x0d, 29, false},  /* 3B+ */
    {0x0e, 29, false},  /* 3A+ */
    {0x12, 29, true},   /* Zero 2 W */
    {0x11, 42, false},  /* 4B */
    {0x13, 42, false},  /* 400 */
    {0x14, 42, false},  /* CM4 */
};
#define LEDS (sizeof leds / sizeof leds[0])

static unsigned which(const struct pi_led *l) {
    uint32_t revision = 0;
    unsigned i = LEDS;
    if (pi_mailbox_tag(l->mailbox, TAG_REVISION, &revision, 1) && (revision & REVISION_NEW) != 0) {
        i = 0;
        while (i < LEDS && leds[i].type != REVISION_TYPE(revision)) {
            i++;
        }
    }
    return i;
}

static void set(const struct pi_led *l, unsigned i, bool on) {
    unsigned pin = leds[i].pin;
    bool high = on != leds[i].on_is_low;
    if (pin >= THE_FIRMWARES) {
        uint32_t values[2] = {pin, high};
        (void)pi_mailbox_tag(l->mailbox, TAG_SET_GPIO_STATE, values, 2);
    } else {
        insn_dmb_sy();
        mmio_write32(l->gpio + (high ? GPSET(pin) : GPCLR(pin)), 1u << pin % 32);
        insn_dmb_sy();
    }
}

static void wait(const struct pi_led *l, uint32_t us) {
    uint32_t begin = pi_systimer_now(l->systimer);
    for (unsigned i = 0; i < POLLS && pi_systimer_now(l->systimer) - begin < us; i++) {
    }
}

void pi_led_show(const struct pi_led *l, unsigned n) {
    unsigned i = which(l);
    if (i == LEDS) {
        return;
    }
    if (leds[i].pin < THE_FIRMWARES) {
        pi_gpio_function(l->gpio, leds[i].pin, PI_GPIO_OUTPUT);
    }
    for (unsigned flash = 0; flash < n; flash++) {
        set(l, i, true);
        wait(l, FLASH_US);
        set(l, i, false);
        wait(l, FLASH_US);
    }
    wait(l, 4 * FLASH_US);
}
