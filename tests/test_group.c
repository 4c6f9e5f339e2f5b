/* tests/test_group.c - groups (Go: errgroup) and nurseries. */
#include <errno.h>

#include "tests/test.h"

static _Atomic int ran, active, most;

static int returns_it(struct group *g, void *arg) {
    (void)g;
    atomic_fetch_add(&ran, 1);
    return (int)(intptr_t)arg;
}

/* Go: the first error is what comes out. */
TEST(sched, TestZeroGroup) {
    static const int cases[][3] = {{0}, {0, 0}, {-1}, {0, -2}, {-2, 0}, {0, 0, -7}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct group g = {0};
        int first = 0;
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(group_go(&g, returns_it, (void *)(intptr_t)cases[c][i]), 0);
            first = first != 0 ? first : cases[c][i];
            CHECK_EQ(group_wait(&g), first);
        }
    }
}

static int waits_for_cancel(struct group *g, void *arg) {
    struct sema never = {0};
    int r = sema_wait_until(&never, UNLESS(group_ctx(g)));
    atomic_fetch_add(&ran, 1);
    return arg != NULL ? (int)(intptr_t)arg : r;
}

/* Go: the first error cancels the context, and so does the end. */
TEST(sched, TestWithContext) {
    struct group g;
    CHECK_EQ(group_init(&g, ctx_background()), 0);
    ran = 0;
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(group_go(&g, waits_for_cancel, (void *)-9), 0);
    }
    CHECK_EQ(group_wait_until(&g, NULL, WITHIN(US(100))), -ETIMEDOUT);
    CHECK_EQ(ctx_err(group_ctx(&g)), 0); /* nobody is canceled by that */
    CHECK_EQ(group_go(&g, returns_it, (void *)-5), 0);
    int error = 0;
    CHECK_EQ(group_wait_until(&g, &error, AT(FOREVER)), 0);
    CHECK_EQ(error, -5);
    CHECK_EQ(group_wait(&g), -5);
    CHECK_EQ(ctx_err(group_ctx(&g)), -ECANCELED);
    CHECK_EQ(ctx_cause(group_ctx(&g)), -5);
    CHECK_EQ(ran, 6);
    group_free(&g);
    CHECK_EQ(group_init(&g, ctx_background()), 0);
    CHECK_EQ(group_go(&g, returns_it, NULL), 0);
    CHECK_EQ(group_wait(&g), 0);
    CHECK_EQ(ctx_err(group_ctx(&g)), -ECANCELED);
    group_free(&g);
}

static int waits_for_post(struct group *g, void *arg) {
    (void)g;
    sema_wait(arg);
    return 0;
}

/* Go: TryGo does not wait for a slot. */
TEST(sched, TestTryGo) {
    struct group g = {0};
    struct sema s = {0};
    CHECK_EQ(group_try_go(&g, waits_for_post, &s), 0); /* no limit yet */
    sema_post(&s);
    CHECK_EQ(group_wait(&g), 0);
    group_limit(&g, 2);
    CHECK_EQ(group_try_go(&g, waits_for_post, &s), 0);
    CHECK_EQ(group_try_go(&g, waits_for_post, &s), 0);
    CHECK_EQ(group_try_go(&g, waits_for_post, &s), -EAGAIN);
    CHECK_EQ(group_go_until(&g, waits_for_post, &s, WITHIN(US(50))), -ETIMEDOUT);
    sema_post(&s);
    CHECK_EQ(group_go(&g, waits_for_post, &s), 0);
    CHECK_EQ(group_try_go(&g, waits_for_post, &s), -EAGAIN);
    sema_post_n(&s, 2);
    CHECK_EQ(group_wait(&g), 0);
    group_limit(&g, 0);
    CHECK_EQ(group_try_go(&g, waits_for_post, &s), -EAGAIN);
    group_limit(&g, -1);
    CHECK_EQ(group_try_go(&g, returns_it, NULL), 0);
    CHECK_EQ(group_wait(&g), 0);
}

