/* waits.c - Gs that only compute, on one core: how long does each wait for its next turn? */
#include "work.h"

static struct {
    struct wg over;
    ns_t end, longest;
} look;

/* Between two readings of the clock it has not run for as long as that, but for a few instructions. */
static void looks(void *arg) {
    (void)arg;
    ns_t last = go_now(), now = last;
    while (now < look.end) {
        now = go_now();
        if (now - last > look.longest) {
            look.longest = now - last;
        }
        last = now;
    }
    wg_done(&look.over);
}

WORK(waits, "--gs=8 compute on one core for --rounds=4 slices each of --slice=1000000 ns") {
    int gs = (int)many("gs", 8);
    ns_t slice = option("slice", MS(1)), before = go_set_slice(slice);
    struct sums sums = sums_now();
    go_set_cores(1);
    look.end = go_now() + slice * gs * many("rounds", 4);
    wg_add(&look.over, gs);
    for (int i = 0; i < gs; i++) {
        start(looks, NULL);
    }
    wg_wait(&look.over);
    go_set_slice(before);
    tell("longest_wait", look.longest);
    tell("preempted", (int64_t)(sums_now().preempted - sums.preempted));
}
