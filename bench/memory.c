/* bench/memory.c - pages: what a stack page costs to commit, what a parked G costs to keep; and the boot. */
#include "bench/bench.h"

static struct wg wg;
static struct sema gate;

static _Atomic ns_t spent;

#define PAGES 12

__attribute__((noinline)) static void deepen(volatile char *from) {
    for (int i = 1; i <= PAGES; i++) {
        from[-i * 4096] = 1;
    }
}

static void touches_pages(void *arg) {
    (void)arg;
    char here;
    ns_t before = go_now();
    deepen(&here);
    spent = go_now() - before;
    wg_done(&wg);
}

BENCH(stack_page_fault, CORES(1)) {
    wg_add(&wg, 1);
    start(touches_pages, NULL);
    wg_wait(&wg);
    bench_result((uint64_t)spent, PAGES);
}

#define PARKED 10000u

static void parks(void *arg) {
    (void)arg;
    sema_wait(&gate);
    wg_done(&wg);
}

static void park_many(const struct go_opts *o) {
    size_t all, before, after;
    info_memory(&all, &before);
    wg_add(&wg, PARKED);
    for (unsigned i = 0; i < PARKED; i++) {
        if (go_with(o, parks, NULL) != 0) {
            PANIC("bench: no memory for a goroutine");
        }
    }
    go_sleep(MS(50));
    info_memory(&all, &after);
    bench_count("", (uint64_t)(before - after) * 4096, PARKED);
    for (unsigned i = 0; i < PARKED; i++) {
        sema_post(&gate);
    }
    wg_wait(&wg);
}

BENCH(bytes_per_parked_g, CORES(1)) {
    park_many(&GO_OPTS(0));
}

BENCH(bytes_per_parked_small_g, CORES(1)) {
    park_many(&GO_OPTS(.stack = GO_SMALL_STACK));
}
