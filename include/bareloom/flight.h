/*
 * <bareloom/flight.h> - calls for the same thing at the same time are made once, and shared.
 *
 *      r = flight_do(&f, name, loads, name, &page, NULL);
 *
 * Ready to use when zeroed, not to be copied once used; all calls are over before it goes. From a G.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/limit.h>
#include <bareloom/sync.h>

struct flight {
    struct mutex m;
    struct flight_call *calls; /* those under way, on their callers' stacks; guarded by m */
};

/* What is called: 0 or an error, and a value. */
typedef int flight_fn(void *arg, void **value);

/* Calls fn(arg, value) - unless a call for the same key (a string) is under way: then waits for that
 * and returns the same, *value too. *shared says whether others got it, too. value and shared may be
 * NULL. If fn is left by a panic or go_exit() those who wait get -EPIPE. An fn that calls for its own
 * key waits for itself. Blocks. Go: singleflight.Group.Do, where they panic or exit, too. */
int flight_do(struct flight *f, const char *key, flight_fn *fn, void *arg, void **value, bool *shared);

/* The limit is for the wait for another's call, not for one's own. Go: DoChan with a select. */
int flight_do_until(struct flight *f, const char *key, flight_fn *fn, void *arg, void **value,
                    bool *shared, struct limit l);

/* Who calls for key from now on does not share the call under way. Go: Forget. */
void flight_forget(struct flight *f, const char *key);
