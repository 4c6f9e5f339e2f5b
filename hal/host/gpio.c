/* hal/host/gpio.c - pins for programs that are tried on a computer which has none. */
#include "hal/host/gpio.h"

#include <stdatomic.h>

#include "hal/host/host.h"

static atomic_uint levels, rising_of, falling_of, seen;

static void direction(const struct gpio *p, unsigned pin, bool output) {
    (void)p;
    (void)pin;
    (void)output;
}

/* An input that nobody drives has the level to which it is pulled. */
static bool pull(const struct gpio *p, unsigned pin, bool down, bool up) {
    if (down || up) {
        p->ops->write(p, pin, up);
    }
    return true;
}

/* seq_cst throughout: of two that write one pin each sees what the other left, so edges alternate. */
static void host_write(const struct gpio *p, unsigned pin, bool on) {
    unsigned bit = 1u << pin;
    unsigned was = on ? atomic_fetch_or(&levels, bit) : atomic_fetch_and(&levels, ~bit);
    bool changed = ((was & bit) != 0) != on;
    if (changed && (atomic_load(on ? &rising_of : &falling_of) & bit) != 0) {
        atomic_fetch_or(&seen, bit);
        host_raise(p->line);
    }
}

static bool host_read(const struct gpio *p, unsigned pin) {
    (void)p;
    return (atomic_load(&levels) >> pin & 1) != 0;
}

static void change(atomic_uint *set, unsigned pin, bool on) {
    if (on) {
        atomic_fetch_or(set, 1u << pin);
    } else {
        atomic_fetch_and(set, ~(1u << pin));
    }
}

static bool host_edges(const struct gpio *p, unsigned pin, bool rising, bool falling) {
    (void)p;
    change(&rising_of, pin, rising);
    change(&falling_of, pin, falling);
    change(&seen, pin, false); /* of earlier */
    return true;
}

static uint32_t host_claim(const struct gpio *p) {
    (void)p;
    return atomic_exchange(&seen, 0);
}

const struct gpio_ops host_gpio_ops = {
    .direction = direction,
    .pull = pull,
    .write = host_write,
    .read = host_read,
    .edges = host_edges,
    .claim = host_claim,
};
