/*
 * preempt - endless loops on every core, and main goes on as if there were none.
 *
 * The loops call nothing and never yield. The timer interrupt takes the core away from them, at any
 * instruction, when their slice is over or when a sleeper such as main is due.
 */
#include <bareloom.h>
#include <stdatomic.h>
#include <stdio.h>

#define HOGS_MAX 16

static atomic_bool stop;
static struct wg running;

static void hog(void *arg) {
    atomic_ulong *turns = arg;

    /* relaxed: neither stop nor turns carries other data with it */
    for (unsigned long n = 1; !atomic_load_explicit(&stop, memory_order_relaxed); n++) {
        atomic_store_explicit(turns, n, memory_order_relaxed);
    }
    wg_done(&running);
}

int main(void) {
    static atomic_ulong turns[HOGS_MAX];
    unsigned hogs = 2 * go_num_cores() < HOGS_MAX ? 2 * go_num_cores() : HOGS_MAX;

    for (unsigned i = 0; i < hogs; i++) {
        wg_add(&running, 1);
        go_with(&GO_OPTS(.name = "hog"), hog, &turns[i]);
    }
    for (int i = 1; i <= 5; i++) {
        go_sleep(MS(20));
        printf("main runs, time %d\n", i);
    }
    for (unsigned i = 0; i < hogs; i++) {
        while (atomic_load(&turns[i]) == 0) {
            go_sleep(MS(1));
        }
    }
    printf("every hog had its turn\n");

    atomic_store(&stop, true);
    wg_wait(&running);
    printf("every hog has stopped\n");
    return 0;
}
