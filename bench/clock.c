/* bench/clock.c - timers, and how soon what is due runs. */
#include "bench/bench.h"

#define ROUNDS 1000u

static struct wg wg;
static _Atomic bool stop;

BENCH(timer_make_stop, CORES(1) | CORES(4)) {
    timer_free(timer_make(SEC(100)));
    bench_start();
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct timer *t = timer_make(SEC(100));
        timer_stop(t);
        timer_free(t);
    }
    bench_stop(ROUNDS);
}

BENCH(timer_reset_stop, CORES(1) | CORES(4)) {
    struct timer *t = timer_make(SEC(100));
    bench_start();
    for (unsigned i = 0; i < ROUNDS; i++) {
        timer_reset(t, SEC(100));
        timer_stop(t);
    }
    bench_stop(ROUNDS);
    timer_free(t);
}

static void lateness(ns_t d, unsigned rounds) {
    uint64_t late = 0;
    for (unsigned i = 0; i < rounds; i++) {
        ns_t when = go_now() + d;
        go_sleep_until(when);
        late += (uint64_t)(go_now() - when);
    }
    bench_result(late, rounds);
}

BENCH(sleep_2ms_late, CORES(1) | CORES(4)) {
    lateness(MS(2), 100);
}

static void hogs(void *arg) {
    (void)arg;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    }
    wg_done(&wg);
}

static void start_hogs(void) {
    stop = false;
    for (unsigned i = 0; i < go_cores(); i++) {
        wg_add(&wg, 1);
        start_on(i, hogs, NULL);
    }
}

BENCH(sleep_behind_hogs_late, CORES(1) | CORES(4)) {
    start_hogs();
    lateness(MS(2), 50);
    stop = true;
    wg_wait(&wg);
}

/* Two loops on one core that never call anything: how long after its slice one of them is off. */
static _Atomic ns_t seen[2];

static void watches(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        atomic_store_explicit(&seen[me], go_now(), memory_order_relaxed);
    }
    wg_done(&wg);
}

BENCH(preempted_after_slice, CORES(1)) {
    ns_t slice = go_set_slice(MS(1)), over = 0;
    unsigned turns = 40;
    stop = false;
    wg_add(&wg, 2);
    start_on(0, watches, (void *)0);
    start_on(0, watches, (void *)1);
    go_sleep(MS(3));
    ns_t before = go_now();
    go_sleep(MS(turns)); /* we come in between once, and that is inside */
    over = go_now() - before - MS(turns);
    stop = true;
    wg_wait(&wg);
    go_set_slice(slice);
    bench_result((uint64_t)over, 1);
}
