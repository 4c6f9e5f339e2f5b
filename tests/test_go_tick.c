/* tests/test_go_tick.c - what Go's time package tests of tickers and of timers' channels, and what it promises of them. */
#include <errno.h>

#include "sched/sched.h"
#include "tests/test.h"

static struct wg wg;

static struct ticker *ticker_of(ns_t period) {
    struct ticker *t = ticker_make(period);
    CHECK(t != NULL);
    return t;
}

/* ---- tickers -------------------------------------------------------------------------------------------- */

/* Never sooner than its period says; changed while it runs; quiet once it is stopped. */
TEST(sched, TestTicker) {
    ns_t at, before = go_now();
    struct ticker *t = ticker_of(US(400));
    for (int i = 1; i <= 20; i++) {
        CHECK_EQ(chan_recv(ticker_chan(t), &at), 0);
        CHECK(at >= before + i * US(400));
    }
    before = go_now();
    CHECK_EQ(ticker_reset(t, US(200)), 0);
    for (int i = 1; i <= 20; i++) {
        CHECK_EQ(chan_recv(ticker_chan(t), &at), 0);
        CHECK(at >= before + i * US(200));
    }
    ticker_stop(t);
    go_sleep(US(600));
    CHECK_EQ(chan_try_recv(ticker_chan(t), NULL), -EAGAIN);
    ticker_free(t);
}

/* When the first alarm of this core is due. */
static ns_t next_due(void) {
    hal_irq_t was = hal_irq_save();
    struct alarm_heap *h = &this_core()->alarms;
    spin_lock_masked(&h->lock);
    uint32_t n = h->n;
    ns_t due = n != 0 ? h->slots[0].when : 0;
    spin_unlock_masked(&h->lock);
    hal_irq_restore(was);
    CHECK(n != 0);
    return due;
}

/* HAZARDS 26: what fires late does not shift what comes after: all are due at start + k * PERIOD, where start is
 * known as exactly as the clock is read around the making. Ticks that nobody takes are dropped. */
TEST(sched, ticker_keeps_its_phase) {
    enum { PERIOD = 100, TICKS = 60 };
    struct ticker *t = NULL;
    ns_t before, after, at, last = 0;
    use_cores(1);
    do {
        ticker_free(t);
        before = go_now();
        t = ticker_of(US(PERIOD));
        after = go_now();
    } while (after - before > US(PERIOD) / 4); /* a host may stand still just here */
    for (int i = 0; i < TICKS; i++) {
        if (i % 3 == 0) {
            go_sleep(US(PERIOD) * 5 / 2); /* two are due meanwhile at least: one waits, the others are dropped */
        }
        CHECK_EQ(chan_recv(ticker_chan(t), &at), 0);
        CHECK(at > last);
        last = at;
        CHECK((next_due() - before) % US(PERIOD) <= after - before);
    }
    /* Of the two or more that came due in each sleep one was received. */
    CHECK(last - before >= TICKS / 3 * 4 * US(PERIOD));
    ticker_free(t);
}

static void takes_ticks(void *arg) {
    (void)arg;
    unsigned rounds = test_rounds(100);
    for (unsigned i = 0; i < rounds; i++) {
        struct ticker *t = ticker_of(1);
        CHECK_EQ(chan_recv(ticker_chan(t), NULL), 0);
        CHECK_EQ(chan_recv(ticker_chan(t), NULL), 0);
        ticker_stop(t);
        CHECK_EQ(chan_try_recv(ticker_chan(t), NULL), -EAGAIN);
        ticker_free(t);
    }
    wg_done(&wg);
}

static _Atomic bool stop;

static void yields(void *arg) {
    (void)arg;
    while (!atomic_load(&stop)) {
        go_yield();
    }
    wg_done(&wg);
}

TEST(sched, TestTickerStress) {
    stop = false;
    wg_add(&wg, (int)go_num_cores() + 1);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start(yields, NULL);
    }
    takes_ticks(NULL);
    stop = true;
    wg_wait(&wg);
}

TEST(sched, TestTickerConcurrentStress) {
    stop = false;
    wg_add(&wg, 11);
    start(yields, NULL);
    for (int i = 0; i < 10; i++) {
        start(takes_ticks, NULL);
    }
    go_sleep(MS(1));
    stop = true;
    wg_wait(&wg);
}

TEST(sched, TestTeardown) {
    for (unsigned i = 0; i < test_rounds(200); i++) {
        struct ticker *t = ticker_of(US(20));
        CHECK_EQ(chan_recv(ticker_chan(t), NULL), 0);
        ticker_free(t); /* as it runs */
    }
}

TEST(sched, TestAfterTick) {
    enum { COUNT = 10 };
    ns_t before = go_now(), at;
    struct ticker *t = ticker_of(US(300));
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(chan_recv(ticker_chan(t), &at), 0);
    }
    CHECK(at >= before + COUNT * US(300));
    CHECK(go_now() >= at);
    ticker_free(t);
}

/* A tick that waits in the channel has the time at which it fired. */
TEST(sched, TestTickTimes) {
    use_cores(1);
    for (int i = 0; i < 20; i++) {
        ns_t before = go_now(), at;
        struct ticker *t = ticker_of(US(100));
        sleep_surely(US(150));
        ns_t asleep_till = go_now();
        go_sleep(US(300));
        CHECK_EQ(chan_recv(ticker_chan(t), &at), 0);
        CHECK(at >= before + US(100));
        CHECK(at <= asleep_till); /* the first; those after it found it there, and were dropped */
        ticker_free(t);
    }
}

