/* tests/test_go_ctx.c - what Go's context package tests, under its names. Values and custom contexts there are none. */
#include <errno.h>

#include "tests/test.h"

static struct wg wg;

static struct ctx *child_of(struct ctx *parent) {
    struct ctx *c = ctx_make(parent);
    CHECK(c != NULL);
    return c;
}

static struct ctx *timed_child_of(struct ctx *parent, ns_t d) {
    struct ctx *c = ctx_with_timeout(parent, d);
    CHECK(c != NULL);
    return c;
}

/* All there is to see of one that is not done; and of one that is. */
static void is_open(struct ctx *c) {
    CHECK_EQ(ctx_err(c), 0);
    CHECK_EQ(ctx_cause(c), 0);
    CHECK_EQ(chan_try_recv(ctx_done(c), NULL), -EAGAIN);
}

static void is_done(struct ctx *c, int err) {
    CHECK_EQ(ctx_err(c), err);
    CHECK_EQ(chan_recv(ctx_done(c), NULL), -EPIPE);
    CHECK(ctx_cause(c) != 0);
}

/* ---- trees ------------------------------------------------------------------------------------------------ */

TEST(sched, TestBackground) {
    struct ctx *c = ctx_background();
    CHECK_EQ(ctx_err(c), 0);
    CHECK_EQ(ctx_cause(c), 0);
    CHECK(ctx_done(c) == NULL); /* which blocks for ever */
    CHECK(ctx_deadline(c) == FOREVER);
}

TEST(sched, TestWithCancel) {
    struct ctx *c = child_of(ctx_background());
    is_open(c);
    CHECK(ctx_done(c) == ctx_done(c));
    ctx_cancel(c);
    is_done(c, -ECANCELED);
    ctx_cancel(c);
    is_done(c, -ECANCELED);
    ctx_free(c);
}

TEST(sched, TestParentFinishesChild) {
    struct ctx *parent = child_of(ctx_background()), *child = child_of(parent);
    struct ctx *timed = timed_child_of(child, SEC(100)), *stranger = child_of(ctx_background());
    is_open(parent);
    is_open(child);
    is_open(timed);
    ctx_cancel(parent);
    is_done(parent, -ECANCELED);
    is_done(child, -ECANCELED);
    is_done(timed, -ECANCELED);
    is_open(stranger);
    struct ctx *late = child_of(parent), *latest = timed_child_of(late, SEC(100));
    is_done(late, -ECANCELED);
    is_done(latest, -ECANCELED);
    struct ctx *all[] = {parent, late, timed, child, latest, stranger};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        ctx_free(all[i]);
    }
}

TEST(sched, TestChildFinishesFirst) {
    struct ctx *root = child_of(ctx_background());
    struct ctx *parents[] = {ctx_background(), root};
    for (int i = 0; i < 2; i++) {
        struct ctx *child = child_of(parents[i]);
        ctx_cancel(child);
        is_done(child, -ECANCELED);
        CHECK_EQ(ctx_err(parents[i]), 0);
        ctx_free(child);
    }
    is_open(root);
    ctx_cancel(root);
    is_done(root, -ECANCELED);
    ctx_free(root);
}

TEST(sched, TestWithCancelCanceledParent) {
    struct ctx *parent = child_of(ctx_background());
    ctx_cancel_cause(parent, 1234);
    struct ctx *child = child_of(parent);
    is_done(child, -ECANCELED);
    CHECK_EQ(ctx_cause(child), 1234);
    ctx_free(parent);
    ctx_free(child);
}

/* A child that is gone leaves nothing behind with its parent: 2000 of them are more than 30 pages. A round in which a core
 * fills its stock of pages for the first time tells nothing. */
TEST(sched, TestCancelRemoves) {
    size_t all, before = 0, after = 0;
    struct ctx *parent = child_of(ctx_background());
    for (unsigned round = 0; round < 2 || (after + 10 < before && round < 2 + go_num_cores()); round++) {
        info_memory(&all, &before);
        for (unsigned i = 0; i < 2000; i++) {
            struct ctx *c = i % 2 == 0 ? child_of(parent) : timed_child_of(parent, SEC(100));
            if (i % 3 == 0) {
                ctx_cancel(c);
            }
            ctx_free(c);
        }
        info_memory(&all, &after);
    }
    CHECK(after + 10 >= before);
    is_open(parent);
    ctx_free(parent);
}

/* ---- deadlines -------------------------------------------------------------------------------------------- */

