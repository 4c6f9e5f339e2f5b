/* tests/test_timer_stress.c - many timers at one instant, timers that are stopped, reset and freed on other cores as they
 * fire, without memory, and on cores that retire. */
#include <errno.h>

#include "sched/chan.h"
#include "sched/sched.h"
#include "tests/test.h"

static struct wg wg;
static _Atomic unsigned fired;

static void counts(void *arg) {
    (void)arg;
    atomic_fetch_add(&fired, 1);
}

/* ---- at once ---------------------------------------------------------------------------------------------- */

#define MANY  10000
#define BATCH 32 /* sched/alarm.c */

static struct timer *many[2 * MANY];

/* HAZARDS 26: however many are due, an interrupt fires a batch of them and comes again. Counted in interrupts of the
 * core on which all of them are due while it is kept from taking any. */
TEST(stress, ten_thousand_at_once) {
    unsigned n = test_rounds(MANY);
    use_cores(1);
    for (unsigned i = 0; i < n; i++) {
        many[i] = timer_make(SEC(1000));
        CHECK(many[i] != NULL);
    }
    hal_irq_t was = hal_irq_save();
    for (unsigned i = 0; i < n; i++) {
        timer_reset(many[i], 1);
    }
    uint64_t ticks = core_counters(0).ticks;
    while (go_now() < cores[0].alarms.slots[0].when + US(1)) {
    }
    hal_irq_restore(was);
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(chan_recv(timer_chan(many[i]), NULL), 0);
    }
    CHECK(core_counters(0).ticks - ticks >= n / BATCH);
    for (unsigned i = 0; i < n; i++) {
        timer_free(many[i]);
    }
}

static void wakes(void *arg) {
    go_sleep_until(*(ns_t *)arg);
    atomic_fetch_add(&fired, 1);
    wg_done(&wg);
}

/* The same with sleepers and functions, on all cores, none lost. */
TEST(stress, thousands_of_all_kinds) {
    unsigned n = test_rounds(2000);
    fired = 0;
    ns_t when = go_now() + MS(20);
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(wakes, &when);
        many[i] = timer_after_func(when - go_now(), counts, NULL);
        CHECK(many[i] != NULL);
    }
    wg_wait(&wg);
    WAIT_FOR(atomic_load(&fired) == 2 * n);
    CHECK(go_now() >= when);
    for (unsigned i = 0; i < n; i++) {
        CHECK(!timer_stop(many[i]));
        timer_free(many[i]);
    }
}

/* ---- stopped or fired -------------------------------------------------------------------------------------- */

static _Atomic unsigned received;

/* Go: of each setting, exactly one: stop or reset says that it was in time, or the function runs. */
static void stop_result(bool by_reset) {
    unsigned n = test_rounds(800);
    uint32_t random = by_reset ? 99 : 100;
    unsigned stopped = 0;
    fired = 0;
    for (unsigned i = 0; i < n; i++) {
        struct timer *t = timer_after_func(US(test_random(&random) % 60), counts, NULL);
        CHECK(t != NULL);
        go_sleep(US(test_random(&random) % 60));
        stopped += by_reset ? timer_reset(t, SEC(100)) == 1 : timer_stop(t);
        if (by_reset) {
            CHECK(timer_stop(t));
        }
        timer_free(t);
    }
    WAIT_FOR(atomic_load(&fired) + stopped >= n);
    go_sleep(MS(1));
    CHECK_EQ(atomic_load(&fired) + stopped, n);
}

TEST(stress, TestStopResult) {
    stop_result(false);
}

TEST(stress, TestResetResult) {
    stop_result(true);
}

static struct {
    struct timer *timer;
    struct ctx *over;
} duel;

static void receives_if_it_comes(void *arg) {
    (void)arg;
    while (chan_recv_until(timer_chan(duel.timer), NULL, UNLESS(duel.over)) == 0) {
        atomic_fetch_add(&received, 1);
    }
    wg_done(&wg);
}

/* The same with a channel and a receiver on another core. */
TEST(stress, timer_stopped_or_received) {
    unsigned n = test_rounds(2000);
    uint32_t random = 5;
    unsigned stopped = 0;
    received = 0;
    duel.over = ctx_make(ctx_background());
    duel.timer = timer_make(SEC(1000));
    timer_stop(duel.timer);
    wg_add(&wg, 1);
    start(receives_if_it_comes, NULL);
    for (unsigned i = 0; i < n; i++) {
        CHECK(timer_reset(duel.timer, US(test_random(&random) % 20)) >= 0);
        for (unsigned k = test_random(&random) % 600; k != 0; k--) {
            hal_relax();
        }
        if (i % 4 == 0) {
            go_yield();
        }
        stopped += timer_stop(duel.timer);
    }
    WAIT_FOR(atomic_load(&received) + stopped >= n);
    ctx_cancel(duel.over);
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&received) + stopped, n);
    timer_free(duel.timer);
    ctx_free(duel.over);
}

