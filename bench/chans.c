/* bench/chans.c - streams, select, trees and chains over channels. */
#include "bench/bench.h"

static struct wg wg;

/* ---- streams ----------------------------------------------------------------------------------- */

#define MESSAGES 20000u

static struct chan *stream;
static unsigned senders, receivers;

static void sends(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < MESSAGES / senders; i++) {
        long v = (long)i;
        chan_send(stream, &v);
    }
    wg_done(&wg);
}

static void receives(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < MESSAGES / receivers; i++) {
        long v;
        chan_recv(stream, &v);
    }
    wg_done(&wg);
}

static void run_stream(size_t capacity, unsigned from, unsigned to) {
    stream = CHAN(long, capacity);
    senders = from;
    receivers = to;
    wg_add(&wg, (int)(from + to));
    for (unsigned i = 0; i < from; i++) {
        start(sends, NULL);
    }
    for (unsigned i = 0; i < to; i++) {
        start(receives, NULL);
    }
    ns_t before = go_now();
    wg_wait(&wg);
    bench_result((uint64_t)(go_now() - before), MESSAGES);
    chan_free(stream);
}

BENCH(stream_128, CORES(1) | CORES(4)) {
    run_stream(128, 1, 1);
}

BENCH(mpmc_4x4_128, CORES(1) | CORES(4)) {
    run_stream(128, 4, 4);
}

BENCH(chan_cap1_no_switch, CORES(1) | CORES(4)) {
    struct chan *c = CHAN(long, 1);
    bench_start();
    for (unsigned i = 0; i < MESSAGES; i++) {
        long v = (long)i;
        chan_send(c, &v);
        chan_recv(c, &v);
    }
    bench_stop(MESSAGES);
    chan_free(c);
}

/* ---- select ------------------------------------------------------------------------------------ */

#define SELECTS 5000u

BENCH(select_2_ready, CORES(1) | CORES(4)) {
    struct chan *a = CHAN(long, 1), *b = CHAN(long, 1);
    bench_start();
    for (unsigned i = 0; i < SELECTS; i++) {
        long v = (long)i;
        chan_send(i % 2 ? a : b, &v);
        chan_select(FOREVER, RECV(a, &v), RECV(b, &v));
    }
    bench_stop(SELECTS);
    chan_free(a);
    chan_free(b);
}

static struct chan *eight[8];

static void make_eight(size_t capacity) {
    for (int i = 0; i < 8; i++) {
        eight[i] = CHAN(long, capacity);
    }
}

static void free_eight(void) {
    for (int i = 0; i < 8; i++) {
        chan_free(eight[i]);
    }
}

static void select_eight(long *v) {
    chan_select(FOREVER, RECV(eight[0], v), RECV(eight[1], v), RECV(eight[2], v), RECV(eight[3], v),
                RECV(eight[4], v), RECV(eight[5], v), RECV(eight[6], v), RECV(eight[7], v));
}

BENCH(select_8_ready, CORES(1) | CORES(4)) {
    make_eight(1);
    bench_start();
    for (unsigned i = 0; i < SELECTS; i++) {
        long v = (long)i;
        chan_send(eight[i % 8], &v);
        select_eight(&v);
    }
    bench_stop(SELECTS);
    free_eight();
}

static void feeds_eight(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < SELECTS; i++) {
        long v = (long)i;
        chan_send(eight[i % 8], &v);
    }
    wg_done(&wg);
}

static void selects_eight(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < SELECTS; i++) {
        long v;
        select_eight(&v);
    }
    wg_done(&wg);
}

BENCH(select_8_blocked, CORES(1) | CORES(4)) {
    make_eight(0);
    wg_add(&wg, 2);
    start(selects_eight, NULL);
    start(feeds_eight, NULL);
    ns_t before = go_now();
    wg_wait(&wg);
    bench_result((uint64_t)(go_now() - before), SELECTS);
    free_eight();
}

/* ---- close ------------------------------------------------------------------------------------- */

#define WAITERS 1000u

