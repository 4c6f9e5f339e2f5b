/* tests/test_once.c - once, values computed once, barriers, and WaitGroup.Go. */
#include <errno.h>

#include "tests/test.h"

static struct wg wg;

/* ---- once ---------------------------------------------------------------------------------------- */

static struct {
    struct once once;
    unsigned count; /* not atomic on purpose */
} first;

static void counts_once(void *arg) {
    (void)arg;
    unsigned was = first.count;
    go_yield();
    first.count = was + 1;
}

static void does_once(void *arg) {
    (void)arg;
    once_do(&first.once, counts_once, NULL);
    CHECK_EQ(first.count, 1); /* not before it is over */
}

/* Go. */
TEST(sched, TestOnce) {
    for (int round = 0; round < 20; round++) {
        first.once = (struct once){0};
        first.count = 0;
        for (int i = 0; i < 10; i++) {
            CHECK_EQ(wg_go(&wg, does_once, NULL), 0);
        }
        wg_wait(&wg);
        CHECK_EQ(first.count, 1);
    }
}

static void panics_once(void *arg) {
    *(unsigned *)arg += 1;
    PANIC("failed");
}

static void panics_in_once(void *arg) {
    once_do(&first.once, panics_once, arg);
}

/* Go: a panic counts as done. */
TEST(sched, TestOncePanic) {
    unsigned calls = 0;
    struct caught c;
    first.once = (struct once){0};
    CHECK(!go_try(panics_in_once, &calls, &c));
    CHECK(c.text[0] == 'f');
    CHECK(go_try(panics_in_once, &calls, &c));
    CHECK_EQ(calls, 1);
}

static void exits_once(void *arg) {
    *(unsigned *)arg += 1;
    go_exit();
}

static void exits_in_once(void *arg) {
    once_do(&first.once, exits_once, arg);
    FAIL("go_exit() has returned");
}

TEST(sched, once_left_by_go_exit) {
    unsigned calls = 0;
    first.once = (struct once){0};
    CHECK_EQ(wg_go(&wg, exits_in_once, &calls), 0);
    wg_wait(&wg);
    once_do(&first.once, exits_once, &calls);
    CHECK_EQ(calls, 1);
}

static void waits_in_once(void *arg) {
    sema_wait(arg);
}

static void does_waiting(void *arg) {
    once_do(&first.once, waits_in_once, arg);
}

TEST(sched, once_do_until) {
    struct sema s = {0};
    unsigned calls = 0;
    first.once = (struct once){0};
    CHECK_EQ(wg_go(&wg, does_waiting, &s), 0);
    settle();
    CHECK_EQ(once_do_until(&first.once, exits_once, &calls, WITHIN(US(50))), -ETIMEDOUT);
    CHECK_EQ(once_do_until(&first.once, exits_once, &calls, WITHIN(NOWAIT)), -ETIMEDOUT);
    sema_post(&s);
    CHECK_EQ(once_do_until(&first.once, exits_once, &calls, AT(FOREVER)), 0);
    CHECK_EQ(once_do_until(&first.once, exits_once, &calls, WITHIN(NOWAIT)), 0);
    CHECK_EQ(calls, 0);
    wg_wait(&wg);
    struct once mine = {0};
    CHECK_EQ(once_do_until(&mine, counts_once, NULL, WITHIN(NOWAIT)), 0); /* our own has no limit */
}

static void does_it_again(void *arg) {
    once_do(arg, does_it_again, arg);
}

TEST(death, once_in_itself) {
    static struct once o;
    expect_status(2);
    expect_text("panic: mutex_lock: goroutine ");
    expect_text("owns the mutex already");
    once_do(&o, does_it_again, &o);
}

/* ---- a value ------------------------------------------------------------------------------------- */

static void *computes(void *arg) {
    atomic_fetch_add((_Atomic unsigned *)arg, 1);
    go_yield();
    return arg;
}

