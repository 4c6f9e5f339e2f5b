/* tests/test_flight.c - calls that are shared (Go: singleflight). */
#include <errno.h>

#include "tests/test.h"

static struct flight flight;
static struct wg wg;
static _Atomic int calls, got, shared_ones;

static int gives_arg(void *arg, void **value) {
    atomic_fetch_add(&calls, 1);
    *value = arg;
    return 0;
}

TEST(sched, TestDo) {
    void *v = NULL;
    bool shared = true;
    CHECK_EQ(flight_do(&flight, "key", gives_arg, &got, &v, &shared), 0);
    CHECK(v == &got);
    CHECK(!shared);
    CHECK_EQ(flight_do(&flight, "key", gives_arg, NULL, NULL, NULL), 0);
    CHECK(flight.calls == NULL);
}

static int fails(void *arg, void **value) {
    (void)arg;
    (void)value;
    return -ENOMEM;
}

TEST(sched, TestDoErr) {
    void *v = &v;
    CHECK_EQ(flight_do(&flight, "key", fails, NULL, &v, NULL), -ENOMEM);
    CHECK(v == NULL);
}

static struct sema gate;

static int waits_at_gate(void *arg, void **value) {
    atomic_fetch_add(&calls, 1);
    sema_wait(&gate);
    *value = arg;
    return 7;
}

static void calls_shared(void *arg) {
    void *v = NULL;
    bool shared = false;
    CHECK_EQ(flight_do(&flight, arg, waits_at_gate, &got, &v, &shared), 7);
    CHECK(v == &got);
    atomic_fetch_add(&got, 1);
    atomic_fetch_add(&shared_ones, shared);
}

static void reset(void) {
    calls = got = shared_ones = 0;
    gate = (struct sema){0};
}

/* Go: many callers, one call; keys do not mix. */
TEST(sched, TestDoDupSuppress) {
    static char same[] = "one key"; /* equal, not the same pointer */
    reset();
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(wg_go(&wg, calls_shared, i % 2 == 0 ? same : "one key"), 0);
    }
    CHECK_EQ(wg_go(&wg, calls_shared, "one ke"), 0);
    settle();
    CHECK_EQ(calls, 2);
    CHECK_EQ(got, 0);
    sema_post_n(&gate, 2);
    wg_wait(&wg);
    CHECK_EQ(calls, 2);
    CHECK_EQ(got, 11);
    CHECK_EQ(shared_ones, 10); /* the maker, too; not the one alone */
}

/* Go: after Forget a new call is made, beside the old one. */
TEST(sched, TestForget) {
    void *v = NULL;
    bool shared = true;
    reset();
    CHECK_EQ(wg_go(&wg, calls_shared, "k"), 0);
    settle();
    flight_forget(&flight, "k");
    flight_forget(&flight, "nobody's");
    CHECK_EQ(flight_do(&flight, "k", gives_arg, &v, &v, &shared), 0);
    CHECK(v == &v && !shared);
    CHECK_EQ(wg_go(&wg, calls_shared, "k"), 0);
    settle();
    CHECK_EQ(calls, 3);
    sema_post_n(&gate, 2);
    wg_wait(&wg);
    CHECK_EQ(shared_ones, 0);
    CHECK(flight.calls == NULL);
}

static int panics(void *arg, void **value) {
    (void)value;
    atomic_fetch_add(&calls, 1);
    sema_wait(&gate);
    if (arg != NULL) {
        go_exit();
    }
    PANIC("no call");
}

static void makes_it_panic(void *arg) {
    flight_do(&flight, "k", panics, arg, NULL, NULL);
    FAIL("it returned");
}

static void catches(void *arg) {
    struct caught c;
    CHECK(!go_try(makes_it_panic, arg, &c));
    CHECK(c.text[0] == 'n');
}

static void is_let_down(void *arg) {
    bool shared = false;
    CHECK_EQ(flight_do(&flight, "k", gives_arg, arg, NULL, &shared), -EPIPE);
    CHECK(shared);
}

static void let_down(go_fn *maker, void *arg) {
    reset();
    CHECK_EQ(wg_go(&wg, maker, arg), 0);
    settle();
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(wg_go(&wg, is_let_down, NULL), 0);
    }
    settle();
    sema_post(&gate);
    wg_wait(&wg);
    CHECK_EQ(calls, 1);
    CHECK_EQ(flight_do(&flight, "k", gives_arg, NULL, NULL, NULL), 0); /* and is usable */
}

TEST(sched, TestPanicDo) {
    let_down(catches, NULL);
}

TEST(sched, TestGoexitDo) {
    let_down(makes_it_panic, &flight);
}

/* Go: DoChan in a select with a timeout. */
TEST(sched, TestDoTimeout) {
    void *v = NULL;
    bool shared = false;
    struct ctx *ctx = ctx_make(ctx_background());
    ctx_cancel(ctx);
    reset();
    CHECK_EQ(wg_go(&wg, calls_shared, "k"), 0);
    settle();
    CHECK_EQ(flight_do_until(&flight, "k", gives_arg, NULL, &v, &shared, WITHIN(US(50))), -ETIMEDOUT);
    CHECK_EQ(flight_do_until(&flight, "k", gives_arg, NULL, &v, &shared, UNLESS(ctx)), -ECANCELED);
    sema_post(&gate);
    wg_wait(&wg);
    CHECK_EQ(shared_ones, 0); /* they have left */
    /* Its own call has no limit. */
    CHECK_EQ(flight_do_until(&flight, "k", gives_arg, &v, &v, &shared, WITHIN(NOWAIT)), 0);
    CHECK(v == &v);
    ctx_free(ctx);
}

static int takes_a_while(void *arg, void **value) {
    CHECK_EQ(atomic_fetch_add(&calls, 1), 0); /* never two at once */
    go_sleep(US((unsigned)(uintptr_t)arg % 40));
    atomic_fetch_sub(&calls, 1);
    *value = &calls;
    return 3;
}

static void races(void *arg) {
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    for (unsigned i = 0; i < test_rounds(400); i++) {
        void *v = NULL;
        struct limit l = WITHIN(US(test_random(&seed) % 80));
        int r = flight_do_until(&flight, "k", takes_a_while, (void *)(uintptr_t)test_random(&seed),
                                &v, NULL, l);
        CHECK(r == 3 || r == -ETIMEDOUT);
        CHECK((v == &calls) == (r == 3));
    }
}

/* Limits race with the end of the call. */
TEST(stress, flight_limits_race) {
    reset();
    for (uintptr_t i = 1; i <= 8; i++) {
        CHECK_EQ(wg_go(&wg, races, (void *)(i * 7919)), 0);
    }
    wg_wait(&wg);
    CHECK(flight.calls == NULL);
}
