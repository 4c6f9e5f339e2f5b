/* tests/test_timer.c - timers and tickers. */
#include <errno.h>

#include "tests/test.h"

TEST(sched, timer_fires_once) {
    ns_t before = go_now(), at = 0;
    struct timer *t = timer_make(MS(1));
    CHECK_EQ(chan_recv(timer_chan(t), &at), 0);
    CHECK(at >= before + MS(1));
    CHECK(!timer_stop(t));
    CHECK_EQ(timer_reset(t, US(10)), 0);
    CHECK_EQ(chan_recv(timer_chan(t), &at), 0);
    CHECK_EQ(timer_reset(t, US(10)), 0);
    go_sleep(MS(1));
    CHECK(timer_stop(t)); /* fired, but nobody had received it */
    CHECK_EQ(chan_try_recv(timer_chan(t), &at), -EAGAIN);
    timer_free(t);
}

TEST(sched, ticker_ticks) {
    struct ticker *t = ticker_make(US(500));
    ns_t first, at;
    CHECK_EQ(chan_recv(ticker_chan(t), &first), 0);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(chan_recv(ticker_chan(t), &at), 0);
    }
    CHECK(at - first >= US(500) * 19);
    ticker_stop(t);
    CHECK_EQ(chan_try_recv(ticker_chan(t), &at), -EAGAIN);
    ticker_free(t);
}

static void posts(void *arg) {
    sema_post(arg);
}

TEST(sched, after_func_starts_a_g) {
    struct sema done = {0};
    struct timer *t = timer_after_func(US(100), posts, &done);
    sema_wait(&done);
    CHECK_EQ(timer_reset(t, US(100)), 0);
    sema_wait(&done);
    CHECK_EQ(timer_reset(t, SEC(1000)), 0);
    CHECK(timer_stop(t));
    timer_free(t);
    struct chan *c = timer_after(US(100));
    ns_t at;
    CHECK_EQ(chan_recv(c, &at), 0);
    chan_free(c);
}