static void passes(struct ctx *c) {
    CHECK_EQ(chan_recv(ctx_done(c), NULL), -EPIPE);
    CHECK(go_now() >= ctx_deadline(c));
    is_done(c, -ETIMEDOUT);
    CHECK_EQ(ctx_cause(c), -ETIMEDOUT);
}

TEST(sched, TestDeadline) {
    struct ctx *c = ctx_with_deadline(ctx_background(), go_now() + US(300));
    passes(c);
    ctx_free(c);
    struct ctx *far = ctx_with_deadline(ctx_background(), go_now() + SEC(3600));
    struct ctx *near = ctx_with_deadline(far, go_now() + US(300)), *below = child_of(near);
    CHECK(ctx_deadline(below) == ctx_deadline(near));
    passes(below);
    is_done(near, -ETIMEDOUT);
    is_open(far);
    struct ctx *later = ctx_with_deadline(near, go_now() + SEC(3600));
    CHECK(ctx_deadline(later) == ctx_deadline(near));
    is_done(later, -ETIMEDOUT);
    struct ctx *past = ctx_with_deadline(far, go_now()), *long_past = ctx_with_deadline(far, 0);
    is_done(past, -ETIMEDOUT);
    is_done(long_past, -ETIMEDOUT);
    struct ctx *all[] = {near, below, far, later, past, long_past};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        ctx_free(all[i]);
    }
}

TEST(sched, TestTimeout) {
    ns_t before = go_now();
    struct ctx *c = timed_child_of(ctx_background(), US(300));
    CHECK(ctx_deadline(c) >= before + US(300));
    passes(c);
    ctx_free(c);
    c = timed_child_of(ctx_background(), INT64_MAX);
    CHECK(ctx_deadline(c) == FOREVER);
    struct ctx *d = timed_child_of(c, US(300)), *e = timed_child_of(d, SEC(100));
    CHECK(ctx_deadline(e) == ctx_deadline(d));
    passes(e);
    is_open(c);
    ctx_free(c);
    ctx_free(d);
    ctx_free(e);
    c = timed_child_of(ctx_background(), -1);
    is_done(c, -ETIMEDOUT);
    ctx_free(c);
}

/* Canceled first: its deadline does not change what it died of. */
TEST(sched, TestCanceledTimeout) {
    struct ctx *parent = timed_child_of(ctx_background(), SEC(100));
    struct ctx *c = timed_child_of(parent, MS(2));
    ctx_cancel(c);
    ns_t canceled = go_now();
    int err = ctx_err(c);
    if (canceled < ctx_deadline(c)) {
        CHECK_EQ(err, -ECANCELED);
    }
    go_sleep(MS(3));
    is_done(c, err);
    ctx_free(c);
    ctx_free(parent);
}

/* ---- causes ------------------------------------------------------------------------------------------------- */

TEST(sched, TestCause) {
    struct ctx *grand = child_of(ctx_background()), *parent = child_of(grand);
    struct ctx *child = child_of(parent), *timed = timed_child_of(parent, SEC(100));
    ctx_cancel_cause(child, 7);
    CHECK_EQ(ctx_cause(child), 7);
    CHECK_EQ(ctx_cause(parent), 0); /* not upwards */
    ctx_cancel_cause(child, 8);
    CHECK_EQ(ctx_cause(child), 7); /* the first counts */
    ctx_cancel_cause(parent, 9);
    CHECK_EQ(ctx_cause(parent), 9);
    CHECK_EQ(ctx_cause(timed), 9); /* downwards */
    CHECK_EQ(ctx_cause(child), 7);
    CHECK_EQ(ctx_err(timed), -ECANCELED);
    ctx_cancel(grand);
    CHECK_EQ(ctx_cause(grand), -ECANCELED); /* none was given */
    CHECK_EQ(ctx_cause(parent), 9);
    struct ctx *late = child_of(parent);
    CHECK_EQ(ctx_cause(late), 9);
    struct ctx *soon = timed_child_of(ctx_background(), US(100)), *below = child_of(soon);
    passes(below);
    ctx_cancel_cause(soon, 10);
    CHECK_EQ(ctx_cause(soon), -ETIMEDOUT);
    struct ctx *all[] = {grand, parent, child, timed, late, soon, below};
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        ctx_free(all[i]);
    }
}

static void cancels_with_7(void *arg) {
    ctx_cancel_cause(arg, 7);
    wg_done(&wg);
}

