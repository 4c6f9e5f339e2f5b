/* tests/test_time.c - the clock and sleeping. */
#include "tests/test.h"

static struct wg wg;

TEST(sched, TestSleep) {
    static const ns_t d[] = {1, US(1), US(20), US(500), MS(2)};
    for (unsigned i = 0; i < sizeof d / sizeof d[0]; i++) {
        ns_t before = go_now();
        go_sleep(d[i]);
        CHECK(go_now() - before >= d[i]);
    }
}

/* Nothing to wait for: returns at once, and sleeps for ever neither. */
TEST(sched, TestSleepZero) {
    go_sleep(0);
    go_sleep(-1);
    go_sleep(INT64_MIN);
    go_sleep_until(0);
    go_sleep_until(go_now());
}

static void reads_clock(void *arg) {
    (void)arg;
    static _Atomic ns_t latest;
    for (unsigned i = 0; i < test_rounds(4000); i++) {
        ns_t before = atomic_load(&latest);
        ns_t now = go_now();
        CHECK(now >= before); /* what another core has read earlier */
        while (before < now && !atomic_compare_exchange_weak(&latest, &before, now)) {
        }
    }
    wg_done(&wg);
}

/* The same clock on every core, never going back. */
TEST(sched, clock_is_one) {
    wg_add(&wg, (int)go_num_cores());
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, reads_clock, NULL);
    }
    wg_wait(&wg);
}

/* ---- many sleepers ------------------------------------------------------------------------------------- */

#define MANY 100

static struct {
    ns_t base, step;
    _Atomic unsigned asleep, n;
    unsigned order[6 * MANY];
} sleepers;

static void sleeps_its_time(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg;
    ns_t when = sleepers.base + sleepers.step * me;
    atomic_fetch_add(&sleepers.asleep, 1);
    go_sleep_until(when);
    CHECK(go_now() >= when);
    sleepers.order[atomic_fetch_add(&sleepers.n, 1)] = me;
    wg_done(&wg);
}

static void start_sleepers(unsigned n, ns_t base, ns_t step) {
    sleepers.asleep = sleepers.n = 0;
    sleepers.base = base;
    sleepers.step = step;
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(sleeps_its_time, (void *)(uintptr_t)(i * 37 % n));
    }
}

/* Go: TestAfterQueuing. However sleepers were started, they become runnable in the order of their times. This G
 * holds the core meanwhile: each would else be displaced by those that come later. One whose slice ends before it
 * has told its turn - a simulation draws that - tells it late. */
TEST(sched, sleepers_wake_in_order) {
    needs_order();
    use_cores(1);
    bool in_time = false;
    uint64_t preempted = 0;
    for (ns_t lead = MS(2); !in_time; lead *= 2) {
        start_sleepers(MANY, go_now() + lead, US(1));
        WAIT_FOR(atomic_load(&sleepers.asleep) == MANY);
        go_yield();
        go_preempt_off();
        in_time = go_now() < sleepers.base;
        SPIN_UNTIL(core_counters(0).timers == 0); /* all have been woken: an emulator's timer may come late */
        preempted = core_counters(0).preempted;
        go_preempt_on(); /* and this G leaves for them, which may count as one */
        wg_wait(&wg);
    }
    for (unsigned i = 0; i < MANY && core_counters(0).preempted <= preempted + 1; i++) {
        CHECK_EQ(sleepers.order[i], i);
    }
}

/* More deadlines at one instant than a handler takes in one go, and more than fit the heap's first page. */
TEST(sched, TestAfterStress) {
    enum { N = 6 * MANY };
    start_sleepers(N, go_now() + MS(5), 0);
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&sleepers.n), N);
}

static void sleeps_at_random(void *arg) {
    uint32_t random = 1 + (uint32_t)(uintptr_t)arg;
    for (unsigned i = 0; i < test_rounds(60); i++) {
        ns_t when = go_now() + test_random(&random) % US(400);
        go_sleep_until(when);
        CHECK(go_now() >= when);
        if (i % 8 == 0) {
            go_yield();
        }
    }
    wg_done(&wg);
}

TEST(sched, sleepers_on_all_cores) {
    wg_add(&wg, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        start(sleeps_at_random, (void *)(uintptr_t)i);
    }
    wg_wait(&wg);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        CHECK_EQ(core_counters(i).timers, 0);
    }
}
