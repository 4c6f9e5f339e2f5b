/* libc/gpio.c - pins, for programs: the board's driver behind checks and a lock.
 *
 * The lock is for direction and pull, which share registers between pins; writing and reading a pin is one access. */
#include <bareloom/gpio.h>
#include <bareloom/sync.h>
#include <errno.h>

#include "hal/board.h"

static struct mutex lock;

static const struct gpio *usable(unsigned pin) {
    const struct gpio *p = board.gpio;
    return p != NULL && pin < p->pins && (p->taken >> pin & 1) == 0 ? p : NULL;
}

static int change(unsigned pin, bool output, bool on, enum gpio_pull pull) {
    const struct gpio *p = usable(pin);
    if (p == NULL) {
        return board.gpio == NULL ? -ENODEV : -EINVAL;
    }
    mutex_lock(&lock);
    bool done = output || p->ops->pull(p, pin, pull == GPIO_PULL_DOWN, pull == GPIO_PULL_UP);
    if (done) {
        if (output) {
            p->ops->write(p, pin, on); /* before it drives, so that it does not flicker */
        }
        p->ops->direction(p, pin, output);
        if (output) {
            p->ops->write(p, pin, on); /* where only an output can be written */
        }
    }
    mutex_unlock(&lock);
    return done ? 0 : -ENOTSUP;
}

int gpio_output(unsigned pin, bool on) {
    return change(pin, true, on, GPIO_FLOATING);
}

int gpio_input(unsigned pin, enum gpio_pull pull) {
    return change(pin, false, false, pull);
}

void gpio_write(unsigned pin, bool on) {
    const struct gpio *p = usable(pin);
    if (p == NULL) {
        PANIC("gpio_write: there is no pin %u", pin);
    }
    p->ops->write(p, pin, on);
}

bool gpio_read(unsigned pin) {
    const struct gpio *p = usable(pin);
    if (p == NULL) {
        PANIC("gpio_read: there is no pin %u", pin);
    }
    return p->ops->read(p, pin);
}
