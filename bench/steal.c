/* bench/steal.c - what a thief pays for n Gs: runq_steal() alone, on queues of its own. */
#include "bench/bench.h"
#include "sched/runq.h"

#define ROUNDS 200u

static struct runq victim, thief;
static struct g gs[128];

/* Takes n, which is half of what is there. */
static void steal(const char *suffix, unsigned n) {
    ns_t spent = 0;
    hal_irq_t was = hal_irq_save();
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned taken;
        for (unsigned k = 0; k < 2 * n; k++) {
            runq_put(&victim, &gs[k]);
        }
        ns_t before = go_now();
        runq_steal(&thief, &victim, &taken);
        spent += go_now() - before - bench_overhead();
        if (taken != n) {
            PANIC("bench: stole another number");
        }
        while (runq_get(&victim) != NULL || runq_get(&thief) != NULL) {
        }
    }
    hal_irq_restore(was);
    bench_result_as(suffix, (uint64_t)(spent > 0 ? spent : 0), ROUNDS);
}

BENCH(steal, CORES(1)) {
    steal("_1", 1);
    steal("_16", 16);
    steal("_64", 64);
}
