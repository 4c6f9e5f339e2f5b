/*
 * tests/model/timer_model.c - timers: who fires, stops, sets anew and frees them, on the whole scheduler.
 * sources: sched/timer.c sched/chan.c sched/sema.c
 * machine: port
 *
 * One core's handler has taken a timer out of its heap and is about to fire it, while a G on another core does something
 * else with it. Nothing that was sent for an old setting is received after that; each setting that nobody takes back is
 * received, or calls its function, once; and who takes one back is told whether it was in time.
 */
#include <string.h>

#include "hal/errno.h"
#include "sched/alarm.h"
#include "sched/chan.h"
#include "sched/pages.h"
#include "sched/timer.h"
#include "tests/model/port.h"

static struct timer *timer;
static struct ticker *ticker;
static struct chan *chan;
static _Atomic unsigned received, in_time, called, called_too;
static struct timer *other;

/* ---- what timer.c could call ------------------------------------------------------------------------ */

static char page[HAL_PAGE] __attribute__((aligned(HAL_PAGE)));

void *page_alloc_zeros(void) {
    memset(page, 0, sizeof page);
    return page; /* asked for once in a run: it has room for all */
}

int go_system(const char *name, go_fn *fn) {
    (void)name;
    port_system_g(0, fn, NULL);
    return 0;
}

int go(go_fn *fn, void *arg) {
    fn(arg); /* a G that runs at once */
    return 0;
}

/* ---- what Gs do ------------------------------------------------------------------------------------- */

static void receives_not_before(ns_t when) {
    ns_t v = 0;
    chan_recv(chan, &v);
    MODEL_CHECK(v >= when);
}

static void sets_anew(void *arg) {
    (void)arg;
    ns_t now = port_clock();
    MODEL_CHECK(timer_reset(timer, MS(5)) == 1);
    receives_not_before(now + MS(5));
}

static void sets_anew_only(void *arg) {
    (void)arg;
    MODEL_CHECK(timer_reset(timer, MS(5)) == 1);
}

static void makes_another(void *arg) {
    (void)arg;
    ns_t now = port_clock();
    struct timer *old = timer;
    timer_free(timer);
    timer = timer_make(MS(5));
    MODEL_CHECK(timer == old);
    chan = timer_chan(timer);
    receives_not_before(now + MS(5));
}

static void stops(void *arg) {
    (void)arg;
    in_time += timer_stop(timer);
}

static void sets_anew_or_not(void *arg) {
    (void)arg;
    in_time += timer_reset(timer, MS(5)) == 1;
}

static void receives(void *arg) {
    (void)arg;
    ns_t v = 0;
    received += chan_recv_until(chan, &v, AT(MS(3))) == 0;
}

static void stops_ticker(void *arg) {
    (void)arg;
    receives_not_before(MS(1));
    ticker_stop(ticker);
    MODEL_CHECK(chan_try_recv(chan, NULL) == -EAGAIN);
}

static void calls(void *arg) {
    (void)arg;
    called++;
}

static void calls_too(void *arg) {
    (void)arg;
    called_too++;
}

static void makes_another_function(void *arg) {
    (void)arg;
    timer_free(timer);
    timer = timer_after_func(MS(5), calls_too, NULL);
}

/* ---- scenarios -------------------------------------------------------------------------------------- */

static void computes(void *arg) {
    (void)arg;
    port_compute(1);
}

/* Core 0 does something, during which its timer may come. */
static void begin(void) {
    received = in_time = called = called_too = 0;
    other = NULL;
    port_begin(2);
    port_early_timers(1);
    port_pinned_g(0, computes, NULL);
    model_watch(&cores[0].alarms.lock);
}

static void watch_timer(void) {
    struct alarm *a = (struct alarm *)(void *)timer; /* its first member */
    model_watch(&a->seq);
    model_watch_as(a + 1, "lock of the timer");
}

static void begin_timer(void) {
    begin();
    timer = timer_make(MS(1));
    chan = timer_chan(timer);
    watch_timer();
    model_watch(&chan->lock);
}

