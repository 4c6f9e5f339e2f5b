/* tests/test_sema.c - weighted semaphores: Go's tests of x/sync/semaphore, and handlers' forms. */
#include <errno.h>

#include "tests/test.h"

static struct wg wg;
static struct sema sema;

/* The test's G begins with nothing in the semaphore and leaves nothing. */
static void empty(void) {
    while (sema_try(&sema, 1) == 0) {
    }
}

TEST(sched, TestWeightedTryAcquire) {
    sema_post_n(&sema, 2);
    CHECK_EQ(sema_try(&sema, 1), 0);
    CHECK_EQ(sema_try(&sema, 1), 0);
    CHECK_EQ(sema_try(&sema, 1), -EAGAIN);
    sema_post_n(&sema, 2);
    CHECK_EQ(sema_try(&sema, 3), -EAGAIN);
    CHECK_EQ(sema_try(&sema, 2), 0);
}

static struct {
    unsigned size, rounds;
    _Atomic unsigned held, most;
} hammer;

static void hammers(void *arg) {
    uint32_t n = (uint32_t)(uintptr_t)arg;
    for (unsigned i = 0; i < hammer.rounds; i++) {
        sema_wait_n(&sema, n);
        unsigned held = atomic_fetch_add(&hammer.held, n) + n;
        CHECK(held <= hammer.size);
        if (i % 4 == 0) {
            go_yield();
        }
        atomic_fetch_sub(&hammer.held, n);
        sema_post_n(&sema, n);
    }
    wg_done(&wg);
}

/* Never more out than there is, whatever they ask for. */
TEST(sched, TestWeighted) {
    hammer.size = 8;
    hammer.rounds = test_rounds(400);
    sema_post_n(&sema, hammer.size);
    wg_add(&wg, 16);
    for (uintptr_t i = 0; i < 16; i++) {
        start(hammers, (void *)(1 + i % 8));
    }
    wg_wait(&wg);
    CHECK_EQ(hammer.held, 0);
    CHECK_EQ(sema_try(&sema, 8), 0);
    CHECK_EQ(sema_try(&sema, 1), -EAGAIN);
}

static _Atomic unsigned order, large_at, small_at;

static void wants_large(void *arg) {
    (void)arg;
    sema_wait_n(&sema, 4);
    large_at = ++order;
    sema_post_n(&sema, 4);
    wg_done(&wg);
}

static void wants_small(void *arg) {
    (void)arg;
    sema_wait(&sema);
    small_at = ++order;
    sema_post(&sema);
    wg_done(&wg);
}

/* One that asks for much is not overtaken for ever by those who ask for little. */
TEST(sched, TestLargeAcquireDoesntStarve) {
    use_cores(1);
    order = 0;
    sema_post_n(&sema, 4);
    sema_wait(&sema);
    wg_add(&wg, 2);
    start(wants_large, NULL);
    settle();
    start(wants_small, NULL);
    settle();
    CHECK_EQ(order, 0); /* three are left, and yet the small one waits behind the large one */
    CHECK_EQ(sema_try(&sema, 1), -EAGAIN);
    sema_post(&sema);
    wg_wait(&wg);
    CHECK_EQ(large_at, 1);
    CHECK_EQ(small_at, 2);
    empty();
}

/* Whoever gives up lets those behind it go. */
TEST(sched, TestAllocCancelDoesntStarve) {
    use_cores(1);
    order = 0;
    sema_post_n(&sema, 2);
    sema_wait(&sema);
    wg_add(&wg, 1);
    struct ctx *ctx = ctx_with_timeout(ctx_background(), MS(1));
    start(wants_small, NULL);
    CHECK_EQ(sema_wait_n_until(&sema, 5, UNLESS(ctx)), -ETIMEDOUT);
    wg_wait(&wg);
    CHECK_EQ(small_at, 1);
    ctx_free(ctx);
    empty();
}

/* More than there will ever be: waits for its limit, and does no harm. */
TEST(sched, TestWeightedDoesntBlockIfTooBig) {
    sema_post_n(&sema, 2);
    CHECK_EQ(sema_wait_n_until(&sema, 3, WITHIN(US(100))), -ETIMEDOUT);
    CHECK_EQ(sema_wait_n_until(&sema, 2, WITHIN(FOREVER)), 0);
}

static void wants_ten(void *arg) {
    (void)arg;
    sema_wait_n(&sema, 10);
    wg_done(&wg);
}

static void posts(void *arg) {
    sema_post_n(&sema, (uint32_t)(uintptr_t)arg);
}

/* It counts up to the same while somebody waits. */
TEST(sched, sema_nearly_full_while_one_waits) {
    sema_post_n(&sema, 5);
    wg_add(&wg, 1);
    start(wants_ten, NULL);
    settle();
    CHECK(!go_try(posts, (void *)(uintptr_t)(INT32_MAX - 4), NULL));
    sema_post_n(&sema, INT32_MAX - 5);
    wg_wait(&wg);
    CHECK_EQ(sema_try(&sema, INT32_MAX - 10), 0);
    CHECK_EQ(sema_try(&sema, 1), -EAGAIN);
}

TEST(sched, TestWeightedAcquireCanceled) {
    struct ctx *ctx = ctx_make(ctx_background());
    ctx_cancel(ctx);
    CHECK_EQ(sema_wait_until(&sema, UNLESS(ctx)), -ECANCELED);
    sema_post(&sema);
    CHECK_EQ(sema_wait_until(&sema, UNLESS(ctx)), 0); /* what is there is had */
    ctx_free(ctx);
}
