/*
 * <bareloom/group.h> - Gs that belong together and may fail: groups, and nurseries around them.
 *
 *      static int fetch(struct group *g, void *arg) {
 *          return chan_recv_until(arg, &v, UNLESS(group_ctx(g)));
 *      }
 *      static int fetches(struct group *g, void *arg) {
 *          group_go(g, fetch, a);
 *          group_go(g, fetch, b);
 *          return 0;
 *      }
 *      r = nursery_run(ctx, fetches, NULL);         both have ended; r is the first error
 *
 * All are from a G.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/ctx.h>
#include <bareloom/limit.h>
#include <bareloom/sync.h>

/* ---- groups --------------------------------------------------------------------------------- */

/* Ready to use when zeroed: without a context and a limit. */
struct group {
    struct wg running;
    struct ctx *ctx;         /* NULL: none; set once */
    _Atomic int error;       /* the first one */
    bool limited;            /* set while none runs */
    _Atomic uint32_t active; /* of those that hold a slot */
    struct sema slots;
};

/* What a G of the group runs: 0, or the program's error. */
typedef int group_fn(struct group *g, void *arg);

/* A group with a context below parent that the first error cancels, with it as the cause, and the
 * end of group_wait(). group_free() at the end. 0, or -ENOMEM. Go: errgroup.WithContext. */
int group_init(struct group *g, struct ctx *parent);

/* Its context; ctx_background() if it has none. */
struct ctx *group_ctx(struct group *g);

/* At most n Gs of it at one time; a negative n: any number. PANIC "errgroup: modify limit while N
 * goroutines in the group are still active". Go: SetLimit. */
void group_limit(struct group *g, int n);

/* Starts a G that calls fn(g, arg); waits while the limit is reached. One that leaves fn by go_exit()
 * has no error. Gs of the group may start others. 0, or -ENOMEM: it was not started. Go: Group.Go. */
int group_go(struct group *g, group_fn *fn, void *arg);
int group_go_until(struct group *g, group_fn *fn, void *arg, struct limit l);

/* The same without waiting: -EAGAIN when the limit is reached. Go: TryGo. */
int group_try_go(struct group *g, group_fn *fn, void *arg);

/* Waits until all have ended, cancels the context, and returns the first error, or 0; what all did
 * before their end is visible. The group can be used again, but for a context, which stays done, and
 * an error, which stays. Go: Wait. */
int group_wait(struct group *g);

/* A limit ends the wait alone: nobody is canceled. *error (may be NULL) is what group_wait() returns. */
int group_wait_until(struct group *g, int *error, struct limit l);

/* After group_wait(): gives the context back. Nothing else; a group without one needs it not. */
void group_free(struct group *g);

/* ---- nurseries ------------------------------------------------------------------------------ */

/* Calls body(g, arg), in the calling G, with a group whose context lies below parent, and returns when
 * body has returned and every G of the group has ended: none of them outlives the call. The first
 * error, body's or a G's, cancels the context and is what it returns; else 0, also where parent was
 * canceled and all have ended well. A body left by go_exit() or a panic cancels the context, and all
 * have ended before the G, or the panic, goes on. Gs may start others in the group, and nurseries of
 * their own below group_ctx(g). -ENOMEM: body was not called. Go: an errgroup, with a deferred Wait. */
int nursery_run(struct ctx *parent, group_fn *body, void *arg);
