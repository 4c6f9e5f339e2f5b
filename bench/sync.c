/* bench/sync.c - locks and semaphores. */
#include "bench/bench.h"

#define ROUNDS 10000u

static struct wg wg;
static struct mutex mutex;
static struct sema sema;

BENCH(mutex_uncontended, CORES(1) | CORES(4)) {
    bench_start();
    for (unsigned i = 0; i < ROUNDS; i++) {
        mutex_lock(&mutex);
        mutex_unlock(&mutex);
    }
    bench_stop(ROUNDS);
}

/* As from another language: the functions themselves, of whose addresses the compiler knows nothing. */
BENCH(mutex_called, CORES(1) | CORES(4)) {
    void (*lock)(struct mutex *) = mutex_lock, (*unlock)(struct mutex *) = mutex_unlock;
    __asm__("" : "+r"(lock), "+r"(unlock));
    bench_start();
    for (unsigned i = 0; i < ROUNDS; i++) {
        lock(&mutex);
        unlock(&mutex);
    }
    bench_stop(ROUNDS);
}

BENCH(sema_uncontended, CORES(1) | CORES(4)) {
    sema_post(&sema);
    bench_start();
    for (unsigned i = 0; i < ROUNDS; i++) {
        sema_wait(&sema);
        sema_post(&sema);
    }
    bench_stop(ROUNDS);
    sema_wait(&sema);
}

/* A loop of two instructions. */
static void work(unsigned instructions) {
    for (unsigned n = instructions / 2; n != 0; n--) {
        __asm__ volatile("" : "+r"(n));
    }
}

static void locks(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        mutex_lock(&mutex);
        work(100);
        mutex_unlock(&mutex);
    }
    wg_done(&wg);
}

BENCH(mutex_contended_4, CORES(4)) {
    wg_add(&wg, 4);
    for (unsigned i = 0; i < 4; i++) {
        start_on(i, locks, NULL);
    }
    ns_t before = go_now();
    wg_wait(&wg);
    bench_result((uint64_t)(go_now() - before), ROUNDS);
}
