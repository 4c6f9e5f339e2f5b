/* burst.c - one core has all that is to be done: how do the others come by it? */
#include "work.h"

static struct wg over;
static unsigned long cpu;

static void piece(void *arg) {
    (void)arg;
    compute(cpu);
    wg_done(&over);
}

WORK(burst, "one G starts --gs=256 others, each --cpu=2000 instructions") {
    int gs = (int)many("gs", 256);
    cpu = (unsigned long)option("cpu", 2000);
    for (int warm = 1; warm >= 0; warm--) { /* once for the stacks */
        struct sums before = sums_now();
        ns_t began = go_now();
        wg_add(&over, gs);
        for (int i = 0; i < gs; i++) {
            start(piece, NULL);
        }
        wg_wait(&over);
        ns_t took = go_now() - began;
        struct sums after = sums_now();
        if (!warm) {
            tell("ns", took);
            tell("gs", gs);
            tell("lock_wait", after.lock_wait - before.lock_wait);
            tell("idle", after.idle - before.idle);
            tell("stolen", (int64_t)(after.stolen - before.stolen));
        }
    }
}
