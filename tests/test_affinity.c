/* tests/test_affinity.c - Gs that may run on some of the cores: they run on no other, and on all of these. */
#include <bareloom/policy.h>
#include <errno.h>

#include "hal/hal.h"
#include "tests/test.h"

static struct wg wg;
static _Atomic bool stop;

static uint32_t all_cores(void) {
    return (1u << go_num_cores()) - 1;
}

TEST(sched, affinity_is_told) {
    CHECK_EQ(go_affinity(), all_cores());
    CHECK_EQ(go_set_affinity(0), -EINVAL);
    CHECK_EQ(go_set_affinity(~all_cores()), -EINVAL);
    for (uint32_t mask = 1; mask <= all_cores(); mask++) {
        CHECK_EQ(go_set_affinity(mask), 0);
        CHECK_EQ(go_affinity(), mask);
        CHECK((mask >> go_core() & 1) != 0);
        go_sleep(US(10));
        CHECK((mask >> go_core() & 1) != 0);
    }
}

/* ---- it holds ------------------------------------------------------------------------------------ */

static _Atomic unsigned rounds;

static void stays(void *arg) {
    uint32_t mask = (uint32_t)(uintptr_t)arg;
    CHECK_EQ(go_set_affinity(mask), 0);
    while (!stop) {
        for (unsigned i = 0; i < 100; i++) {
            CHECK((mask >> go_core() & 1) != 0);
        }
        go_yield();
        CHECK((mask >> go_core() & 1) != 0);
        go_sleep(US(50));
        atomic_fetch_add(&rounds, 1);
    }
    wg_done(&wg);
}

/* Under each policy, while cores come and go. */
TEST(sched, affinity_holds) {
    needs_m_n();
    const char *name, *does;
    stop = false;
    go_set_slice(US(200));
    for (uint32_t mask = 1; mask < all_cores(); mask++) {
        wg_add(&wg, 1);
        start(stays, (void *)(uintptr_t)mask);
    }
    for (unsigned i = 0; CONFIG_TRACE && (name = go_policies(i, &does)) != NULL; i++) {
        CHECK_EQ(go_set_policy(name), 0);
        for (unsigned n = go_num_cores(); n > 0; n--) {
            CHECK_EQ(go_set_cores(n), 0);
            unsigned then = rounds;
            WAIT_FOR(go_num_cores() == 1 || rounds - then > 40);
        }
    }
    stop = true;
    wg_wait(&wg);
}

/* ---- and is no pin ------------------------------------------------------------------------------- */

#define PASSES 100u

static _Atomic unsigned ball;
static uint64_t preempted; /* when it was a multiple of PASSES */

/* The two of them are on core 0 when they begin to need a core each. */
static void plays(void *arg) {
    unsigned side = (unsigned)(uintptr_t)arg, at;
    CHECK_EQ(go_set_affinity(1), 0);
    CHECK_EQ(go_set_affinity(3), 0);
    while (!stop) {
        if ((at = ball) % PASSES == 0 && side == 0) {
            uint64_t before = preempted;
            preempted = SUM(preempted);
            stop = preempted - before < PASSES / 2;
        }
        if (at % 2 == side) {
            atomic_fetch_add(&ball, 1);
        }
    }
    wg_done(&wg);
}

/* One has to be preempted for the other's sake at first; then one of them has gone to the core that idles, as soon as that
 * gets on: did they share one, each pass would take a preemption for ever. */
TEST(sched, affinity_takes_an_idle_core) {
    needs_sharing();
    if (go_num_cores() == 1) {
        SKIP("needs two cores");
    }
    needs_preemption();
    settle();
    go_set_slice(MS(1));
    stop = false;
    ball = 0;
    preempted = -(uint64_t)PASSES;
    wg_add(&wg, 2);
    start(plays, (void *)0);
    start(plays, (void *)1);
    wg_wait(&wg);
}

static _Atomic unsigned seen_on;

static void sleeps(void *arg) {
    uint32_t mask = (uint32_t)(uintptr_t)arg;
    CHECK_EQ(go_set_affinity(mask), 0);
    while (!stop) {
        go_sleep(US(50));
        seen_on = go_core();
    }
    wg_done(&wg);
}

/* A core that does not take part is left, if it is not the only one. */
TEST(sched, affinity_leaves_retired_cores) {
    unsigned last = go_num_cores() - 1;
    if (last == 0) {
        SKIP("needs two cores");
    }
    stop = false;
    wg_add(&wg, 1);
    start(sleeps, (void *)(uintptr_t)(1 | 1u << last));
    for (unsigned round = 0; round < test_rounds(16); round++) {
        CHECK_EQ(go_set_cores(1), 0);
        seen_on = last;
        WAIT_FOR(seen_on == 0);
        for (unsigned i = 0; i < 8; i++) {
            go_sleep(US(100));
            CHECK_EQ(seen_on, 0);
        }
        CHECK_EQ(go_set_cores(last + 1), 0);
    }
    stop = true;
    wg_wait(&wg);
}
