/*
 * <bareloom/time.h> - the clock, sleeping, timers and tickers.
 *
 * All times are nanoseconds since power-on. A timer fires once, a ticker again and again; each has a
 * channel that gets the time (ns_t) at which it fired, or a function that is called in a G of its
 * own. Stopping or resetting one also takes a value away that nobody has received yet, so that
 * nothing stale ever comes (Go 1.23's rule); its channel looks unbuffered.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/go.h>
#include <bareloom/limit.h>

struct chan;

/* Nanoseconds since power-on, the same on every core, never going back. Any context. */
ns_t go_now(void);

/* Blocks for at least d; returns at once when d <= 0. From a G. Go: time.Sleep. */
void go_sleep(ns_t d);

/* Blocks until go_now() >= when, so that a loop does not drift. From a G. */
void go_sleep_until(ns_t when);

/* The same as go_sleep(), but ends early when ctx is done: 0 after d, else ctx_err(); -ENOMEM as in
 * <bareloom/limit.h>. From a G. */
int go_sleep_unless(ns_t d, struct ctx *ctx);

/* ---- timers --------------------------------------------------------------------------------- */
struct timer;

/* Fires once, d from now (at once if d <= 0): its channel gets the time. NULL when memory is short.
 * From a G; none of the calls below blocks. Go: time.NewTimer. */
struct timer *timer_make(ns_t d);

/* Fires once, d from now: a new G calls fn(arg). Go: time.AfterFunc. */
struct timer *timer_after_func(ns_t d, go_fn *fn, void *arg);

/* A channel that gets the time once, d from now; chan_free() gives all of it back. Where a limit
 * will do (WITHIN(d), chan_select(d, ...)) that is cheaper. Go: time.After. */
struct chan *timer_after(ns_t d);

/* The channel of a timer_make() timer; belongs to the timer. NULL for timer_after_func(). */
struct chan *timer_chan(struct timer *t);

/* It does not fire any more, until it is reset. True if that is its doing: it had not fired, or
 * nobody had received it. A function that has been started goes on. PANIC "time: Stop called on
 * uninitialized Timer" for NULL. From a G. Go: Timer.Stop. */
bool timer_stop(struct timer *t);

/* Sets it to d from now, whether it has fired or not: 1 if it was still to fire, as timer_stop()
 * says, else 0; -ENOMEM: it is stopped, and no page is left to remember it in. PANIC "time: Reset
 * called on uninitialized Timer" for NULL. From a G. Go: Timer.Reset. */
int timer_reset(struct timer *t, ns_t d);

/* Stops it and gives it and its channel back. PANIC when a G waits on the channel. From a G. */
void timer_free(struct timer *t);

/* ---- tickers -------------------------------------------------------------------------------- */
struct ticker;

/* Fires every period, the first time after one. Ticks that nobody has received in time are dropped,
 * the phase is kept. Periods below 10 us are served every 10 us. NULL when memory is short. PANIC
 * "non-positive interval for NewTicker". From a G. Go: time.NewTicker. */
struct ticker *ticker_make(ns_t period);
struct chan *ticker_chan(struct ticker *t);

/* Go: Ticker.Stop, Ticker.Reset; PANIC "non-positive interval for Ticker.Reset". ticker_reset(): 0
 * or -ENOMEM. */
void ticker_stop(struct ticker *t);
int ticker_reset(struct ticker *t, ns_t period);
void ticker_free(struct ticker *t);
