/* bench/switch.c - yields, ping-pongs, spawning: what a switch costs. */
#include "bench/bench.h"

static struct wg wg;

/* ---- yield ------------------------------------------------------------------------------------- */

#define YIELDS 10000u

static unsigned yields_each;

static void yields(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < yields_each; i++) {
        go_yield();
    }
    wg_done(&wg);
}

static void yield_many(unsigned gs) {
    yields_each = YIELDS / gs;
    wg_add(&wg, (int)gs);
    for (unsigned i = 0; i < gs; i++) {
        start_on(0, yields, NULL);
    }
    ns_t before = go_now();
    wg_wait(&wg);
    bench_result((uint64_t)(go_now() - before), (uint64_t)yields_each * gs);
}

static void yield_unpinned(unsigned gs) {
    yields_each = YIELDS / gs;
    wg_add(&wg, (int)gs);
    for (unsigned i = 0; i < gs; i++) {
        start(yields, NULL);
    }
    ns_t before = go_now();
    wg_wait(&wg);
    bench_result((uint64_t)(go_now() - before), (uint64_t)yields_each * gs);
}

BENCH(yield_2, CORES(1)) {
    yield_unpinned(2);
}

BENCH(yield_2_pinned, CORES(1) | CORES(4)) {
    yield_many(2);
}

BENCH(yield_1000, CORES(1)) {
    yield_unpinned(1000);
}

/* ---- ping-pong --------------------------------------------------------------------------------- */

#define ROUNDS 5000u

static struct chan *ping, *pong;

static void ponger(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        long v;
        chan_recv(ping, &v);
        chan_send(pong, &v);
    }
    wg_done(&wg);
}

static void pinger(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        long v = (long)i;
        chan_send(ping, &v);
        chan_recv(pong, &v);
    }
    wg_done(&wg);
}

static void ping_pong(void (*start_ponger)(go_fn *fn), void (*start_pinger)(go_fn *fn)) {
    ping = CHAN(long, 0);
    pong = CHAN(long, 0);
    wg_add(&wg, 2);
    start_ponger(ponger);
    start_pinger(pinger);
    ns_t before = go_now();
    wg_wait(&wg);
    bench_result((uint64_t)(go_now() - before), ROUNDS);
    chan_free(ping);
    chan_free(pong);
}

static void anywhere(go_fn *fn) {
    start(fn, NULL);
}

static void on_0(go_fn *fn) {
    start_on(0, fn, NULL);
}

static void on_1(go_fn *fn) {
    start_on(1, fn, NULL);
}

BENCH(pingpong_chan, CORES(1) | CORES(4)) {
    ping_pong(anywhere, anywhere);
}

BENCH(pingpong_chan_pinned, CORES(1) | CORES(4)) {
    ping_pong(on_0, on_0);
}

BENCH(pingpong_chan_cross, CORES(4)) {
    ping_pong(on_0, on_1);
}

static struct sema left, right;

static void sema_ponger(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        sema_wait(&left);
        sema_post(&right);
    }
    wg_done(&wg);
}

static void sema_pinger(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        sema_post(&left);
        sema_wait(&right);
    }
    wg_done(&wg);
}

BENCH(pingpong_sema, CORES(1) | CORES(4)) {
    wg_add(&wg, 2);
    start(sema_ponger, NULL);
    start(sema_pinger, NULL);
    ns_t before = go_now();
    wg_wait(&wg);
    bench_result((uint64_t)(go_now() - before), ROUNDS);
}

/* Two pairs, each on a core of its own or not: an operation is a round trip of either. */
static struct pair { struct sema left, right; } pairs[2];

static void pair_ponger(void *arg) {
    struct pair *p = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        sema_wait(&p->left);
        sema_post(&p->right);
    }
    wg_done(&wg);
}

static void pair_pinger(void *arg) {
    struct pair *p = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        sema_post(&p->left);
        sema_wait(&p->right);
    }
    wg_done(&wg);
}

static uint64_t run_pairs(unsigned n) {
    wg_add(&wg, (int)(2 * n));
    for (unsigned i = 0; i < n; i++) {
        start(pair_ponger, &pairs[i]);
        start(pair_pinger, &pairs[i]);
    }
    ns_t before = go_now();
    wg_wait(&wg);
    return (uint64_t)(go_now() - before);
}

BENCH(pairs, CORES(4)) {
    uint64_t one = run_pairs(1), two = run_pairs(2);
    bench_result_as("_1", one, ROUNDS);
    bench_result_as("_2", two, (uint64_t)2 * ROUNDS);
    bench_count("_ratio", two, 2 * one);
}

/* ---- spawning ---------------------------------------------------------------------------------- */

#define SPAWNS 10000u

static void ends(void *arg) {
    wg_done(arg);
}

static void spawn_round(const char *suffix) {
    ns_t before = go_now();
    wg_add(&wg, SPAWNS);
    for (unsigned i = 0; i < SPAWNS; i++) {
        start(ends, &wg);
    }
    wg_wait(&wg);
    bench_result_as(suffix, (uint64_t)(go_now() - before), SPAWNS);
}

BENCH(spawn_many, CORES(1) | CORES(4)) {
    settle();
    spawn_round("_cold");
    settle();
    spawn_round("_warm");
}

BENCH(spawn_join, CORES(1) | CORES(4)) {
    bench_start();
    for (unsigned i = 0; i < SPAWNS; i++) {
        wg_add(&wg, 1);
        start(ends, &wg);
        wg_wait(&wg);
    }
    bench_stop(SPAWNS);
}