static void asks(void *arg) {
    struct once_value *v = arg;
    CHECK(once_value(v) == v->arg);
}

TEST(sched, TestOnceValue) {
    _Atomic unsigned calls = 0;
    struct once_value v = ONCE_VALUE(computes, &calls);
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(wg_go(&wg, asks, &v), 0);
    }
    wg_wait(&wg);
    CHECK_EQ(calls, 1);
}

static void *panics_computing(void *arg) {
    *(unsigned *)arg += 1;
    PANIC("no value");
}

static void *exits_computing(void *arg) {
    *(unsigned *)arg += 1;
    go_exit();
}

static void asks_in_vain(void *arg) {
    once_value(arg);
    FAIL("a value came");
}

/* Go: it panics each time, and the function is called once. */
TEST(sched, TestOnceFuncPanic) {
    unsigned calls = 0;
    struct caught c;
    struct once_value v = ONCE_VALUE(panics_computing, &calls);
    CHECK(!go_try(asks_in_vain, &v, &c));
    CHECK(c.text[0] == 'n');
    CHECK(!go_try(asks_in_vain, &v, &c));
    CHECK(c.text[0] == 'o');
    CHECK_EQ(calls, 1);
}

TEST(sched, TestOnceFuncGoexit) {
    unsigned calls = 0;
    struct caught c;
    struct once_value v = ONCE_VALUE(exits_computing, &calls);
    CHECK_EQ(wg_go(&wg, asks_in_vain, &v), 0);
    wg_wait(&wg);
    CHECK(!go_try(asks_in_vain, &v, &c));
    CHECK_EQ(calls, 1);
}

static void *computes_when_told(void *arg) {
    sema_wait(arg);
    return arg;
}

static void asks_in_time(void *arg) {
    void *value;
    CHECK_EQ(once_value_until(arg, &value, WITHIN(NOWAIT)), 0); /* one's own fn has no limit */
}

TEST(sched, once_value_until_a_limit) {
    struct sema told = {0};
    struct once_value v = ONCE_VALUE(computes_when_told, &told);
    void *value = NULL;
    use_cores(1);
    CHECK_EQ(wg_go(&wg, asks_in_time, &v), 0);
    settle();
    CHECK_EQ(once_value_until(&v, &value, WITHIN(US(50))), -ETIMEDOUT);
    CHECK_EQ(once_value_until(&v, &value, WITHIN(NOWAIT)), -ETIMEDOUT);
    CHECK(value == NULL);
    sema_post(&told);
    CHECK_EQ(once_value_until(&v, &value, AT(FOREVER)), 0);
    CHECK(value == &told);
    wg_wait(&wg);
}

TEST(death, once_value_did_not_return) {
    static unsigned calls;
    struct once_value v = ONCE_VALUE(exits_computing, &calls);
    expect_status(2);
    expect_text("panic: once_value: its function did not return");
    wg_go(&wg, asks_in_vain, &v);
    wg_wait(&wg);
    once_value(&v);
}

/* ---- WaitGroup.Go ---------------------------------------------------------------------------------- */

static _Atomic unsigned ran;

static void runs_and_returns(void *arg) {
    atomic_fetch_add(&ran, (unsigned)(uintptr_t)arg);
}

static void runs_and_exits(void *arg) {
    go_yield();
    atomic_fetch_add(&ran, (unsigned)(uintptr_t)arg);
    go_exit();
}

TEST(sched, TestWaitGroupGo) {
    ran = 0;
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(wg_go(&wg, i % 2 == 0 ? runs_and_returns : runs_and_exits, (void *)1), 0);
    }
    wg_wait(&wg);
    CHECK_EQ(ran, 10);
}

TEST(death, wg_go_of_nil) {
    expect_status(2);
    expect_text("fatal error: go of nil func value");
    wg_go(&wg, NULL, NULL);
}

/* ---- barrier --------------------------------------------------------------------------------------- */