static void begin_function(void) {
    begin();
    timer = timer_after_func(MS(1), calls, NULL);
    watch_timer();
}

static void set_anew(void) {
    begin_timer();
    port_pinned_g(1, sets_anew, NULL);
}

static void set_anew_here(void) {
    begin_timer();
    port_pinned_g(0, sets_anew, NULL);
}

static void set_by_two(void) {
    begin_timer();
    port_pinned_g(0, sets_anew_only, NULL);
    port_pinned_g(1, sets_anew_only, NULL);
}

static void made_anew(void) {
    begin_timer();
    model_watch(&chan->open);
    port_pinned_g(1, makes_another, NULL);
}

static void stopped(void) {
    begin_timer();
    port_pinned_g(1, stops, NULL);
}

static void stopped_by_two(void) {
    begin_timer();
    port_pinned_g(0, stops, NULL);
    port_pinned_g(1, stops, NULL);
}

static void stopped_and_set_anew(void) {
    begin_timer();
    port_pinned_g(0, stops, NULL);
    port_pinned_g(1, sets_anew_or_not, NULL);
}

/* It goes from one core's heap to the other's, and another one comes to its place. */
static void moved_amid(void) {
    stopped_and_set_anew();
    other = timer_after_func(MS(2), calls_too, NULL);
}

static void stopped_and_received(void) {
    begin_timer();
    port_pinned_g(0, receives, NULL);
    port_pinned_g(1, stops, NULL);
}

static void ticks(void) {
    begin();
    ticker = ticker_make(MS(1));
    chan = ticker_chan(ticker);
    model_watch(&chan->lock);
    port_pinned_g(1, stops_ticker, NULL);
}

static void function(void) {
    begin_function();
}

static void function_stopped(void) {
    begin_function();
    port_pinned_g(1, stops, NULL);
}

static void function_made_anew(void) {
    begin_function();
    port_pinned_g(1, makes_another_function, NULL);
}

/* A timer's channel looks empty from outside. */
static size_t sent(void) {
    chan->timer = NULL;
    return chan_len(chan);
}

static void check_empty(void) {
    port_check_rest();
    MODEL_CHECK(sent() == 0);
}

static void check_one_left(void) {
    port_check_rest();
    MODEL_CHECK(sent() == 1);
}

static void check_one_of_both(void) {
    check_empty();
    MODEL_CHECK(received + in_time == 1);
}

static void check_in_time(void) {
    check_empty();
    MODEL_CHECK(in_time == 1); /* nobody has received it */
}

/* Of both settings each was taken back, or has been sent. */
static void check_both_settings(void) {
    port_check_rest();
    MODEL_CHECK(in_time + sent() == 2);
    MODEL_CHECK(called_too == (other != NULL));
}

static void check_called(void) {
    port_check_rest();
    MODEL_CHECK(called == 1);
}

static void check_called_or_stopped(void) {
    port_check_rest();
    MODEL_CHECK(called + in_time == 1);
}

static void check_called_too(void) {
    port_check_rest();
    MODEL_CHECK(called <= 1 && called_too == 1);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"set anew", set_anew, check_empty, 3, 1},
        {"set anew on its core", set_anew_here, check_empty, 3, 0},
        {"set anew by two", set_by_two, check_one_left, 3, 0},
        {"freed and made again", made_anew, check_empty, 3, 0},
        {"stopped", stopped, check_in_time, 3, 1},
        {"stopped by two", stopped_by_two, check_in_time, 3, 0},
        {"stopped and set anew", stopped_and_set_anew, check_both_settings, 3, 0},
        {"set anew amid a stop", moved_amid, check_both_settings, 3, 0},
        {"stopped and received", stopped_and_received, check_one_of_both, 3, 0},
        {"a ticker stopped", ticks, check_empty, 3, 0},
        {"a function", function, check_called, 3, 0},
        {"a function stopped", function_stopped, check_called_or_stopped, 3, 0},
        {"a function freed, another made", function_made_anew, check_called_too, 3, 0},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
