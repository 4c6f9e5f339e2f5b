/* hal/host/gpio.c - pins for programs that are tried on a computer which has none. */
#include "hal/host/gpio.h"

#include <stdatomic.h>

static atomic_uint levels;

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

static void host_write(const struct gpio *p, unsigned pin, bool on) {
    (void)p;
    if (on) {
        atomic_fetch_or(&levels, 1u << pin);
    } else {
        atomic_fetch_and(&levels, ~(1u << pin));
    }
}

static bool host_read(const struct gpio *p, unsigned pin) {
    (void)p;
    return (atomic_load(&levels) >> pin & 1) != 0;
}

const struct gpio_ops host_gpio_ops = {
    .direction = direction,
    .pull = pull,
    .write = host_write,
    .read = host_read,
};
