/*
 * <bareloom/limit.h> - how long a call may block: until a point in time, until a context is done.
 *
 * Every call that blocks has a second form that takes a limit:
 *
 *      chan_recv(c, &v)                          for as long as it takes
 *      chan_recv_until(c, &v, WITHIN(MS(10)))    at most 10 ms from now
 *      chan_recv_until(c, &v, AT(next))          until go_now() >= next, so that a loop does not drift
 *      chan_recv_until(c, &v, UNLESS(ctx))       until somebody cancels ctx, or its deadline passes
 *
 * What can be had at once is had, whatever the limit says. Otherwise, beside what the plain form
 * returns: -ETIMEDOUT when the time is over; ctx_err() when the context is done: -ECANCELED, or
 * -ETIMEDOUT for its deadline; -ENOMEM when no page is left to remember the deadline in. A limit
 * that is over does nothing: nothing was sent, received, taken or locked.
 */
#pragma once

#include <bareloom/base.h>

struct ctx;

struct limit {
    ns_t when;       /* FOREVER: no deadline */
    struct ctx *ctx; /* NULL: none */
};

/* Now and d, without overflow; NOWAIT does not block at all. Any context. */
struct limit limit_within(ns_t d);

#define WITHIN(d)    limit_within(d)
#define AT(time)     ((struct limit){.when = (time)})
#define UNLESS(ctx_) ((struct limit){.when = FOREVER, .ctx = (ctx_)})
