/* requests.c - Gs that only compute share a core with short requests that another G hands out: how long does one take? */
#include "work.h"

#include <stdatomic.h>
#include <stdlib.h>

static struct {
    struct wg hogs, over;
    _Atomic bool stop;
    unsigned long cpu;
    ns_t *took;
} q;

struct request {
    unsigned n;
    ns_t came;
};

static void hog(void *arg) {
    (void)arg;
    while (!q.stop) {
        compute(1000);
    }
    wg_done(&q.hogs);
}

static void request(void *arg) {
    struct request *r = arg;
    compute(q.cpu);
    q.took[r->n] = go_now() - r->came;
    wg_done(&q.over);
}

WORK(requests,
     "--gs=4 that compute share core 0 with --requests=200, --each=4 of which come together every "
     "--gap=1000000 ns, of --cpu=5000 instructions; --slice=1000000 ns") {
    int gs = (int)many("gs", 4), n = (int)many("requests", 200), each = (int)many("each", 4);
    ns_t gap = option("gap", MS(1)), before = go_set_slice(option("slice", MS(1)));
    q.cpu = (unsigned long)option("cpu", 5000);
    go_set_cores(1);
    q.took = calloc((size_t)n, sizeof *q.took);
    struct request *all = calloc((size_t)n, sizeof *all);
    if (q.took == NULL || all == NULL) {
        PANIC("no memory for requests");
    }
    wg_add(&q.hogs, gs);
    for (int i = 0; i < gs; i++) {
        start(hog, NULL);
    }
    struct sums sums = sums_now();
    ns_t began = go_now();
    wg_add(&q.over, n);
    for (int i = 0; i < n; i++) {
        if (i % each == 0) {
            go_sleep(gap);
        }
        all[i] = (struct request){.n = (unsigned)i, .came = go_now()};
        start(request, &all[i]);
    }
    wg_wait(&q.over);
    ns_t took = go_now() - began;
    uint64_t preempted = sums_now().preempted - sums.preempted;
    q.stop = true;
    wg_wait(&q.hogs);
    go_set_slice(before);
    tell_shares(q.took, (unsigned)n);
    tell("preempted_a_s", (int64_t)(preempted * SEC(1) / (uint64_t)took));
    free(q.took);
    free(all);
}
