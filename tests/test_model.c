/*
 * tests/test_model.c - the threading models. Each test of a single one fails when m-n is there in its place.
 */
#include <bareloom/model.h>
#include <bareloom/policy.h>
#include <errno.h>
#include <string.h>

#include "sched/model.h"
#include "tests/test.h"

static struct wg wg;

/* name is the model until the end of the test, which restores it by unset(). */
static const char *before;

static void set(const char *name) {
    if (!CONFIG_TRACE || (!HAL_TRAPS && strcmp(name, "1-1") == 0)) {
        SKIP("there is no such model here");
    }
    before = go_model();
    CHECK_EQ(go_set_model(name), 0);
    CHECK(strcmp(go_model(), name) == 0);
}

static void unset(void) {
    CHECK_EQ(go_set_model(before), 0);
}

TEST(sched, models_have_names) {
    const char *does;
    CHECK(strcmp(go_models(0, &does), "m-n") == 0);
    unsigned n = 0;
    for (const char *name; (name = go_models(n, &does)) != NULL; n++) {
        CHECK(name[0] != '\0' && does[0] != '\0');
    }
    CHECK_EQ(n, !CONFIG_TRACE ? 1 : HAL_TRAPS ? 3 : 2);
    CHECK_EQ(go_set_model("none"), -EINVAL);
    CHECK_EQ(go_set_model(""), -EINVAL);
    CHECK_EQ(go_option("model=1-n"), -EINVAL);
    CHECK_EQ(go_option("model"), -EINVAL);
    if (!HAL_TRAPS) {
        CHECK_EQ(go_set_model("1-1"), -EINVAL);
    }
}

/* ---- what goes on under each ------------------------------------------------------------------ */

static struct {
    _Atomic bool stop;
    _Atomic unsigned rounds;
    struct chan *c;
} talk;

static void asks(void *arg) {
    (void)arg;
    for (int v = 0; !talk.stop; v++) {
        chan_send(talk.c, &v);
        go_sleep(US(50));
    }
    chan_close(talk.c);
    wg_done(&wg);
}

static void hears(void *arg) {
    (void)arg;
    int v;
    while (chan_recv(talk.c, &v) == 0) {
        atomic_fetch_add(&talk.rounds, 1);
        go_yield();
    }
    wg_done(&wg);
}

static void ends_soon(void *arg) {
    (void)arg;
    go_yield();
    wg_done(&wg);
}

/* Gs that were left in one model are entered in the next. */
TEST(sched, models_follow_each_other) {
    const char *was = go_model(), *name, *does;
    talk.stop = false;
    talk.c = CHAN(int, 1);
    wg_add(&wg, 3);
    start(asks, NULL);
    start(hears, NULL);
    start(hears, NULL);
    for (unsigned round = 0; round < test_rounds(8); round++) {
        for (unsigned i = 0; (name = go_models(i, &does)) != NULL; i++) {
            CHECK_EQ(go_set_model(name), 0);
            unsigned rounds = talk.rounds;
            wg_add(&wg, 1);
            start(ends_soon, NULL);
            WAIT_FOR(talk.rounds > rounds);
        }
    }
    CHECK_EQ(go_set_model(was), 0);
    talk.stop = true;
    wg_wait(&wg);
    chan_free(talk.c);
}

static void sets_policies(void *arg) {
    (void)arg;
    while (!talk.stop) {
        int r = go_set_policy("fifo");
        CHECK(r == 0 || r == -EINVAL);
        r = go_set_policy("gmp");
        CHECK(r == 0 || r == -EINVAL);
        go_yield();
    }
    wg_done(&wg);
}

/* Whoever sets a policy as a model begins is before it, or refused. */
TEST(sched, models_keep_their_policies) {
    set("n-1");
    unset();
    const char *policy = go_policy();
    talk.stop = false;
    wg_add(&wg, 1);
    start(sets_policies, NULL);
    for (unsigned round = 0; round < test_rounds(8); round++) {
        CHECK_EQ(go_set_model("n-1"), 0);
        for (unsigned i = 0; i < 20; i++) {
            CHECK(strcmp(go_policy(), "loop") == 0);
            go_yield();
        }
        CHECK_EQ(go_set_model("m-n"), 0);
        go_yield();
    }
    talk.stop = true;
    wg_wait(&wg);
    CHECK_EQ(go_set_model(before), 0);
    CHECK(go_set_policy(policy) == 0 || strcmp(before, "m-n") != 0);
}

TEST(sched, policy_outlives_a_model) {
    needs_m_n();
    const char *policy = go_policy();
    if (CONFIG_TRACE) {
        CHECK_EQ(go_set_policy("nosteal"), 0);
    }
    set("n-1");
    unset();
    CHECK(strcmp(go_policy(), "nosteal") == 0);
    CHECK_EQ(go_set_policy(policy), 0);
}

