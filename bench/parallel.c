/* bench/parallel.c - trees of work that all cores share: what a fork costs, how even the shares are, and how
 * often a core is woken for nothing. */
#include <string.h>

#include "bench/bench.h"

/* How much each core did. A turn after each piece: so cores that have work do the same number of pieces, as they would
 * at the same time, and a smaller share is a core that had none. */
static _Atomic uint64_t done_by[64];

static void did(void) {
    atomic_fetch_add_explicit(&done_by[go_core()], 1, memory_order_relaxed);
    bench_turn();
}

/* Interrupts from core to core and those that found nothing, of all cores. */
static void wakes(uint64_t *ipis, uint64_t *futile) {
    struct core_info c;
    *ipis = *futile = 0;
    for (unsigned i = 0; info_core(i, &c); i++) {
        *ipis += c.ipis_received;
        *futile += c.futile_wakes;
    }
}

static uint64_t ipis_before, futile_before;

static void watch_begin(void) {
    memset(done_by, 0, sizeof done_by);
    wakes(&ipis_before, &futile_before);
}

/* The largest share by the mean, and the futile wake-ups of all operations. */
static void watch_end(uint64_t operations) {
    uint64_t max = 0, sum = 0, ipis, futile;
    wakes(&ipis, &futile);
    for (unsigned i = 0; i < go_cores(); i++) {
        max = done_by[i] > max ? done_by[i] : max;
        sum += done_by[i];
    }
    if (go_cores() > 1) {
        bench_count("_balance", max * go_cores(), sum);
        bench_count("_futile", futile - futile_before, operations);
        bench_count("_ipis", ipis - ipis_before, operations);
    }
}

/* ---- fib(24), a G for one half of each call ---------------------------------------------------- */

#define FIB 24

struct half {
    struct wg wg;
    unsigned n;
    unsigned long result;
};

static unsigned long fib(unsigned n);

static void fib_half(void *arg) {
    struct half *h = arg;
    h->result = fib(h->n);
    wg_done(&h->wg);
}

static unsigned long fib(unsigned n) {
    if (n < 2) {
        return n;
    }
    struct half h = {.n = n - 1};
    wg_add(&h.wg, 1);
    start(fib_half, &h);
    unsigned long other = fib(n - 2);
    wg_wait(&h.wg);
    return h.result + other;
}

static uint64_t fib_forks(unsigned n) {
    return n < 2 ? 0 : 1 + fib_forks(n - 1) + fib_forks(n - 2);
}

BENCH(fib_24, CORES(1) | CORES(4)) {
    if (fib(12) != 144) {
        PANIC("bench: a wrong fib");
    }
    bench_start();
    unsigned long f = fib(FIB);
    bench_stop(fib_forks(FIB));
    if (f != 46368) {
        PANIC("bench: a wrong fib");
    }
}

/* The same once more with the counting inside: what it costs is not part of fib_24. */
static unsigned long counted(unsigned n);

static void counted_half(void *arg) {
    struct half *h = arg;
    h->result = counted(h->n);
    wg_done(&h->wg);
}

static unsigned long counted(unsigned n) {
    did();
    if (n < 2) {
        return n;
    }
    struct half h = {.n = n - 1};
    wg_add(&h.wg, 1);
    start(counted_half, &h);
    unsigned long other = counted(n - 2);
    wg_wait(&h.wg);
    return h.result + other;
}

BENCH(fib_shares, CORES(2) | CORES(4) | CORES(8)) {
    counted(12);
    settle();
    watch_begin();
    counted(FIB);
    watch_end(fib_forks(FIB));
}

/* ---- an unbalanced tree, a G for each node ------------------------------------------------------- */
/*
 * The root has ROOTS children; any other node has four, or in three cases of four none: which is drawn from its number.
 * So most subtrees are tiny, some are huge, and nothing tells which before they are walked.
 */
#define ROOTS 300u
#define WORK  1000u

static struct wg tree;

static uint64_t hash(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static void node(void *arg);

static void spawn_children(uint64_t parent, unsigned n) {
    wg_add(&tree, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(node, (void *)(uintptr_t)hash(parent + 0x9e3779b97f4a7c15 * (i + 1)));
    }
}

static void node(void *arg) {
    uint64_t me = (uintptr_t)arg;
    for (unsigned n = WORK / 2; n != 0; n--) { /* two instructions each */
        __asm__ volatile("" : "+r"(n));
    }
    did();
    if (me % 100 < 24) {
        spawn_children(me, 4);
    }
    wg_done(&tree);
}

BENCH(tree_shares, CORES(1) | CORES(2) | CORES(4) | CORES(8)) {
    settle();
    watch_begin();
    ns_t before = go_now();
    spawn_children(1, ROOTS);
    wg_wait(&tree);
    ns_t spent = go_now() - before;
    uint64_t all = 0;
    for (unsigned i = 0; i < go_cores(); i++) {
        all += done_by[i];
    }
    bench_result((uint64_t)spent, all);
    watch_end(all);
}

/* ---- streams ------------------------------------------------------------------------------------- */

#define MESSAGES 20000u

static struct chan *stream;
static struct wg wg;

static void sends(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < MESSAGES; i++) {
        long v = (long)i;
        chan_send(stream, &v);
    }
    wg_done(&wg);
}

static void receives(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < MESSAGES; i++) {
        long v;
        chan_recv(stream, &v);
    }
    wg_done(&wg);
}

BENCH(stream_wakes, CORES(2) | CORES(4) | CORES(8)) {
    stream = CHAN(long, 128);
    settle();
    uint64_t ipis, futile;
    wakes(&ipis_before, &futile_before);
    wg_add(&wg, 2);
    start(sends, NULL);
    start(receives, NULL);
    wg_wait(&wg);
    wakes(&ipis, &futile);
    bench_count("_futile", futile - futile_before, MESSAGES);
    bench_count("_ipis", ipis - ipis_before, MESSAGES);
    chan_free(stream);
}