/* Who sees that it is done sees why. */
TEST(sched, TestCauseRace) {
    for (unsigned i = 0; i < test_rounds(200); i++) {
        struct ctx *c = child_of(ctx_background());
        wg_add(&wg, 1);
        start(cancels_with_7, c);
        WAIT_FOR(ctx_err(c) != 0);
        CHECK_EQ(ctx_cause(c), 7);
        wg_wait(&wg);
        ctx_free(c);
    }
}

static void waits_to_be_done(void *arg) {
    if (go_id() % 2 == 0) {
        CHECK_EQ(chan_recv(ctx_done(arg), NULL), -EPIPE);
        CHECK_EQ(ctx_err(arg), -ECANCELED);
    } else {
        WAIT_FOR(ctx_err(arg) != 0);
        CHECK_EQ(chan_recv(ctx_done(arg), NULL), -EPIPE);
    }
    wg_done(&wg);
}

/* One is never told without the other. (The error may be there a moment before the channel is closed.) */
TEST(sched, TestContextErrDoneRace) {
    for (unsigned i = 0; i < test_rounds(100); i++) {
        struct ctx *c = child_of(ctx_background());
        wg_add(&wg, 5);
        for (int k = 0; k < 4; k++) {
            start(waits_to_be_done, c);
        }
        if (i % 2 == 0) {
            go_yield();
        }
        start(cancels_with_7, c);
        wg_wait(&wg);
        ctx_free(c);
    }
}

/* ---- functions ---------------------------------------------------------------------------------------------- */

static _Atomic unsigned called;

static void is_called(void *arg) {
    atomic_fetch_add(&called, 1);
    sema_post(arg);
}

/* c is done, or will be without our doing. */
static void hook_is_called(struct ctx *c) {
    struct sema s = {0};
    called = 0;
    struct ctx_hook *h = ctx_after_func(c, is_called, &s);
    sema_wait(&s);
    CHECK(ctx_err(c) != 0);
    CHECK(!ctx_hook_stop(h));
    ctx_cancel(c);
    go_sleep(US(100));
    CHECK_EQ(atomic_load(&called), 1);
    ctx_free(c);
}

TEST(sched, TestAfterFuncCalledAfterCancel) {
    struct ctx *c = child_of(ctx_background());
    struct sema s = {0};
    called = 0;
    struct ctx_hook *h = ctx_after_func(c, is_called, &s);
    go_sleep(US(100));
    CHECK_EQ(atomic_load(&called), 0);
    ctx_cancel(c);
    sema_wait(&s);
    ctx_cancel(c);
    CHECK(!ctx_hook_stop(h));
    ctx_free(c);
    CHECK_EQ(atomic_load(&called), 1);
}

TEST(sched, TestAfterFuncCalledAfterTimeout) {
    hook_is_called(timed_child_of(ctx_background(), MS(1)));
}

TEST(sched, TestAfterFuncCalledImmediately) {
    struct ctx *c = child_of(ctx_background());
    ctx_cancel(c);
    hook_is_called(c);
}

TEST(sched, TestAfterFuncNotCalledAfterStop) {
    struct ctx *c = child_of(ctx_background()), *below = child_of(c);
    struct sema s = {0};
    called = 0;
    struct ctx_hook *hooks[5];
    for (int i = 0; i < 5; i++) {
        hooks[i] = ctx_after_func(below, is_called, &s);
    }
    CHECK(ctx_hook_stop(hooks[2])); /* from the middle, the ends, and what is left */
    CHECK(ctx_hook_stop(hooks[4]));
    CHECK(ctx_hook_stop(hooks[0]));
    ctx_cancel(c);
    sema_wait_n(&s, 2);
    CHECK(!ctx_hook_stop(hooks[1]));
    ctx_free(c);
    ctx_free(below);
    CHECK(!ctx_hook_stop(hooks[3])); /* after its context was given back */
    CHECK_EQ(atomic_load(&called), 2);
}

static void waits_in_a_hook(void *arg) {
    sema_wait(arg);
    wg_done(&wg);
}

/* A cancel does not wait for the functions that it calls. */
TEST(sched, TestAfterFuncCalledAsynchronously) {
    struct ctx *c = child_of(ctx_background());
    struct sema s = {0};
    wg_add(&wg, 1);
    struct ctx_hook *h = ctx_after_func(c, waits_in_a_hook, &s);
    ctx_cancel(c);
    sema_post(&s); /* were we to wait for it, it would wait for us */
    wg_wait(&wg);
    CHECK(!ctx_hook_stop(h));
    ctx_free(c);
}
