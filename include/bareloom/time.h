/* <bareloom/time.h> - the clock and sleeping. */
#pragma once

#include <bareloom/base.h>

/* Nanoseconds since power-on, the same on every core, never going back. Any context. */
ns_t go_now(void);

/* Blocks for at least d; returns at once when d <= 0. From a G. Go: time.Sleep. */
void go_sleep(ns_t d);

/* Blocks until go_now() >= when, so that a loop does not drift. From a G. */
void go_sleep_until(ns_t when);
