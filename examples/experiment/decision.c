/* decision.c - the scheduling decision of Ardan Labs' "Scheduling in Go": one computes on core 0 and starts another; core 1 is
 * busy for a while. Does the new one wait for its maker, displace it, or take the next free core? */
#include "work.h"

static struct {
    struct wg over;
    unsigned place;
    ns_t began, new_began, new_ended, maker_ended;
} d;

static void newcomer(void *arg) {
    (void)arg;
    d.new_began = go_now() - d.began;
    compute(100000);
    d.new_ended = go_now() - d.began;
    wg_done(&d.over);
}

static void neighbor(void *arg) {
    (void)arg;
    compute(100000);
    wg_done(&d.over);
}

static void maker(void *arg) {
    (void)arg;
    compute(50000);
    start(newcomer, NULL);
    if (d.place != 0) {
        go_yield();
    }
    compute(150000);
    d.maker_ended = go_now() - d.began;
    wg_done(&d.over);
}

WORK(decision, "maker starts newcomer while neighbor computes on core 1; --place=0 where the "
               "policy says, 1 before its maker") {
    d.place = (unsigned)option("place", 0);
    wg_add(&d.over, 3);
    d.began = go_now();
    start_on(1, neighbor, NULL);
    start(maker, NULL);
    wg_wait(&d.over);
    tell("new_began", d.new_began);
    tell("new_ended", d.new_ended);
    tell("maker_ended", d.maker_ended);
    tell("all_ended", go_now() - d.began);
}