static int counts_active(struct group *g, void *arg) {
    (void)g;
    (void)arg;
    int n = atomic_fetch_add(&active, 1) + 1;
    int m = atomic_load(&most);
    while (m < n && !atomic_compare_exchange_weak(&most, &m, n)) {
    }
    go_sleep(US(1));
    atomic_fetch_sub(&active, 1);
    if (n % 2 == 0) {
        go_exit(); /* gives its slot back, too */
    }
    return 0;
}

/* Go: never more than the limit at one time. */
TEST(sched, TestGoLimit) {
    struct group g = {0};
    group_limit(&g, 5);
    active = most = 0;
    for (unsigned i = 0; i < test_rounds(400); i++) {
        CHECK_EQ(group_go(&g, counts_active, NULL), 0);
    }
    CHECK_EQ(group_wait(&g), 0);
    CHECK(most <= 5);
    CHECK_EQ(active, 0);
    group_limit(&g, 1); /* allowed again */
}

static int starts_more(struct group *g, void *arg) {
    uintptr_t depth = (uintptr_t)arg;
    atomic_fetch_add(&ran, 1);
    for (int i = 0; depth > 0 && i < 3; i++) {
        CHECK_EQ(group_go(g, starts_more, (void *)(depth - 1)), 0);
    }
    return 0;
}

TEST(sched, group_grows_from_inside) {
    struct group g = {0};
    ran = 0;
    CHECK_EQ(group_go(&g, starts_more, (void *)4), 0);
    CHECK_EQ(group_wait(&g), 0);
    CHECK_EQ(ran, 1 + 3 + 9 + 27 + 81);
}

/* The group is gone as soon as it has been waited for. */
static void groups_on_its_stack(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < test_rounds(200); i++) {
        struct group g;
        CHECK_EQ(group_init(&g, ctx_background()), 0);
        group_limit(&g, 2);
        for (int k = 0; k < 4; k++) {
            CHECK_EQ(group_go(&g, returns_it, (void *)(intptr_t)(k == 2 ? -3 : 0)), 0);
        }
        CHECK_EQ(group_wait(&g), -3);
        group_free(&g);
        volatile unsigned char *p = (volatile unsigned char *)&g;
        for (size_t k = 0; k < sizeof g; k++) {
            p[k] = 0x5a;
        }
        for (size_t k = 0; k < sizeof g; k++) {
            CHECK_EQ(p[k], 0x5a);
        }
    }
}

TEST(stress, group_on_the_stack) {
    struct wg wg = {0};
    for (unsigned i = 0; i < 2 * go_num_cores(); i++) {
        CHECK_EQ(wg_go(&wg, groups_on_its_stack, NULL), 0);
    }
    wg_wait(&wg);
}

TEST(death, group_limit_while_active) {
    static struct group g;
    static struct sema s;
    expect_status(2);
    expect_text("panic: errgroup: modify limit while 2 goroutines in the group are still active");
    group_limit(&g, 3);
    group_go(&g, waits_for_post, &s);
    group_go(&g, waits_for_post, &s);
    group_limit(&g, 4);
}

TEST(death, group_go_of_nil) {
    static struct group g;
    expect_status(2);
    expect_text("fatal error: go of nil func value");
    group_go(&g, NULL, NULL);
}

/* ---- nurseries ------------------------------------------------------------------------------------ */

static int starts_three(struct group *g, void *arg) {
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(group_go(g, returns_it, i == 1 ? arg : NULL), 0);
    }
    return 0;
}

TEST(sched, nursery_joins_all) {
    unsigned before = go_count();
    ran = 0;
    CHECK_EQ(nursery_run(ctx_background(), starts_three, NULL), 0);
    CHECK_EQ(ran, 3);
    CHECK_EQ(nursery_run(ctx_background(), starts_three, (void *)-4), -4);
    CHECK_EQ(nursery_run(ctx_background(), starts_more, (void *)3), 0);
    CHECK_EQ(ran, 6 + 1 + 3 + 9 + 27);
    WAIT_FOR(go_count() == before);
}

