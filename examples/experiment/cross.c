/* cross.c - a G on core 0 asks one on core 1, and computes for a while between two questions. */
#include "work.h"

static struct {
    struct wg over;
    struct sema there, back;
} t;

static void answers(void *arg) {
    for (long i = *(long *)arg; i > 0; i--) {
        sema_wait(&t.there);
        sema_post(&t.back);
    }
    wg_done(&t.over);
}

struct asking {
    long rounds;
    unsigned long pause;
    ns_t took;
};

static void asks(void *arg) {
    struct asking *a = arg;
    for (long i = 0; i < a->rounds; i++) {
        compute(a->pause);
        ns_t asked = go_now();
        sema_post(&t.there);
        sema_wait(&t.back);
        a->took += go_now() - asked;
    }
    wg_done(&t.over);
}

WORK(cross, "--rounds=500 questions from core 0 to core 1, --pause=5000 instructions before each") {
    struct asking a = {.rounds = many("rounds", 500), .pause = (unsigned long)option("pause", 5000)};
    go_sleep(US(100));
    struct sums before = sums_now();
    ns_t began = go_now();
    wg_add(&t.over, 2);
    start_on(1, answers, &a.rounds);
    start_on(0, asks, &a);
    wg_wait(&t.over);
    ns_t took = go_now() - began;
    struct sums after = sums_now();
    tell("round_trip", a.took / a.rounds);
    tell("asleep_permille", (after.idle - before.idle) * 1000 / took / (ns_t)go_cores());
    tell("looks", (int64_t)(after.spun - before.spun) / a.rounds);
}
