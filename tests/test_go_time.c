/* tests/test_go_time.c - what Go's time package tests of sleeping and of timers that fire once, under its names. */
#include <errno.h>

#include "tests/test.h"

static struct wg wg;
static _Atomic unsigned fired;

static void counts(void *arg) {
    (void)arg;
    atomic_fetch_add(&fired, 1);
}

static void must_not_run(void *arg) {
    (void)arg;
    FAIL("a stopped timer has fired");
}

static struct timer *timer_of(ns_t d) {
    struct timer *t = timer_make(d);
    CHECK(t != NULL);
    return t;
}

static struct timer *calls(ns_t d, go_fn *fn, void *arg) {
    struct timer *t = timer_after_func(d, fn, arg);
    CHECK(t != NULL);
    return t;
}

/* ---- functions ----------------------------------------------------------------------------------------- */

static struct {
    unsigned left;
    struct timer *timers[10];
    struct sema end;
} chain;

static void links_on(void *arg) {
    (void)arg;
    if (chain.left == 0) {
        sema_post(&chain.end);
        return;
    }
    unsigned at = --chain.left; /* the next one changes left as soon as its timer is set */
    chain.timers[at] = calls(0, links_on, NULL);
    sema_post(&chain.end);
    go_sleep(MS(2)); /* a function that blocks keeps no other from being called */
}

TEST(sched, TestAfterFunc) {
    chain.left = 10;
    links_on(NULL);
    for (unsigned i = 0; i < 11; i++) {
        sema_wait(&chain.end);
    }
    for (unsigned i = 0; i < 10; i++) {
        timer_free(chain.timers[i]);
    }
}

static struct {
    struct chan *ping, *pong;
    _Atomic bool stop;
} rally;

static void returns(void *arg) {
    (void)arg;
    while (chan_recv(rally.ping, NULL) == 0) {
        chan_send(rally.pong, NULL);
    }
    wg_done(&wg);
}

static void ends_the_rally(void *arg) {
    (void)arg;
    atomic_store(&rally.stop, true);
}

/* Two that play ping-pong on the only core keep a function from being called no more than anything else. */
TEST(sched, TestAfterFuncStarvation) {
    needs_preemption();
    use_cores(1);
    rally.ping = chan_make(0, 0);
    rally.pong = chan_make(0, 0);
    for (unsigned i = 0; i < 10; i++) {
        rally.stop = false;
        struct timer *t = calls(US(300), ends_the_rally, NULL);
        wg_add(&wg, 1);
        start(returns, NULL);
        while (!atomic_load(&rally.stop)) {
            chan_send(rally.ping, NULL);
            chan_recv(rally.pong, NULL);
        }
        chan_close(rally.ping);
        wg_wait(&wg);
        chan_free(rally.ping);
        rally.ping = chan_make(0, 0);
        timer_free(t);
    }
    chan_free(rally.ping);
    chan_free(rally.pong);
}

static void stops_in_time(void *arg) {
    (void)arg;
    struct timer *t = calls(SEC(100), must_not_run, NULL);
    go_sleep(US(200));
    CHECK(timer_stop(t));
    CHECK(!timer_stop(t));
    timer_free(t);
    wg_done(&wg);
}

TEST(sched, TestTimerStopStress) {
    wg_add(&wg, 100);
    for (int i = 0; i < 100; i++) {
        start(stops_in_time, NULL);
    }
    wg_wait(&wg);
}

/* ---- after ----------------------------------------------------------------------------------------------- */

TEST(sched, TestAfter) {
    ns_t before = go_now(), at;
    struct chan *c = timer_after(US(700));
    CHECK_EQ(chan_recv(c, &at), 0);
    CHECK(at >= before + US(700));
    CHECK(at <= go_now());
    chan_free(c);
    chan_free(timer_after(SEC(100))); /* nobody waits for it to fire */
}

/* What comes is the time of firing, however late it is received. On one core the timer, which is due sooner than
 * the end of this sleep, has fired when that comes. */
TEST(sched, TestAfterTimes) {
    use_cores(1);
    for (int i = 0; i < 20; i++) {
        ns_t before = go_now(), at;
        struct chan *c = timer_after(US(100));
        sleep_surely(US(150));
        ns_t asleep_till = go_now();
        go_sleep(US(200));
        CHECK_EQ(chan_recv(c, &at), 0);
        CHECK(at >= before + US(100));
        CHECK(at <= asleep_till);
        chan_free(c);
    }
}

