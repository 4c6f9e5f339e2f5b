/*
 * <bareloom/ctx.h> - cancellation: a tree of contexts, as Go's package context without its values.
 *
 *      struct ctx *ctx = ctx_with_timeout(parent, SEC(2));
 *      r = chan_recv_until(c, &v, UNLESS(ctx));      every call that blocks can take one
 *      ...
 *      ctx_free(ctx);                                always, at the end: it cancels too
 *
 * A context is done when it is canceled, when its deadline has passed, or when its parent is done;
 * once done it stays so. What happens before the cancel is visible after a call that was ended by
 * it. None of these calls blocks for longer than a cancel takes; all are from a G.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/go.h>

struct chan;
struct ctx;

/* The root of all trees: never done. Go: context.Background. */
struct ctx *ctx_background(void);

/* A child of parent; NULL when memory is short. Of a parent that is done it is done at once. Go:
 * context.WithCancel, WithDeadline, WithTimeout. */
struct ctx *ctx_make(struct ctx *parent);
struct ctx *ctx_with_deadline(struct ctx *parent, ns_t when);
struct ctx *ctx_with_timeout(struct ctx *parent, ns_t d);

/* Cancels c and all below it: when it returns all of them are done and nobody waits for them any more,
 * also when another cancel was faster, which is waited for. The first one counts.
 * cause is the program's own number, not 0; ctx_cancel()'s is -ECANCELED. Go: CancelFunc,
 * CancelCauseFunc. */
void ctx_cancel(struct ctx *c);
void ctx_cancel_cause(struct ctx *c, int cause);

/* 0, or why it is done: -ECANCELED, or -ETIMEDOUT for its own or an ancestor's deadline. Any
 * context. Go: Err. */
int ctx_err(const struct ctx *c);

/* 0; the cause of the cancel that ended it; -ETIMEDOUT. Any context. Go: Cause. */
int ctx_cause(const struct ctx *c);

/* The earliest deadline of it and its ancestors, or FOREVER. Any context. Go: Deadline. */
ns_t ctx_deadline(const struct ctx *c);

/* A channel that is closed when c is done, for a select; it belongs to c. NULL when memory is short,
 * and for ctx_background(). Go: Done. */
struct chan *ctx_done(struct ctx *c);

/* When c is done a new G calls fn(arg); at once if it is. Returns what stops that, NULL when memory is
 * short. Go: context.AfterFunc. */
struct ctx_hook;
struct ctx_hook *ctx_after_func(struct ctx *c, go_fn *fn, void *arg);

/* Takes the hook away: true, and fn is not called; false: it has been started. Each hook is to be
 * stopped once, before or after c is freed. */
bool ctx_hook_stop(struct ctx_hook *h);

/* Cancels c and gives it back. Its children may be freed before it or after. Nobody may use c
 * afterwards, and every call that has it as its limit must have returned: where others may be in
 * one, cancel, wait for them, and free then. NULL is fine. */
void ctx_free(struct ctx *c);