/* ---- from other cores ----------------------------------------------------------------------------------------- */

#define SHARED 24

static struct {
    struct mutex lock; /* one at a time may free */
    struct timer *timer;
    bool has_func;
} shared[SHARED];

static _Atomic int expected; /* calls of functions that must come */

static void is_expected(void *arg) {
    (void)arg;
    atomic_fetch_sub(&expected, 1);
}

static void renew(unsigned i, ns_t d) {
    atomic_fetch_add(&expected, shared[i].has_func ? 1 : 0);
    shared[i].timer = shared[i].has_func ? timer_after_func(d, is_expected, NULL) : timer_make(d);
    CHECK(shared[i].timer != NULL);
}

static void was_pending(unsigned i, bool pending) {
    if (shared[i].has_func && pending) {
        atomic_fetch_sub(&expected, 1);
    }
}

static void meddles(void *arg) {
    uint32_t random = (uint32_t)(uintptr_t)arg;
    for (unsigned round = 0; round < test_rounds(1500); round++) {
        unsigned i = test_random(&random) % SHARED;
        ns_t d = US(test_random(&random) % 30);
        mutex_lock(&shared[i].lock);
        struct timer *t = shared[i].timer;
        switch (test_random(&random) % 4) {
        case 0:
            was_pending(i, timer_stop(t));
            if (!shared[i].has_func) {
                CHECK_EQ(chan_try_recv(timer_chan(t), NULL), -EAGAIN);
            }
            break;
        case 1:
            atomic_fetch_add(&expected, shared[i].has_func ? 1 : 0);
            was_pending(i, timer_reset(t, d) == 1);
            break;
        case 2:
            was_pending(i, timer_stop(t));
            timer_free(t);
            renew(i, d);
            break;
        default:
            if (!shared[i].has_func) {
                chan_try_recv(timer_chan(t), NULL);
            }
        }
        mutex_unlock(&shared[i].lock);
    }
    wg_done(&wg);
}

/* Every core stops, resets and frees timers that fire on all the others: a function runs once for each setting that
 * nobody has stopped in time, and a freed timer that is used again does not fire for its last life. */
TEST(stress, timers_across_cores) {
    unsigned n = 2 * go_num_cores();
    expected = 0;
    for (unsigned i = 0; i < SHARED; i++) {
        shared[i].has_func = i % 2 == 0;
        renew(i, US(i));
    }
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start_on(i % go_num_cores(), meddles, (void *)(uintptr_t)(1 + i));
    }
    wg_wait(&wg);
    for (unsigned i = 0; i < SHARED; i++) {
        was_pending(i, timer_stop(shared[i].timer));
        timer_free(shared[i].timer);
    }
    WAIT_FOR(atomic_load(&expected) <= 0);
    go_sleep(MS(2));
    CHECK_EQ(atomic_load(&expected), 0);
}

/* ---- cores that retire --------------------------------------------------------------------------------------- */

static struct {
    struct timer *plain, *func;
    struct ticker *ticker;
} late;

static void makes_timers_here(void *arg) {
    (void)arg;
    late.plain = timer_make(MS(2));
    late.func = timer_after_func(MS(2), counts, NULL);
    late.ticker = ticker_make(MS(1));
    wg_done(&wg);
}

/* A retired core still fires what was set there. */
TEST(sched, timers_of_a_retired_core) {
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    unsigned last = go_num_cores() - 1;
    fired = 0;
    wg_add(&wg, 1);
    start_on(last, makes_timers_here, NULL);
    wg_wait(&wg);
    CHECK(late.plain != NULL && late.func != NULL && late.ticker != NULL);
    use_cores(1);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(chan_recv(ticker_chan(late.ticker), NULL), 0);
    }
    CHECK_EQ(chan_recv(timer_chan(late.plain), NULL), 0);
    WAIT_FOR(atomic_load(&fired) == 1);
    timer_free(late.plain);
    timer_free(late.func);
    ticker_free(late.ticker);
}
