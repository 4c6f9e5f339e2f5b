/*
 * button - a button switches an LED. Nobody polls: an edge of the pin is an interrupt, which is an event in a channel,
 * for which a G waits.
 *
 * A button bounces: within some milliseconds its contact opens and closes several times. So an event counts once
 * nothing has followed it for 20 ms; a limit at the receive says that.
 *
 * Wiring: app.mk. On virt: `system_powerdown` in QEMU's monitor. `button 10` counts ten presses instead of three.
 */
#include <bareloom.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BOUNCES MS(20)

/* Waits until the pin has changed and is quiet again. */
static struct gpio_event settled(struct chan *events) {
    struct gpio_event e;
    chan_recv(events, &e);
    while (chan_recv_until(events, &e, WITHIN(BOUNCES)) == 0) {
    }
    return e;
}

int main(int argc, char **argv) {
    unsigned presses = argc > 1 && atoi(argv[1]) > 0 ? (unsigned)atoi(argv[1]) : 3;
    struct chan *events = CHAN(struct gpio_event, 16);
    bool lit = false;

    int error = gpio_input(BUTTON, PULL);
    error = error != 0 ? error : gpio_output(LED, lit);
    error = error != 0 ? error : gpio_watch(BUTTON, GPIO_BOTH_EDGES, events);
    if (error != 0) {
        printf("%s\n", error == -ENOTSUP ? "this machine's pins do not say when they change"
                                         : "there are no pins for a button and an LED");
        return 1;
    }
    printf("press the button %u times\n", presses);
    for (unsigned n = 0; n < presses;) {
        if (settled(events).on == DOWN) {
            lit = !lit;
            gpio_write(LED, lit);
            printf("press %u: LED %s\n", n + 1, lit ? "on" : "off");
        } else {
            printf("released\n");
            n++;
        }
    }
    gpio_watch(BUTTON, GPIO_NO_EDGES, NULL);
    chan_free(events);
    return 0;
}
