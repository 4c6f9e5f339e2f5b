/*
 * blink - eight LEDs, eight Gs, each with a rate of its own.
 *
 * No state machine and no table of times: each LED is a loop. go_sleep_until() takes the time at which to go on, so that
 * a late start of one round does not delay the next.
 *
 * An LED with a resistor of 330 ohms from each pin (app.mk) to ground. `blink 1000` goes on for longer.
 */
#include <bareloom.h>
#include <stdio.h>
#include <stdlib.h>

static const unsigned leds[] = {LEDS};
enum { N = sizeof leds / sizeof leds[0] };

static unsigned blinks = 10;

struct led {
    unsigned number;
    unsigned seen; /* changes that were seen on the pin itself */
    struct wg *done;
};

static void blink(void *arg) {
    struct led *l = arg;
    unsigned pin = leds[l->number];
    ns_t next = go_now();
    bool on = gpio_read(pin);

    for (unsigned i = 0; i < 2 * blinks; i++) {
        gpio_write(pin, !on);
        l->seen += gpio_read(pin) != on;
        on = !on;
        next += MS(10) * (l->number + 1);
        go_sleep_until(next);
    }
    wg_done(l->done);
}

int main(int argc, char **argv) {
    struct led led[N];
    struct wg done = {0};

    if (argc > 1 && atoi(argv[1]) > 0) {
        blinks = (unsigned)atoi(argv[1]);
    }
    for (unsigned i = 0; i < N; i++) {
        if (gpio_output(leds[i], false) != 0) {
            printf("there is no pin %u to be an output\n", leds[i]);
            return 1;
        }
        led[i] = (struct led){i, 0, &done};
        wg_add(&done, 1);
        go(blink, &led[i]);
    }
    wg_wait(&done);
    for (unsigned i = 0; i < N; i++) {
        printf("LED %u: %u changes\n", i, led[i].seen);
    }
    return 0;
}