/* ---- 1-1 ---------------------------------------------------------------------------------------- */

static struct sema go_on;

static void looks_at_its_stack(void *arg) {
    struct g *g = hal_self();
    *(uintptr_t *)arg = (g->stack_hi - g->stack_low) / HAL_PAGE;
    wg_done(&wg);
}

/* 16 pages are there before anything has touched them. */
TEST(sched, threads_have_whole_stacks) {
    set("1-1");
    uintptr_t pages[40] = {0};
    for (unsigned round = 0; round < 2; round++) {
        wg_add(&wg, 40);
        for (unsigned i = 0; i < 40; i++) {
            start(looks_at_its_stack, &pages[i]);
        }
        wg_wait(&wg);
        for (unsigned i = 0; i < 40; i++) {
            CHECK_EQ(pages[i], 16);
        }
    }
    unset();
}

static _Atomic unsigned here;

static void meets(void *arg) {
    go_preempt_off();
    atomic_fetch_add(&here, 1);
    SPIN_UNTIL(here == *(unsigned *)arg);
    go_preempt_on();
    wg_done(&wg);
}

/* All of them run at the same time, and come from one queue. */
TEST(sched, threads_share_a_queue) {
    set("1-1");
    CHECK(strcmp(go_policy(), "fifo") == 0);
    unsigned all = go_num_cores();
    for (unsigned round = 0; round < test_rounds(16); round++) {
        here = 0;
        wg_add(&wg, (int)all);
        for (unsigned i = 0; i < all; i++) {
            start(meets, &all);
        }
        wg_wait(&wg);
    }
    CHECK_EQ(go_set_policy("nosteal"), -EINVAL);
    unset();
}

static void waits_once(void *arg) {
    *(struct g **)arg = hal_self();
    sema_wait(&go_on);
    wg_done(&wg);
}

/* All registers of who waits are in a frame. */
TEST(sched, threads_wait_with_a_frame) {
    set("1-1");
    struct g *g = NULL;
    wg_add(&wg, 1);
    start(waits_once, &g);
    settle();
    CHECK(g != NULL && g_waits_for(g) == WAIT_SEMA);
    CHECK(g->hal.frame != NULL);
    sema_post(&go_on);
    wg_wait(&wg);
    unset();
}

/* ---- n-1 ---------------------------------------------------------------------------------------- */

static struct { _Atomic bool ran, seen, over; } hog;

static uint64_t ticks(void) {
    return core_counters(0).ticks;
}

/* Until something else has run, or so many slices are over. */
static void hogs(void *arg) {
    uint64_t end = ticks() + *(const unsigned *)arg;
    while (!hog.ran && ticks() < end) {
        hal_relax();
    }
    hog.seen = hog.ran;
    wg_done(&wg);
}

static void runs(void *arg) {
    (void)arg;
    hog.ran = true;
    wg_done(&wg);
}

/* The hog begins first: under the loop what was started first runs first. */
static bool hog_sees_the_other(unsigned slices) {
    go_set_slice(MS(1));
    hog.ran = hog.seen = false;
    wg_add(&wg, 2);
    start(hogs, &slices);
    start(runs, NULL);
    wg_wait(&wg);
    return hog.seen;
}

TEST(sched, hog_starves_the_loop) {
    set("n-1");
    CHECK(!hog_sees_the_other(6));
    unset();
}

/* A thread is taken off, on one core too. */
TEST(sched, hog_starves_no_threads) {
    set("1-1");
    use_cores(1);
    CHECK(hog_sees_the_other(500)); /* more than it takes */
    use_cores(go_num_cores());
    unset();
}

static void yields(void *arg) {
    (void)arg;
    for (int i = 0; i < 20; i++) {
        go_yield();
        CHECK_EQ(go_core(), 0);
    }
    wg_done(&wg);
}

TEST(sched, loop_has_one_core) {
    set("n-1");
    unsigned all = hal_core_count();
    CHECK_EQ(go_num_cores(), 1);
    CHECK_EQ(go_set_cores(2), -EINVAL);
    CHECK_EQ(go_with(&GO_OPTS(GO_PIN(1)), yields, NULL), -EINVAL);
    uint64_t switches[HAL_MAX_CORES] = {0};
    settle();
    for (unsigned i = 1; i < all; i++) {
        WAIT_FOR(relaxed_load(&cores[i].n.asleep_since) != 0); /* it has left whom it ran, or has come up */
        switches[i] = relaxed_load(&cores[i].n.started) + core_counters(i).switches;
    }
    wg_add(&wg, 200);
    for (unsigned i = 0; i < 200; i++) {
        start(yields, NULL);
    }
    wg_wait(&wg);
    for (unsigned i = 1; i < all; i++) {
        CHECK_EQ(relaxed_load(&cores[i].n.started) + core_counters(i).switches, switches[i]);
    }
    unset();
}
