/*
 * hello - a green thread sends a greeting, main receives and prints it.
 *
 * go() starts a G: a function with one argument that runs on whichever core is free. A channel
 * carries values between Gs; with capacity 0 the sender waits until its value was received.
 */
#include <bareloom.h>
#include <stdio.h>

static void greeter(void *arg) {
    struct chan *out = arg;
    const char *greeting = "Hello from a green thread!";
    chan_send(out, &greeting);
}

int main(void) {
    struct chan *greetings = CHAN(const char *, 0);
    const char *greeting;

    go(greeter, greetings);
    chan_recv(greetings, &greeting);
    printf("%s\n", greeting);
    return 0;
}
