/*
 * ticker - a G that does something at a steady rate, and main that stops it.
 *
 * Sleeping until a point in time, not for a while, keeps the rate: the time that the work itself
 * takes does not add up. A core with nothing but sleepers has no tick: it sleeps as well, until the
 * first of them is due.
 */
#include <bareloom.h>
#include <stdio.h>

#define PERIOD MS(10)
#define TICKS  5

static void ticker(void *arg) {
    struct chan *ticks = arg;
    ns_t next = go_now();

    for (int n = 1; n <= TICKS; n++) {
        next += PERIOD;
        go_sleep_until(next);
        chan_send(ticks, &n);
    }
    chan_close(ticks);
}

int main(void) {
    struct chan *ticks = CHAN(int, 1);
    ns_t start = go_now();
    int n;

    go_with(&GO_OPTS(.name = "ticker"), ticker, ticks);
    while (chan_recv(ticks, &n) == 0) {
        bool early = go_now() < start + n * PERIOD;
        printf("tick %d%s\n", n, early ? " came too early" : "");
    }
    return 0;
}