TEST(sched, TestAfterStop) {
    fired = 0;
    struct timer *a = timer_of(MS(2)), *b = calls(MS(2), counts, NULL);
    struct timer *nobody = calls(SEC(100), must_not_run, NULL);
    CHECK(timer_stop(nobody));
    bool stopped_a = timer_stop(a), stopped_b = timer_stop(b);
    CHECK(stopped_a); /* nobody can have received it */
    go_sleep(MS(4));
    if (stopped_b) {
        CHECK_EQ(atomic_load(&fired), 0);
    }
    CHECK_EQ(chan_try_recv(timer_chan(a), NULL), -EAGAIN);
    CHECK(!timer_stop(a));
    CHECK(!timer_stop(b));
    timer_free(a);
    timer_free(b);
    timer_free(nobody);
}

static const unsigned slots[] = {5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0};
#define SLOTS (sizeof slots / sizeof slots[0])

static struct {
    ns_t base;
    _Atomic unsigned waiting;
    struct {
        ns_t low, high; /* its timer is due between them: as exactly as the clock is read around the making */
    } came[SLOTS];
    unsigned n; /* one core: nobody else writes at the same time */
} queue;

ONE_CORE static void receives_its_slot(void *arg) {
    ns_t due = queue.base + US(20) * slots[(uintptr_t)arg];
    ns_t before = go_now(), at;
    struct chan *c = timer_after(due - before);
    ns_t high = due + go_now() - before;
    atomic_fetch_add(&queue.waiting, 1);
    CHECK_EQ(chan_recv(c, &at), 0);
    CHECK(at >= due);
    queue.came[queue.n].low = due;
    queue.came[queue.n++].high = high;
    chan_free(c);
    wg_done(&wg);
}

/* In the order of their times, however they were made. All of them have fired when this G lets the core go: what a
 * handler leaves to the next one would displace the first. One whose slice ends before it has told its turn tells it
 * late, as in sleepers_wake_in_order. */
TEST(sched, TestAfterQueuing) {
    needs_order();
    use_cores(1);
    go_set_slice(SEC(1));
    bool in_time = false;
    uint64_t preempted = 0;
    for (ns_t lead = MS(2); !in_time; lead *= 2) {
        queue.n = 0;
        queue.waiting = 0;
        queue.base = go_now() + lead;
        wg_add(&wg, SLOTS);
        for (uintptr_t i = 0; i < SLOTS; i++) {
            start(receives_its_slot, (void *)i);
        }
        WAIT_FOR(atomic_load(&queue.waiting) == SLOTS);
        go_yield();
        go_preempt_off();
        in_time = go_now() < queue.base;
        SPIN_UNTIL(core_counters(0).timers == 0);
        preempted = core_counters(0).preempted;
        go_preempt_on(); /* and this G leaves for them, which may count as one */
        wg_wait(&wg);
    }
    for (unsigned i = 1; i < SLOTS && core_counters(0).preempted <= preempted + 1; i++) {
        CHECK(queue.came[i - 1].low <= queue.came[i].high);
    }
}

/* ---- sleeping ---------------------------------------------------------------------------------------------- */

static void sleeps_for_nothing(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < 100; i++) {
        go_sleep(0);
        go_sleep(1);
        go_yield();
    }
    wg_done(&wg);
}

TEST(sched, TestSleepZeroDeadlock) {
    wg_add(&wg, 2 * (int)go_num_cores());
    for (unsigned i = 0; i < 2 * go_num_cores(); i++) {
        start(sleeps_for_nothing, NULL);
    }
    for (unsigned i = 0; i < 100; i++) {
        go_sleep(0);
    }
    wg_wait(&wg);
}

static void sleeps_for_ever(void *arg) {
    CHECK_EQ(go_sleep_unless(INT64_MAX, arg), -ECANCELED);
    CHECK_EQ(go_sleep_unless(INT64_MAX - 1, arg), -ECANCELED);
    wg_done(&wg);
}

