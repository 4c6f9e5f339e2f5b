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
#define IS        0x404u /* a one: levels instead of edges */
#define IBE       0x408u /* a one: both edges */
#define IEV       0x40cu /* else a one: rising */
#define IE        0x410u
#define MIS       0x418u
#define IC        0x41cu

static void change(uintptr_t reg, unsigned pin, bool on) {
    uint32_t value = mmio_read32(reg) & ~(1u << pin);
    mmio_write32(reg, value | (uint32_t)on << pin);
}

static void pl061_direction(const struct gpio *p, unsigned pin, bool output) {
    change(p->base + DIR, pin, output);
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

static bool pl061_edges(const struct gpio *p, unsigned pin, bool rising, bool falling) {
    change(p->base + IE, pin, false);
    change(p->base + IS, pin, false);
    change(p->base + IBE, pin, rising && falling);
    change(p->base + IEV, pin, rising);
    mmio_write32(p->base + IC, 1u << pin); /* of earlier */
    change(p->base + IE, pin, rising || falling);
    return true;
}

static uint32_t pl061_claim(const struct gpio *p) {
    uint32_t seen = mmio_read32(p->base + MIS);
    mmio_write32(p->base + IC, seen);
    return seen;
}

const struct gpio_ops pl061_ops = {
    .direction = pl061_direction,
    .pull = pl061_pull,
    .write = pl061_write,
    .read = pl061_read,
    .edges = pl061_edges,
    .claim = pl061_claim,
};
