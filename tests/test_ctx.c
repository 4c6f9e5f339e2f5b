/* tests/test_ctx.c - contexts. */
#include <errno.h>

#include "tests/test.h"

TEST(sched, ctx_tree) {
    struct ctx *a = ctx_make(ctx_background()), *b = ctx_make(a), *c = ctx_make(b);
    struct ctx *other = ctx_make(a);
    struct chan *done = ctx_done(c);
    CHECK_EQ(ctx_err(c), 0);
    ctx_cancel_cause(b, 42);
    CHECK_EQ(ctx_err(c), -ECANCELED);
    CHECK_EQ(ctx_cause(c), 42);
    CHECK_EQ(ctx_err(a), 0);
    CHECK_EQ(ctx_err(other), 0);
    CHECK_EQ(chan_recv(done, NULL), -EPIPE);
    struct ctx *late = ctx_make(b);
    CHECK_EQ(ctx_err(late), -ECANCELED);
    ctx_free(a);
    CHECK_EQ(ctx_err(other), -ECANCELED);
    ctx_free(late);
    ctx_free(b);
    ctx_free(other);
    ctx_free(c);
}

TEST(sched, ctx_deadline_passes) {
    struct ctx *a = ctx_with_timeout(ctx_background(), US(200)), *b = ctx_make(a);
    struct sema s = {0};
    CHECK_EQ(sema_wait_until(&s, UNLESS(b)), -ETIMEDOUT);
    CHECK(go_now() >= ctx_deadline(b));
    CHECK_EQ(ctx_err(b), -ETIMEDOUT);
    ctx_free(b);
    ctx_free(a);
    struct ctx *past = ctx_with_deadline(ctx_background(), go_now() - 1);
    CHECK_EQ(ctx_err(past), -ETIMEDOUT);
    ctx_free(past);
    struct ctx *never = ctx_with_timeout(ctx_background(), SEC(10000));
    CHECK_EQ(go_sleep_unless(US(100), never), 0);
    ctx_free(never);
}

static void posts(void *arg) {
    sema_post(arg);
}

TEST(sched, ctx_hooks) {
    struct ctx *a = ctx_make(ctx_background());
    struct sema s = {0};
    struct ctx_hook *stopped = ctx_after_func(a, posts, &s), *runs = ctx_after_func(a, posts, &s);
    CHECK(ctx_hook_stop(stopped));
    ctx_cancel(a);
    sema_wait(&s);
    CHECK(!ctx_hook_stop(runs));
    struct ctx_hook *late = ctx_after_func(a, posts, &s);
    sema_wait(&s);
    CHECK(!ctx_hook_stop(late));
    CHECK_EQ(sema_try(&s, 1), -EAGAIN);
    ctx_free(a);
}

/* Each set of four hooks stopped, from either end: the others run. */
TEST(sched, ctx_hooks_stopped_in_any_order) {
    for (unsigned i = 0; i < 32; i++) {
        struct ctx *a = ctx_make(ctx_background());
        struct sema s[4] = {{0}};
        struct ctx_hook *h[4];
        for (unsigned k = 0; k < 4; k++) {
            h[k] = ctx_after_func(a, posts, &s[k]);
        }
        for (unsigned n = 0; n < 4; n++) {
            unsigned k = i & 16 ? 3 - n : n;
            CHECK((i & 1u << k) == 0 || ctx_hook_stop(h[k]));
        }
        ctx_cancel(a);
        for (unsigned k = 0; k < 4; k++) {
            if (i & 1u << k) {
                CHECK_EQ(sema_try(&s[k], 1), -EAGAIN);
            } else {
                sema_wait(&s[k]);
                CHECK(!ctx_hook_stop(h[k]));
            }
        }
        ctx_free(a);
    }
}
