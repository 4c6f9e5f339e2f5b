/* jitter.c - a G that wants to run every so often: how late is it, and how many ticks does the machine have meanwhile? */
#include "work.h"

#include <stdatomic.h>
#include <stdlib.h>

static struct {
    struct wg over;
    _Atomic bool stop;
    unsigned long between;
} h;

/* between: instructions until it yields; 0: it never does. */
static void hog(void *arg) {
    (void)arg;
    while (!h.stop) {
        compute(h.between != 0 ? h.between : 1000);
        if (h.between != 0) {
            go_yield();
        }
    }
    wg_done(&h.over);
}

WORK(jitter, "wakes --times=100 times, every --every=500000 ns, beside a hog on each core if "
             "--hogs=1, which yields after "
             "--yields=0 instructions") {
    unsigned times = (unsigned)many("times", 100);
    int hogs = option("hogs", 0) != 0 ? (int)go_cores() : 0;
    ns_t every = option("every", US(500));
    h.between = (unsigned long)option("yields", 0);
    ns_t *late = calloc(times, sizeof *late);
    if (late == NULL) {
        PANIC("no memory for what it notes");
    }
    wg_add(&h.over, hogs);
    for (int i = 0; i < hogs; i++) {
        start_on((unsigned)i, hog, NULL);
    }
    go_sleep(every);
    struct sums before = sums_now();
    ns_t next = go_now() + every;
    for (unsigned i = 0; i < times; i++, next += every) {
        go_sleep_until(next);
        late[i] = go_now() - next;
    }
    struct sums after = sums_now();
    h.stop = true;
    wg_wait(&h.over);
    tell_shares(late, times);
    tell("ticks", (int64_t)(after.ticks - before.ticks));
    free(late);
}