/* Now and a duration may pass the end of time: that is for ever, and not a time long gone. */
TEST(sched, TestOverflowSleep) {
    struct ctx *ctx = ctx_make(ctx_background());
    struct chan *never = timer_after(INT64_MAX), *hardly = timer_after(INT64_MAX - 1);
    struct chan *soon = timer_after(US(500)), *now = timer_after(INT64_MIN);
    wg_add(&wg, 1);
    start(sleeps_for_ever, ctx);
    CHECK_EQ(chan_recv(now, NULL), 0);
    CHECK_EQ(chan_select(SEC(100), RECV(never, NULL), RECV(hardly, NULL), RECV(soon, NULL)), 2);
    CHECK_EQ(ctx_err(ctx), 0);
    ctx_cancel(ctx);
    wg_wait(&wg);
    ctx_free(ctx);
    chan_free(never);
    chan_free(hardly);
    chan_free(soon);
    chan_free(now);
}

/* ---- reset ------------------------------------------------------------------------------------------------- */

TEST(sched, TestReset) {
    ns_t at, before;
    struct timer *t = timer_of(SEC(100));
    before = go_now();
    CHECK_EQ(timer_reset(t, US(500)), 1);
    CHECK_EQ(chan_recv(timer_chan(t), &at), 0);
    CHECK(at >= before + US(500));
    before = go_now();
    CHECK_EQ(timer_reset(t, US(300)), 0);
    CHECK_EQ(chan_recv(timer_chan(t), &at), 0);
    CHECK(at >= before + US(300));
    CHECK_EQ(timer_reset(t, SEC(100)), 0);
    CHECK_EQ(timer_reset(t, SEC(200)), 1);
    timer_free(t);
}

/* A timer whose time has come when it is made is not missed. */
TEST(sched, TestZeroTimer) {
    unsigned rounds = test_rounds(3000);
    for (unsigned i = 0; i < rounds; i++) {
        struct timer *t = timer_of(i % 2 == 0 ? 0 : -1);
        CHECK_EQ(chan_recv(timer_chan(t), NULL), 0);
        CHECK_EQ(timer_reset(t, 0), 0);
        CHECK_EQ(chan_recv(timer_chan(t), NULL), 0);
        timer_free(t);
    }
}

TEST(sched, TestTimerModifiedEarlier) {
    unsigned rounds = test_rounds(1000);
    struct timer *t = timer_of(SEC(3600));
    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned k = 0; k < 10; k++) {
            timer_stop(t);
            CHECK_EQ(timer_reset(t, -go_now()), 0);
        }
        CHECK_EQ(chan_recv_until(timer_chan(t), NULL, WITHIN(SEC(3600))), 0);
        CHECK_EQ(timer_reset(t, SEC(3600)), 0);
    }
    timer_free(t);
}

/* Many at once, set earlier and later and stopped at random: in the end all of them fire. */
TEST(sched, TestAdjustTimers) {
    enum { N = 300 };
    static struct timer *timers[N];
    uint32_t random = 4711;
    for (unsigned i = 0; i < N; i++) {
        timers[i] = timer_of(SEC(100 + test_random(&random) % 100));
    }
    for (unsigned i = 0; i < test_rounds(6000); i++) {
        struct timer *t = timers[test_random(&random) % N];
        switch (test_random(&random) % 4) {
        case 0:
            timer_stop(t);
            break;
        case 1:
            CHECK(timer_reset(t, SEC(1 + test_random(&random) % 1000)) >= 0);
            break;
        case 2:
            CHECK(timer_reset(t, test_random(&random) % US(50)) >= 0);
            break;
        default:
            chan_try_recv(timer_chan(t), NULL);
        }
    }
    for (unsigned i = 0; i < N; i++) {
        CHECK(timer_reset(timers[i], US(i % 7)) >= 0);
    }
    for (unsigned i = 0; i < N; i++) {
        CHECK_EQ(chan_recv(timer_chan(timers[i]), NULL), 0);
        CHECK(!timer_stop(timers[i]));
        timer_free(timers[i]);
    }
}

/* A thousand sleepers far away, and a timer nearby, which does not have to wait for any of them. */
static void sleeps_unless(void *arg) {
    CHECK_EQ(go_sleep_unless(SEC(3600), arg), -ECANCELED);
    wg_done(&wg);
}

TEST(sched, TestLongAdjustTimers) {
    enum { N = 1000 };
    struct ctx *ctx = ctx_make(ctx_background());
    wg_add(&wg, N);
    for (int i = 0; i < N; i++) {
        start(sleeps_unless, ctx);
    }
    struct timer *t = timer_of(US(100));
    CHECK_EQ(chan_recv(timer_chan(t), NULL), 0);
    timer_free(t);
    ctx_cancel(ctx);
    wg_wait(&wg);
    ctx_free(ctx);
}
