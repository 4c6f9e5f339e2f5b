/*
 * drivers/pi_gpio.c - pins of the BCM283x and BCM2711.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 6; BCM2711 ARM Peripherals, chapter 5, which pulls pins by
 * registers of its own.
 *
 * Until a program asks, the pulls stay as the firmware set them. The DMBs: BCM283x peripherals may answer out of order
 * with one another.
 */
#include "drivers/pi_gpio.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define GPFSEL(pin)       (4 * ((pin) / 10)) /* ten pins a register, three bits a pin */
#define GPFSEL_SHIFT(pin) (3 * ((pin) % 10))
#define GPSET             0x1cu /* pins 0 to 31; a one does it, a zero leaves it */
#define GPCLR             0x28u
#define GPLEV             0x34u
#define GPEDS                                                                                      \
    0x40u /* a pin has seen an edge; a one clears it. The interrupt is a level: any of them */
#define GPREN            0x4cu /* rising edges are looked for, in step with the chip's clock */
#define GPFEN            0x58u
#define GPPUD            0x94u /* BCM283x: 0 none, 1 down, 2 up, for the pins that the clock then names */
#define GPPUDCLK         0x98u
#define PULLS(pin)       (0xe4 + 4 * ((pin) / 16)) /* BCM2711: 0 none, 1 up, 2 down; two bits a pin */
#define PULLS_SHIFT(pin) (2 * ((pin) % 16))

#define SETTLE_US                                                                                  \
    10u /* 150 cycles of the GPU's clock are wanted, which is not slower than 19.2 MHz */

void pi_gpio_function(uintptr_t base, unsigned pin, enum pi_gpio_function function) {
    insn_dmb_sy();
    uint32_t select = mmio_read32(base + GPFSEL(pin)) & ~(7u << GPFSEL_SHIFT(pin));
    mmio_write32(base + GPFSEL(pin), select | (uint32_t)function << GPFSEL_SHIFT(pin));
    insn_dmb_sy();
}

static void pi_gpio_direction(const struct gpio *p, unsigned pin, bool output) {
    pi_gpio_function(p->base, pin, output ? PI_GPIO_OUTPUT : PI_GPIO_INPUT);
}

static void settle(void) {
    uint64_t until = insn_counter() + insn_counter_hz() * SETTLE_US / 1000000;
    while (insn_counter() < until) {
    }
}

static bool pi_gpio_pull(const struct gpio *p, unsigned pin, bool down, bool up) {
    insn_dmb_sy();
    mmio_write32(p->base + GPPUD, up ? 2 : down ? 1 : 0);
    settle();
    mmio_write32(p->base + GPPUDCLK, 1u << pin);
    settle();
    mmio_write32(p->base + GPPUD, 0);
    mmio_write32(p->base + GPPUDCLK, 0);
    insn_dmb_sy();
    return true;
}

static bool pi_gpio_pull_2711(const struct gpio *p, unsigned pin, bool down, bool up) {
    insn_dmb_sy();
    uint32_t pulls = mmio_read32(p->base + PULLS(pin)) & ~(3u << PULLS_SHIFT(pin));
    mmio_write32(p->base + PULLS(pin), pulls | (up ? 1u : down ? 2u : 0u) << PULLS_SHIFT(pin));
    insn_dmb_sy();
    return true;
}

static void pi_gpio_write(const struct gpio *p, unsigned pin, bool on) {
    insn_dmb_sy();
    mmio_write32(p->base + (on ? GPSET : GPCLR), 1u << pin);
    insn_dmb_sy();
}

static bool pi_gpio_read(const struct gpio *p, unsigned pin) {
    insn_dmb_sy();
    bool on = (mmio_read32(p->base + GPLEV) >> pin & 1) != 0;
    insn_dmb_sy();
    return on;
}

static void change(uintptr_t reg, unsigned pin, bool on) {
    uint32_t value = mmio_read32(reg) & ~(1u << pin);
    mmio_write32(reg, value | (uint32_t)on << pin);
}

static bool pi_gpio_edges(const struct gpio *p, unsigned pin, bool rising, bool falling) {
    insn_dmb_sy();
    change(p->base + GPREN, pin, rising);
    change(p->base + GPFEN, pin, falling);
    mmio_write32(p->base + GPEDS, 1u << pin); /* of earlier */
    /* QEMU's registers keep nothing */
    bool kept = (mmio_read32(p->base + GPREN) >> pin & 1) == rising &&
                (mmio_read32(p->base + GPFEN) >> pin & 1) == falling;
    insn_dmb_sy();
    return kept;
}

static uint32_t pi_gpio_claim(const struct gpio *p) {
    insn_dmb_sy();
    uint32_t seen = mmio_read32(p->base + GPEDS);
    mmio_write32(p->base + GPEDS, seen);
    insn_dmb_sy();
    return seen;
}

const struct gpio_ops pi_gpio_ops = {
    .direction = pi_gpio_direction,
    .pull = pi_gpio_pull,
    .write = pi_gpio_write,
    .read = pi_gpio_read,
    .edges = pi_gpio_edges,
    .claim = pi_gpio_claim,
};

const struct gpio_ops pi_gpio_2711_ops = {
    .direction = pi_gpio_direction,
    .pull = pi_gpio_pull_2711,
    .write = pi_gpio_write,
    .read = pi_gpio_read,
    .edges = pi_gpio_edges,
    .claim = pi_gpio_claim,
};
