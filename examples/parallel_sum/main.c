/*
 * parallel_sum - a sum cut into one part per core, each part added up by a G.
 *
 * The Gs spread over the cores by themselves: go() puts them where main runs, and cores with
 * nothing to do steal them. The parts come back over a channel in whatever order they are ready.
 */
#include <bareloom.h>
#include <stdio.h>

#define N 1000000ul

struct part {
    unsigned long from, to; /* to is not included */
    struct chan *out;
};

static void add_up(void *arg) {
    struct part *part = arg;
    unsigned long sum = 0;

    for (unsigned long i = part->from; i < part->to; i++) {
        sum += i * i;
    }
    chan_send(part->out, &sum);
}

int main(void) {
    enum { PARTS_MAX = 8 };
    unsigned parts = go_num_cores() < PARTS_MAX ? go_num_cores() : PARTS_MAX;
    struct chan *sums = CHAN(unsigned long, parts);
    struct part part[PARTS_MAX];

    for (unsigned i = 0; i < parts; i++) {
        part[i] = (struct part){N * i / parts, N * (i + 1) / parts, sums};
        go(add_up, &part[i]);
    }

    unsigned long total = 0;
    for (unsigned i = 0; i < parts; i++) {
        unsigned long sum;
        chan_recv(sums, &sum);
        total += sum;
    }
    printf("the sum of the squares below %lu is %lu\n", N, total);
    return 0;
}
