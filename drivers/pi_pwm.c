/*
 * drivers/pi_pwm.c - PWM 0 of the BCM283x and BCM2711: two channels, each at two pins of the header.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 9, BCM2711 ARM Peripherals, chapter 8; the clock manager's:
 * the same, "General purpose GPIO clocks", and for the PWM's own clock, which stands in neither, Linux,
 * drivers/clk/bcm/clk-bcm2835.c.
 *
 * A clock's source may be changed only while it stands still, which BUSY tells, and not by the write that turns it on: or
 * pulses may come out of it that are none, or it locks up.
 * The DMBs: BCM283x peripherals may answer out of order with one another.
 */
#include "drivers/pi_pwm.h"

#include "drivers/pi_gpio.h"
#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define CM_CTL      0xa0u
#define CM_CRYSTAL  1u
#define CM_ENABLE   (1u << 4)
#define CM_BUSY     (1u << 7)
#define CM_DIV      0xa4u
#define CM_DIV_INT  12
#define CM_PASSWORD 0x5a000000u
#define CM_VALUE    0x00ffffffu

#define DIVISOR 2u /* the least */

#define CTL       0x00u
#define CTL_ON    1u        /* of channel 1; channel 2's bits stand 8 higher */
#define CTL_MARK  (1u << 7) /* high first, then low, once a period; else they are mixed */
#define RANGE(ch) (0x10u + 16 * (ch))
#define DATA(ch)  (0x14u + 16 * (ch))

#define POLLS 100000u /* a clock stops within one of its periods */

static const struct {
    uint8_t pin, channel;
    enum pi_gpio_function function;
} outputs[] = {
    {12, 0, PI_GPIO_ALT0}, {13, 1, PI_GPIO_ALT0}, {18, 0, PI_GPIO_ALT5}, {19, 1, PI_GPIO_ALT5}};
#define OUTPUTS (sizeof outputs / sizeof outputs[0])

static void pi_pwm_init(const struct pwm *p) {
    uintptr_t clock = p->base[1];
    insn_dmb_sy();
    uint32_t control = mmio_read32(clock + CM_CTL) & CM_VALUE;
    mmio_write32(clock + CM_CTL, CM_PASSWORD | (control & ~CM_ENABLE));
    for (unsigned i = 0; i < POLLS && (mmio_read32(clock + CM_CTL) & CM_BUSY) != 0; i++) {
    }
    mmio_write32(clock + CM_DIV, CM_PASSWORD | DIVISOR << CM_DIV_INT);
    mmio_write32(clock + CM_CTL, CM_PASSWORD | CM_CRYSTAL);
    mmio_write32(clock + CM_CTL, CM_PASSWORD | CM_CRYSTAL | CM_ENABLE);
    insn_dmb_sy();
    mmio_write32(p->base[0] + CTL, 0); /* what the firmware may have played */
    insn_dmb_sy();
}

static uint64_t ticks(const struct pwm *p, uint64_t ns) {
    return ns * (p->clock / DIVISOR / 1000) / 1000000;
}

static bool pi_pwm_set(const struct pwm *p, unsigned pin, uint64_t period, uint64_t high) {
    unsigned i = 0;
    while (i < OUTPUTS && outputs[i].pin != pin) {
        i++;
    }
    uint64_t range = ticks(p, period), data = ticks(p, high);
    if (i == OUTPUTS || range > UINT32_MAX || (period != 0 && range < 2)) {
        return false;
    }
    unsigned channel = outputs[i].channel;
    uint32_t bits = (CTL_ON | CTL_MARK) << 8 * channel;
    insn_dmb_sy();
    uint32_t ctl = mmio_read32(p->base[0] + CTL) & ~bits;
    mmio_write32(p->base[0] + RANGE(channel), (uint32_t)range);
    mmio_write32(p->base[0] + DATA(channel), (uint32_t)data);
    mmio_write32(p->base[0] + CTL, period != 0 ? ctl | bits : ctl);
    insn_dmb_sy();
    pi_gpio_function(p->base[2], pin, outputs[i].function);
    return true;
}

const struct pwm_ops pi_pwm_ops = {.init = pi_pwm_init, .set = pi_pwm_set};