static int fails_itself(struct group *g, void *arg) {
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(group_go(g, waits_for_cancel, NULL), 0);
    }
    return (int)(intptr_t)arg;
}

static int fails_in_a_child(struct group *g, void *arg) {
    CHECK_EQ(fails_itself(g, NULL), 0);
    return group_go(g, returns_it, arg);
}

static int nests(struct group *g, void *arg) {
    CHECK_EQ(group_go(g, waits_for_cancel, NULL), 0);
    return nursery_run(group_ctx(g), fails_in_a_child, arg);
}

static int nests_in_a_child(struct group *g, void *arg) {
    CHECK_EQ(group_go(g, waits_for_cancel, NULL), 0);
    return group_go(g, nests, arg);
}

TEST(sched, nursery_first_error_cancels) {
    ran = 0;
    CHECK_EQ(nursery_run(ctx_background(), fails_itself, (void *)-6), -6);
    CHECK_EQ(ran, 4);
    CHECK_EQ(nursery_run(ctx_background(), fails_in_a_child, (void *)-7), -7);
    CHECK_EQ(ran, 9);
    ran = 0;
    CHECK_EQ(nursery_run(ctx_background(), nests_in_a_child, (void *)-8), -8);
    CHECK_EQ(ran, 7);
}

static int canceled_from_outside(struct group *g, void *arg) {
    CHECK_EQ(fails_itself(g, NULL), 0);
    ctx_cancel(arg);
    return 0;
}

TEST(sched, nursery_below_a_context) {
    struct ctx *ctx = ctx_make(ctx_background());
    ran = 0;
    CHECK_EQ(nursery_run(ctx, canceled_from_outside, ctx), -ECANCELED); /* its children's error */
    CHECK_EQ(ran, 4);
    ctx_free(ctx);
}

static int leaves_by_exit(struct group *g, void *arg) {
    CHECK_EQ(fails_itself(g, arg), 0);
    go_exit();
}

static int leaves_by_panic(struct group *g, void *arg) {
    CHECK_EQ(fails_itself(g, arg), 0);
    PANIC("left");
}

static void checks_all_gone(void *arg) {
    CHECK_EQ(ran, 8);
    sema_post(arg);
}

static void opens_and_exits(void *arg) {
    DEFER(checks_all_gone, arg); /* runs behind the nursery's */
    nursery_run(ctx_background(), leaves_by_exit, NULL);
}

static int nests_and_exits(struct group *g, void *arg) {
    CHECK_EQ(fails_itself(g, arg), 0);
    return nursery_run(group_ctx(g), leaves_by_exit, arg);
}

static void opens_two_and_exits(void *arg) {
    DEFER(checks_all_gone, arg);
    nursery_run(ctx_background(), nests_and_exits, NULL);
}

static void opens_and_panics(void *arg) {
    (void)arg;
    nursery_run(ctx_background(), leaves_by_panic, NULL);
}

/* Its Gs have ended before the way out goes on. */
TEST(sched, nursery_left_early) {
    unsigned before = go_count();
    struct sema s = {0};
    struct caught c;
    ran = 4;
    start(opens_and_exits, &s);
    sema_wait(&s);
    ran = 0;
    start(opens_two_and_exits, &s);
    sema_wait(&s);
    ran = 4;
    CHECK(!go_try(opens_and_panics, NULL, &c));
    CHECK_EQ(ran, 8);
    WAIT_FOR(go_count() == before);
}

static void panics_uncaught_in_nursery(void *arg) {
    (void)arg;
    nursery_run(ctx_background(), leaves_by_panic, NULL);
}

TEST(death, nursery_panics) {
    expect_status(2);
    expect_text("panic: left");
    expect_text("leaves_by_panic");
    panics_uncaught_in_nursery(NULL);
}
