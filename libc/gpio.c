/* libc/gpio.c - pins, for programs: the board's driver behind checks and board_pins.
 *
 * That lock is for direction, pull and edges, which share registers between pins; writing and reading a pin is one
 * access. Who watches what changes only while the line is detached, so the handler reads it without a lock, and a
 * channel that is taken away is not used any more; an edge that comes meanwhile is kept by the device. */
#include <bareloom/chan.h>
#include <bareloom/gpio.h>
#include <bareloom/irq.h>
#include <bareloom/sync.h>
#include <bareloom/time.h>
#include <errno.h>

#include "hal/board.h"
#include "libc/board.h"

static const struct gpio *usable(unsigned pin) {
    const struct gpio *p = board.gpio;
    return p != NULL && pin < p->pins && (p->taken >> pin & 1) == 0 ? p : NULL;
}

static int change(unsigned pin, bool output, bool on, enum gpio_pull pull) {
    const struct gpio *p = usable(pin);
    if (p == NULL) {
        return board.gpio == NULL ? -ENODEV : -EINVAL;
    }
    mutex_lock(&board_pins);
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
    mutex_unlock(&board_pins);
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

/* ---- edges ----------------------------------------------------------------------------------------- */

static struct chan *watchers[32];
static uint32_t watched; /* pins that have one. Guarded by board_pins */
static bool attached;    /* the same */

static void on_edge(void *arg) {
    const struct gpio *p = arg;
    ns_t now = go_now();
    for (uint32_t seen = p->ops->claim(p); seen != 0; seen &= seen - 1) {
        unsigned pin = (unsigned)__builtin_ctz(seen);
        if (watchers[pin] != NULL) {
            struct gpio_event e = {now, pin, p->ops->read(p, pin)};
            (void)chan_try_send(watchers[pin], &e); /* full: dropped, as the manual says */
        }
    }
}

/* Under the lock, the line detached. */
static bool set_watcher(const struct gpio *p, unsigned pin, enum gpio_edges edges, struct chan *c) {
    bool kept = p->ops->edges(p, pin, (edges & GPIO_RISING) != 0, (edges & GPIO_FALLING) != 0);
    if (!kept) {
        edges = GPIO_NO_EDGES;
    }
    watchers[pin] = edges != GPIO_NO_EDGES ? c : NULL;
    watched = (watched & ~(1u << pin)) | (uint32_t)(edges != GPIO_NO_EDGES) << pin;
    return kept;
}

int gpio_watch(unsigned pin, enum gpio_edges edges, struct chan *c) {
    const struct gpio *p = usable(pin);
    if (p == NULL) {
        return board.gpio == NULL ? -ENODEV : -EINVAL;
    }
    if ((unsigned)edges > GPIO_BOTH_EDGES || (edges != GPIO_NO_EDGES && c == NULL)) {
        return -EINVAL;
    }
    mutex_lock(&board_pins);
    if (attached) {
        irq_detach(p->line);
    }
    int result = set_watcher(p, pin, edges, c) ? 0 : -ENOTSUP;
    int error = watched != 0 ? irq_attach(p->line, on_edge, (void *)(uintptr_t)p) : 0;
    attached = watched != 0 && error == 0;
    if (error != 0) {
        set_watcher(p, pin, GPIO_NO_EDGES, NULL);
        result = error;
    }
    mutex_unlock(&board_pins);
    return result;
}
