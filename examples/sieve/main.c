/*
 * sieve - prime numbers from a chain of Gs, one per prime.
 *
 * The first G sends 2, 3, 4, ... Whatever comes out of the chain is prime: main prints it and hangs
 * one more filter on the end, which lets only the numbers through that this prime does not divide.
 */
#include <bareloom.h>
#include <stdio.h>

#define PRIMES 25

struct filter {
    int prime;
    struct chan *in, *out;
};

static void count_up(void *arg) {
    struct chan *out = arg;
    for (int n = 2;; n++) {
        chan_send(out, &n);
    }
}

static void filter(void *arg) {
    struct filter *f = arg;
    int n;

    while (chan_recv(f->in, &n) == 0) {
        if (n % f->prime != 0) {
            chan_send(f->out, &n);
        }
    }
}

int main(void) {
    static struct filter filters[PRIMES];
    struct chan *chain = CHAN(int, 0);

    go(count_up, chain);
    for (int i = 0; i < PRIMES; i++) {
        struct filter *f = &filters[i];
        chan_recv(chain, &f->prime);
        printf("%d%s", f->prime, i < PRIMES - 1 ? " " : "\n");

        f->in = chain;
        f->out = chain = CHAN(int, 0);
        go(filter, f);
    }
    return 0; /* ends the program, with all Gs that still wait */
}
