/*
 * ping_pong - two Gs hit a ball to and fro over two channels.
 *
 * Each waits for the ball without keeping a core busy: a G that is parked in chan_recv() costs
 * nothing until its value comes. The one who lets go of the ball for good closes the channel, so
 * the other ends too.
 */
#include <bareloom.h>
#include <stdio.h>

#define HITS 6

struct player {
    const char *name;
    struct chan *in, *out;
    struct wg *playing;
};

static void play(void *arg) {
    struct player *p = arg;
    int hits;

    while (chan_recv(p->in, &hits) == 0 && hits < HITS) {
        hits++;
        printf("%s %d\n", p->name, hits);
        chan_send(p->out, &hits);
    }
    chan_close(p->out);
    wg_done(p->playing);
}

int main(void) {
    struct chan *left = CHAN(int, 0), *right = CHAN(int, 0);
    struct wg playing = {0};
    struct player ping = {"ping", left, right, &playing};
    struct player pong = {"pong", right, left, &playing};
    int hits = 0;

    wg_add(&playing, 2);
    go(play, &ping);
    go(play, &pong);
    chan_send(left, &hits); /* serve */
    wg_wait(&playing);
    printf("game over\n");
    return 0;
}