/* The end of time is far enough away: what passes it never comes, and the ticker is not spoiled. */
TEST(sched, TestOverflowPeriodRuntimeTimer) {
    struct ticker *t = ticker_of(INT64_MAX);
    CHECK_EQ(chan_recv_until(ticker_chan(t), NULL, WITHIN(US(300))), -ETIMEDOUT);
    CHECK_EQ(ticker_reset(t, INT64_MAX - 1), 0);
    CHECK_EQ(chan_recv_until(ticker_chan(t), NULL, WITHIN(US(300))), -ETIMEDOUT);
    CHECK_EQ(ticker_reset(t, US(50)), 0);
    CHECK_EQ(chan_recv(ticker_chan(t), NULL), 0);
    CHECK_EQ(ticker_reset(t, INT64_MAX / 2), 0);
    CHECK_EQ(chan_recv_until(ticker_chan(t), NULL, WITHIN(US(300))), -ETIMEDOUT);
    ticker_free(t);
}

/* ---- several at one channel --------------------------------------------------------------------------------- */

static struct {
    struct chan *chan;
    _Atomic unsigned got;
} shared;

static void shares(void *arg) {
    while (chan_recv_until(shared.chan, NULL, UNLESS(arg)) == 0) {
        atomic_fetch_add(&shared.got, 1);
    }
    wg_done(&wg);
}

TEST(sched, TestMultiWakeupTicker) {
    struct ctx *ctx = ctx_make(ctx_background());
    struct ticker *t = ticker_of(1);
    shared.chan = ticker_chan(t);
    shared.got = 0;
    wg_add(&wg, (int)go_num_cores());
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start(shares, ctx);
    }
    WAIT_FOR(atomic_load(&shared.got) >= test_rounds(200));
    ctx_cancel(ctx);
    wg_wait(&wg);
    ticker_free(t);
    ctx_free(ctx);
}

/* One firing wakes one of them. */
TEST(sched, TestMultiWakeupTimer) {
    struct ctx *ctx = ctx_make(ctx_background());
    struct timer *t = timer_make(SEC(100));
    shared.chan = timer_chan(t);
    shared.got = 0;
    wg_add(&wg, 4);
    for (int i = 0; i < 4; i++) {
        start(shares, ctx);
    }
    for (unsigned i = 1; i <= test_rounds(300); i++) {
        CHECK(timer_reset(t, 1) >= 0);
        WAIT_FOR(atomic_load(&shared.got) == i);
    }
    go_sleep(US(300));
    CHECK_EQ(atomic_load(&shared.got), test_rounds(300));
    ctx_cancel(ctx);
    wg_wait(&wg);
    timer_free(t);
    ctx_free(ctx);
}

/* ---- nothing stale (Go 1.23) -------------------------------------------------------------------------------- */

static void must_be_empty(struct chan *c) {
    CHECK_EQ(chan_len(c), 0);
    CHECK_EQ(chan_cap(c), 0);
}

/* Go: TestChan of time, whose name is that of a test of channels here. Stopped or reset, whenever that was, nothing
 * is received that was sent before. */
TEST(sched, TestTimerChan) {
    struct timer *t = timer_make(SEC(100));
    struct chan *c = timer_chan(t);
    ns_t at;
    must_be_empty(c);
    CHECK(timer_stop(t));
    CHECK(!timer_stop(t));
    for (unsigned i = 0; i < test_rounds(200); i++) {
        timer_reset(t, US(i % 8)); /* fires now, or soon, or has fired */
        if (i % 3 == 0) {
            go_sleep(US(20));
        }
        must_be_empty(c);
        CHECK(timer_stop(t)); /* for nobody has received it */
        CHECK_EQ(chan_try_recv(c, NULL), -EAGAIN);
        ns_t before = go_now();
        CHECK_EQ(timer_reset(t, US(i % 8)), 0);
        CHECK_EQ(timer_reset(t, US(30)), 1);
        CHECK_EQ(chan_recv(c, &at), 0);
        CHECK(at >= before + US(30)); /* of the second reset, not of the first */
        must_be_empty(c);
    }
    timer_free(t);
}

TEST(sched, TestTickerChan) {
    struct ticker *t = ticker_of(US(10));
    struct chan *c = ticker_chan(t);
    ns_t at;
    for (unsigned i = 0; i < test_rounds(200); i++) {
        go_sleep(US(15 + i % 8)); /* one is in the channel */
        must_be_empty(c);
        ns_t before = go_now();
        CHECK_EQ(ticker_reset(t, US(40)), 0);
        CHECK_EQ(chan_recv(c, &at), 0);
        CHECK(at >= before + US(40));
        CHECK_EQ(ticker_reset(t, US(10)), 0);
        go_sleep(US(12));
        ticker_stop(t);
        CHECK_EQ(chan_try_recv(c, NULL), -EAGAIN);
        CHECK_EQ(ticker_reset(t, US(10)), 0);
    }
    ticker_free(t);
}

/* ---- lateness ---------------------------------------------------------------------------------------------------- */

/* Told, never asserted: how late sleeps end while the other cores are busy. */
TEST(sched, lateness_is_told) {
    static const ns_t limits[] = {US(1), US(10), US(100), MS(1), MS(10), FOREVER};
    unsigned histogram[6] = {0};
    for (unsigned i = 0; i < test_rounds(100); i++) {
        ns_t when = go_now() + US(50), late_by;
        go_sleep_until(when);
        late_by = go_now() - when;
        CHECK(late_by >= 0);
        unsigned k = 0;
        while (late_by >= limits[k]) {
            k++;
        }
        histogram[k]++;
    }
    kprintf("# sleeps late by <1us %u, <10us %u, <100us %u, <1ms %u, <10ms %u, more %u\n",
            histogram[0], histogram[1], histogram[2], histogram[3], histogram[4], histogram[5]);
}