enum { PARTIES = 7, TURNS = 200 };

static struct barrier barrier = BARRIER(PARTIES);
static unsigned arrived[PARTIES]; /* each written by one, read by all behind the barrier */
static _Atomic unsigned last_ones;

static void goes_in_step(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg, turns = test_rounds(TURNS);
    for (unsigned turn = 1; turn <= turns; turn++) {
        arrived[me] = turn;
        int r = barrier_wait(&barrier);
        CHECK(r == 0 || r == 1);
        atomic_fetch_add(&last_ones, (unsigned)r);
        for (int i = 0; i < PARTIES; i++) {
            CHECK_EQ(arrived[i], turn);
        }
        CHECK(barrier_wait(&barrier) >= 0); /* nobody writes before all have looked */
    }
}

TEST(sched, barrier_keeps_step) {
    last_ones = 0;
    for (uintptr_t i = 0; i < PARTIES; i++) {
        CHECK_EQ(wg_go(&wg, goes_in_step, (void *)i), 0);
    }
    wg_wait(&wg);
    CHECK_EQ(last_ones, test_rounds(TURNS));
}

static void finds_it_broken(void *arg) {
    CHECK_EQ(barrier_wait(arg), -EPIPE);
    atomic_fetch_add(&ran, 1);
}

TEST(sched, barrier_breaks) {
    struct barrier b = BARRIER(4);
    ran = 0;
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(wg_go(&wg, finds_it_broken, &b), 0);
    }
    settle();
    CHECK_EQ(ran, 0);
    CHECK_EQ(barrier_wait_until(&b, WITHIN(US(50))), -ETIMEDOUT);
    wg_wait(&wg);
    CHECK_EQ(ran, 2);
    CHECK_EQ(barrier_wait(&b), -EPIPE); /* and stays so */
    barrier_reset(&b);
    struct ctx *ctx = ctx_make(ctx_background());
    ctx_cancel(ctx);
    CHECK_EQ(barrier_wait_until(&b, UNLESS(ctx)), -ECANCELED);
    barrier_reset(&b);
    ctx_free(ctx);
    CHECK_EQ(wg_go(&wg, finds_it_broken, &b), 0);
    settle();
    barrier_reset(&b); /* for those who wait, too */
    wg_wait(&wg);
    CHECK_EQ(ran, 3);
    struct barrier one = BARRIER(1);
    CHECK_EQ(barrier_wait_until(&one, WITHIN(NOWAIT)), 1); /* had at once */
}

static struct barrier racing = BARRIER(3);
static _Atomic unsigned passed[2], timed_out;

static void races_at_barrier(void *arg) {
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    unsigned rounds = test_rounds(300);
    for (unsigned i = 0; i < rounds; i++) {
        int r = barrier_wait_until(&racing, WITHIN(US(20 + test_random(&seed) % 300)));
        if (r >= 0) {
            atomic_fetch_add(&passed[0], 1);
            atomic_fetch_add(&passed[1], (unsigned)r);
        } else if (r == -ETIMEDOUT) {
            atomic_fetch_add(&timed_out, 1);
            barrier_reset(&racing);
        } else {
            CHECK_EQ(r, -EPIPE);
        }
    }
}

/* Limits race with the last one to come: a turn either happens for all or for none. */
TEST(stress, barrier_limits_race) {
    passed[0] = passed[1] = timed_out = 0;
    for (uintptr_t i = 1; i <= 5; i++) {
        CHECK_EQ(wg_go(&wg, races_at_barrier, (void *)(i * 7919)), 0);
    }
    wg_wait(&wg);
    CHECK_EQ(passed[0], 3 * passed[1]);
    CHECK_EQ(racing.arrived, 0);
}

TEST(death, barrier_of_none) {
    struct barrier b = BARRIER(0);
    expect_status(2);
    expect_text("panic: barrier: of no parties");
    barrier_wait(&b);
}
