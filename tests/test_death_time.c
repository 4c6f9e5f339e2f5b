/* tests/test_death_time.c - misuse of timers, tickers and contexts, and its last words, which are Go's where it has some. */
#include "tests/test.h"

TEST(death, TestZeroTimerStopPanics) {
    expect_status(2);
    expect_text("panic: time: Stop called on uninitialized Timer");
    timer_stop(NULL);
}

TEST(death, TestZeroTimerResetPanics) {
    expect_status(2);
    expect_text("panic: time: Reset called on uninitialized Timer");
    timer_reset(NULL, MS(1));
}

TEST(death, TestNewTickerLtZeroDuration) {
    expect_status(2);
    expect_text("panic: non-positive interval for NewTicker");
    ticker_make(-1);
}

TEST(death, ticker_of_nothing) {
    expect_status(2);
    expect_text("panic: non-positive interval for NewTicker");
    ticker_make(0);
}

TEST(death, TestTickerResetLtZeroDuration) {
    struct ticker *t = ticker_make(SEC(1));
    expect_status(2);
    expect_text("panic: non-positive interval for Ticker.Reset");
    ticker_reset(t, 0);
}

TEST(death, ticker_reset_of_nil) {
    expect_status(2);
    expect_text("panic: time: Reset called on uninitialized Ticker");
    ticker_reset(NULL, MS(1));
}

TEST(death, after_func_of_nil) {
    expect_status(2);
    expect_text("fatal error: go of nil func value");
    timer_after_func(MS(1), NULL, NULL);
}

TEST(death, timer_channel_closed) {
    struct timer *t = timer_make(SEC(1));
    expect_status(2);
    expect_text("panic: chan_close: the channel belongs to a timer or ticker, stop that");
    chan_close(timer_chan(t));
}

TEST(death, timer_channel_freed) {
    struct timer *t = timer_make(SEC(1));
    expect_status(2);
    expect_text("panic: chan_free: the channel belongs to a timer or ticker, free that");
    chan_free(timer_chan(t));
}

TEST(death, timer_with_preemption_off) {
    expect_status(2);
    expect_text("panic: timer_make: would block with preemption off");
    go_preempt_off();
    timer_make(SEC(1));
}

TEST(death, TestInvalidDerivedFail) {
    expect_status(2);
    expect_text("panic: cannot create context from nil parent");
    ctx_make(NULL);
}

TEST(death, timeout_of_nil_parent) {
    expect_status(2);
    expect_text("panic: cannot create context from nil parent");
    ctx_with_timeout(NULL, SEC(1));
}

TEST(death, background_canceled) {
    expect_status(2);
    expect_text("panic: ctx_cancel: the background context cannot be canceled");
    ctx_cancel(ctx_background());
}

TEST(death, cause_of_nothing) {
    expect_status(2);
    expect_text("panic: ctx_cancel_cause: a cause that is 0 says that there is none");
    ctx_cancel_cause(ctx_make(ctx_background()), 0);
}

TEST(death, hook_of_nil) {
    expect_status(2);
    expect_text("fatal error: go of nil func value");
    ctx_after_func(ctx_background(), NULL, NULL);
}
