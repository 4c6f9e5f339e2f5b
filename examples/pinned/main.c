/*
 * pinned - one G on each core, passing a token around.
 *
 * GO_PIN(n) ties a G to core n: nobody steals it, and it may say which core it is on. So data or a
 * device that belongs to one core needs no lock.
 */
#include <bareloom.h>
#include <stdio.h>

#define CORES_MAX 8

struct station {
    struct chan *in, *out;
};

static void pass_on(void *arg) {
    struct station *s = arg;
    unsigned visited;

    chan_recv(s->in, &visited);
    printf("the token is on core %u\n", go_core());
    visited++;
    chan_send(s->out, &visited);
}

int main(void) {
    unsigned cores = go_num_cores() < CORES_MAX ? go_num_cores() : CORES_MAX;
    struct chan *links[CORES_MAX + 1];
    struct station stations[CORES_MAX];
    unsigned visited = 0;

    links[0] = CHAN(unsigned, 0);
    for (unsigned i = 0; i < cores; i++) {
        links[i + 1] = CHAN(unsigned, 0);
        stations[i] = (struct station){links[i], links[i + 1]};
        go_with(&GO_OPTS(GO_PIN((int)i), .name = "station"), pass_on, &stations[i]);
    }
    chan_send(links[0], &visited);
    chan_recv(links[cores], &visited);
    printf("it has visited all cores: %s\n", visited == cores ? "yes" : "no");
    return 0;
}
