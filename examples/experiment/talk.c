/* talk.c - two Gs that talk to each other, among others that compute a little and yield, all on one core. */
#include "work.h"

#include <stdatomic.h>

static struct {
    struct wg over;
    struct sema there, back;
    _Atomic bool stop;
    unsigned long cpu;
} t;

static void answers(void *arg) {
    for (long i = *(long *)arg; i > 0; i--) {
        sema_wait(&t.there);
        sema_post(&t.back);
    }
    wg_done(&t.over);
}

static void other(void *arg) {
    (void)arg;
    while (!t.stop) {
        compute(t.cpu);
        go_yield();
    }
    wg_done(&t.over);
}

WORK(talk, "--rounds=500 round trips between two Gs among --others=4 that compute --cpu=2000 "
           "instructions between yields") {
    long rounds = many("rounds", 500), others = option("others", 4);
    t.cpu = (unsigned long)option("cpu", 2000);
    go_set_cores(1);
    wg_add(&t.over, (int)others + 1);
    for (long i = 0; i < others; i++) {
        start(other, NULL);
    }
    start(answers, &rounds);
    ns_t began = go_now();
    for (long i = 0; i < rounds; i++) {
        sema_post(&t.there);
        sema_wait(&t.back);
    }
    ns_t took = go_now() - began;
    t.stop = true;
    wg_wait(&t.over);
    tell("round_trip", took / rounds);
}
