/*
 * drivers/pl061.c - Arm PrimeCell GPIO (PL061).
 *
 * Source of the registers: Arm DDI 0190 (PL061 technical reference manual), chapter 3. The data register stands in 256
 * places: bits 9:2 of its address say which pins an access is about.
 */
#include "drivers/pl061.h"

#include "hal/mmio.h"

#define DATA(pin) (4u << (pin))
#define DIR       0x400u

static void pl061_direction(const struct gpio *p, unsigned pin, bool output) {
    uint32_t dir = mmio_read32(p->base + DIR) & ~(1u << pin);
    mmio_write32(p->base + DIR, dir | (uint32_t)output << pin);
}

static bool pl061_pull(const struct gpio *p, unsigned pin, bool down, bool up) {
    (void)p;
    (void)pin;
    return !down && !up; /* the chip around it does that */
}

static void pl061_write(const struct gpio *p, unsigned pin, bool on) {
    mmio_write32(p->base + DATA(pin), (uint32_t)on << pin);
}

static bool pl061_read(const struct gpio *p, unsigned pin) {
    return mmio_read32(p->base + DATA(pin)) != 0;
}

const struct gpio_ops pl061_ops = {
    .direction = pl061_direction,
    .pull = pl061_pull,
    .write = pl061_write,
    .read = pl061_read,
};