static void waits_for_close(void *arg) {
    long v;
    chan_recv(arg, &v);
    wg_done(&wg);
}

BENCH(close_1000, CORES(1) | CORES(4)) {
    struct chan *c = CHAN(long, 0);
    wg_add(&wg, WAITERS);
    for (unsigned i = 0; i < WAITERS; i++) {
        start(waits_for_close, c);
    }
    bench_start();
    chan_close(c);
    wg_wait(&wg);
    bench_stop(WAITERS);
    chan_free(c);
}

/* ---- skynet: a tree of ten children each, leaves send their number, parents the sum ----------------- */

#define LEAVES 100000

struct node {
    struct chan *to;
    long first, size;
};

static void node_main(void *arg) {
    struct node me = *(struct node *)arg;
    struct chan *parent = me.to;
    if (me.size == 1) {
        chan_send(parent, &me.first);
        return;
    }
    struct chan *mine = CHAN(long, 10);
    struct node kids[10];
    for (int i = 0; i < 10; i++) {
        kids[i] = (struct node){mine, me.first + i * (me.size / 10), me.size / 10};
        start(node_main, &kids[i]);
    }
    long sum = 0, v;
    for (int i = 0; i < 10; i++) {
        chan_recv(mine, &v);
        sum += v;
    }
    chan_free(mine);
    chan_send(parent, &sum);
}

BENCH(skynet_100k, CORES(1) | CORES(4)) {
    struct chan *c = CHAN(long, 1);
    struct node root = {c, 0, LEAVES};
    long sum;
    bench_start();
    start(node_main, &root);
    chan_recv(c, &sum);
    bench_stop(LEAVES + LEAVES / 9);
    if (sum != (long)LEAVES * (LEAVES - 1) / 2) {
        PANIC("bench: a wrong sum");
    }
    chan_free(c);
}

/* ---- the prime sieve ------------------------------------------------------------------------------ */

#define PRIMES 1000

struct filter {
    struct chan *in, *out;
    long prime;
};

static _Atomic bool sieve_over;
static uint64_t sieve_messages;

static void generates(void *arg) {
    for (long i = 2; chan_send(arg, &i) == 0 && !sieve_over; i++) {
    }
    chan_close(arg);
    wg_done(&wg);
}

static void filters(void *arg) {
    struct filter *f = arg;
    long v;
    while (chan_recv(f->in, &v) == 0) {
        if (v % f->prime != 0) {
            chan_send(f->out, &v);
        }
    }
    chan_close(f->out);
    wg_done(&wg);
}

/* How many values pass through a chain that finds that many primes: known from counting, not measured. */
static uint64_t count_messages(void) {
    static long primes[PRIMES];
    uint64_t n = 0;
    int found = 0;
    for (long v = 2; found < PRIMES; v++) {
        int i = 0;
        n++;
        while (i < found && v % primes[i] != 0) {
            i++;
            n++;
        }
        if (i == found) {
            primes[found++] = v;
        }
    }
    return n;
}

BENCH(sieve_1000, CORES(1) | CORES(4)) {
    static struct filter f[PRIMES];
    if (sieve_messages == 0) {
        sieve_messages = count_messages();
    }
    sieve_over = false;
    struct chan *in = CHAN(long, 0);
    bench_start();
    wg_add(&wg, 1);
    start(generates, in);
    long prime = 0;
    for (int i = 0; i < PRIMES; i++) {
        chan_recv(in, &prime);
        f[i] = (struct filter){in, CHAN(long, 0), prime};
        wg_add(&wg, 1);
        start(filters, &f[i]);
        in = f[i].out;
    }
    bench_stop(sieve_messages);
    sieve_over = true;
    long v;
    while (chan_recv(in, &v) == 0) {
    }
    wg_wait(&wg);
    for (int i = 0; i < PRIMES; i++) {
        chan_free(f[i].in);
    }
    chan_free(in);
    if (prime != 7919) {
        PANIC("bench: a wrong prime");
    }
}
