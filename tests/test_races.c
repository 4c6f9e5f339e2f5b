/* tests/test_races.c - two ends of one wait, and many that wake the same core: made for simulation, where a seed is a
 * schedule (`make sim`), and good anywhere. */
#include <errno.h>

#include "tests/test.h"

static struct wg wg;

/* ---- deadlines --------------------------------------------------------------------------------------- */

static struct {
    struct sema s;
    unsigned rounds;
    _Atomic unsigned got, late;
} race;

static void waits_a_while(void *arg) {
    uint32_t random = 2 * (uint32_t)(uintptr_t)arg + 1;
    for (unsigned i = 0; i < race.rounds; i++) {
        int error = sema_wait_until(&race.s, WITHIN(US(test_random(&random) % 40)));
        if (error == 0) {
            atomic_fetch_add(&race.got, 1);
        } else {
            CHECK_EQ(error, -ETIMEDOUT);
            atomic_fetch_add(&race.late, 1);
        }
    }
    wg_done(&wg);
}

static void posts_now_and_then(void *arg) {
    uint32_t random = 2 * (uint32_t)(uintptr_t)arg + 1;
    for (unsigned i = 0; i < race.rounds; i++) {
        go_sleep(US(test_random(&random) % 40));
        sema_post(&race.s);
    }
    wg_done(&wg);
}

/* A post and a deadline end the same wait: one of them does, and no post is lost or counted twice. */
TEST(stress, deadlines_race_posts) {
    unsigned posters = 8, waiters = 12;
    go_set_slice(US(50));
    race.s = (struct sema){0};
    race.rounds = test_rounds(400);
    race.got = race.late = 0;
    wg_add(&wg, (int)(posters + waiters));
    for (uintptr_t i = 0; i < posters + waiters; i++) {
        start(i < posters ? posts_now_and_then : waits_a_while, (void *)(100 + i));
    }
    wg_wait(&wg);
    unsigned left = 0;
    while (sema_wait_until(&race.s, WITHIN(NOWAIT)) == 0) {
        left++;
    }
    CHECK_EQ(atomic_load(&race.got) + left, posters * race.rounds);
    CHECK_EQ(atomic_load(&race.got) + atomic_load(&race.late), waiters * race.rounds);
}

/* ---- many wake one core ------------------------------------------------------------------------------- */

struct call {
    struct sema ask, answer;
    unsigned rounds;
};

static struct call calls[HAL_MAX_CORES];

static void answers(void *arg) {
    struct call *call = arg;
    for (unsigned i = 0; i < call->rounds; i++) {
        sema_wait(&call->ask);
        sema_post(&call->answer);
    }
    wg_done(&wg);
}

static void asks(void *arg) {
    struct call *call = arg;
    for (unsigned i = 0; i < call->rounds; i++) {
        sema_post(&call->ask);
        sema_wait(&call->answer);
    }
    wg_done(&wg);
}

/* Gs pinned to one core, each called from another core, few enough that it falls asleep again and again: hand-overs to
 * one inbox meet each other and the sleep. One that is lost is a hang. */
TEST(stress, calls_to_one_core) {
    unsigned n = go_num_cores();
    if (n == 1) {
        SKIP("one core");
    }
    go_set_slice(US(50));
    for (unsigned called = 0; called < n; called++) {
        wg_add(&wg, (int)(2 * (n - 1)));
        for (unsigned i = 0; i < n - 1; i++) {
            calls[i] = (struct call){.rounds = test_rounds(1600)};
            start_on(called, answers, &calls[i]);
            start_on((called + 1 + i) % n, asks, &calls[i]);
        }
        wg_wait(&wg);
    }
}
