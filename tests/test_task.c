/* tests/test_task.c - a G's arguments, its result, and values of its own. */
#include <errno.h>
#include <string.h>

#include "tests/test.h"

/* ---- a copy of the arguments --------------------------------------------------------------------- */

struct numbers {
    uint64_t n[GO_COPY_MAX / 8];
};

static _Atomic uint64_t total;

static void adds_numbers(void *arg) {
    struct numbers *mine = arg;
    CHECK_EQ((uintptr_t)arg % 8, 0);
    go_yield();
    for (size_t i = 0; i < sizeof mine->n / sizeof mine->n[0]; i++) {
        atomic_fetch_add(&total, mine->n[i]);
        mine->n[i] = 0; /* nobody else's */
    }
}

static void sees_a_byte(void *arg) {
    atomic_fetch_add(&total, *(unsigned char *)arg);
}

TEST(sched, copy_is_the_gs_own) {
    struct numbers args;
    total = 0;
    unsigned before = go_count();
    for (unsigned g = 0; g < 20; g++) {
        for (size_t i = 0; i < sizeof args.n / sizeof args.n[0]; i++) {
            args.n[i] = g;
        }
        CHECK_EQ(go_copy(NULL, adds_numbers, &args, sizeof args), 0);
    }
    args = (struct numbers){{0}};
    unsigned char byte = 200;
    CHECK_EQ(go_copy(&GO_OPTS(.name = "byte"), sees_a_byte, &byte, 1), 0);
    byte = 0;
    WAIT_FOR(go_count() == before);
    CHECK_EQ(total, 190 * (GO_COPY_MAX / 8) + 200);
    CHECK_EQ(go_copy(NULL, sees_a_byte, &args, GO_COPY_MAX + 1), -EINVAL);
}

/* ---- joining ---------------------------------------------------------------------------------------- */

static void *doubles(void *arg) {
    go_yield();
    return (void *)((uintptr_t)arg * 2);
}

static void *exits(void *arg) {
    (void)arg;
    go_exit();
}

static void *waits_for_post(void *arg) {
    sema_wait(arg);
    return arg;
}

TEST(sched, join_gives_the_result) {
    unsigned before = go_count();
    for (uintptr_t i = 0; i < 100; i++) {
        struct join j[2];
        void *a = NULL, *b = NULL;
        CHECK_EQ(go_joinable(&j[0], NULL, doubles, (void *)i), 0);
        CHECK_EQ(go_joinable(&j[1], &GO_OPTS(.name = "second"), doubles, (void *)(i + 1)), 0);
        CHECK_EQ(go_join(&j[1], &b), 0);
        CHECK_EQ(go_join(&j[0], &a), 0);
        CHECK_EQ((uintptr_t)a, 2 * i);
        CHECK_EQ((uintptr_t)b, 2 * i + 2);
        CHECK_EQ(go_count(), before);    /* ended, not only done */
        CHECK_EQ(go_join(&j[0], &b), 0); /* as often as one likes */
        CHECK_EQ((uintptr_t)b, 2 * i);
    }
    struct join j;
    CHECK_EQ(go_joinable(&j, &GO_OPTS(.stack = MB(9)), doubles, NULL), -EINVAL);
}

TEST(sched, join_after_go_exit) {
    struct join j;
    void *result = &j;
    CHECK_EQ(go_joinable(&j, NULL, exits, NULL), 0);
    CHECK_EQ(go_join(&j, &result), 0);
    CHECK(result == NULL);
    CHECK_EQ(go_joinable(&j, NULL, exits, NULL), 0);
    CHECK_EQ(go_join(&j, NULL), 0);
}

static struct join shared;
static _Atomic unsigned joined;

static void joins_shared(void *arg) {
    void *result = NULL;
    CHECK_EQ(go_join(&shared, &result), 0);
    CHECK(result == arg);
    atomic_fetch_add(&joined, 1);
}

/* Each joiner wakes the next; and one whose limit is over is no hole in the chain. */
TEST(sched, join_by_many) {
    enum { N = 100 };
    struct sema s = {0};
    unsigned before = go_count();
    joined = 0;
    CHECK_EQ(go_joinable(&shared, NULL, waits_for_post, &s), 0);
    for (int i = 0; i < N; i++) {
        start(joins_shared, &s);
        if (i % 8 == 0) {
            CHECK_EQ(go_join_until(&shared, NULL, WITHIN(US(20))), -ETIMEDOUT);
        }
    }
    settle();
    CHECK_EQ(joined, 0);
    sema_post(&s);
    CHECK_EQ(go_join(&shared, NULL), 0);
    WAIT_FOR(go_count() == before);
    CHECK_EQ(joined, N);
}

TEST(sched, join_until) {
    struct join j;
    struct sema s = {0};
    void *result = NULL;
    CHECK_EQ(go_joinable(&j, NULL, waits_for_post, &s), 0);
    CHECK_EQ(go_join_until(&j, &result, WITHIN(NOWAIT)), -ETIMEDOUT);
    CHECK_EQ(go_join_until(&j, &result, WITHIN(US(100))), -ETIMEDOUT);
    struct ctx *ctx = ctx_make(ctx_background());
    ctx_cancel(ctx);
    CHECK_EQ(go_join_until(&j, &result, UNLESS(ctx)), -ECANCELED);
    CHECK(result == NULL);
    sema_post(&s);
    CHECK_EQ(go_join(&j, NULL), 0);
    CHECK_EQ(go_join_until(&j, &result, UNLESS(ctx)), 0); /* had at once */
    CHECK(result == &s);
    ctx_free(ctx);
}

static void *works(void *arg) {
    for (volatile uintptr_t i = 0; i < (uintptr_t)arg; i++) {
    }
    return arg;
}

static void joins_on_its_stack(void *arg) {
    uint32_t seed = (uint32_t)(uintptr_t)arg;
    unsigned rounds = test_rounds(400);
    for (unsigned i = 0; i < rounds; i++) {
        struct join j;
        void *result = NULL;
        void *n = (void *)(uintptr_t)(test_random(&seed) % 3000);
        CHECK_EQ(go_joinable(&j, NULL, works, n), 0);
        while (go_join_until(&j, &result, WITHIN(US(test_random(&seed) % 60))) != 0) {
        }
        CHECK(result == n);
        /* Whoever still touched it would write into this, or spin on it. */
        volatile unsigned char *p = (volatile unsigned char *)&j;
        for (size_t k = 0; k < sizeof j; k++) {
            p[k] = 0x5a;
        }
        for (size_t k = 0; k < sizeof j; k++) {
            CHECK_EQ(p[k], 0x5a);
        }
    }
}

/* Ends and deadlines race; the join is gone as soon as it has been joined. */
TEST(stress, join_races) {
    unsigned before = go_count();
    for (uintptr_t i = 1; i <= 2 * go_num_cores(); i++) {
        start(joins_on_its_stack, (void *)(i * 7919));
    }
    WAIT_FOR(go_count() == before);
}

static void *joins_itself(void *arg) {
    go_join(arg, NULL);
    return NULL;
}

TEST(death, join_of_itself) {
    static struct join j;
    expect_status(2);
    expect_text("panic: go_join: goroutine ");
    expect_text(" waits for itself");
    go_joinable(&j, NULL, joins_itself, &j);
    go_join(&j, NULL);
}

TEST(death, join_with_preemption_off) {
    static struct join j;
    expect_status(2);
    expect_text("panic: go_join: would block with preemption off");
    go_joinable(&j, NULL, doubles, NULL);
    go_preempt_off();
    go_join(&j, NULL);
}

TEST(death, joinable_of_nil) {
    struct join j;
    expect_status(2);
    expect_text("fatal error: go of nil func value");
    go_joinable(&j, NULL, NULL, NULL);
}

/* ---- values of a G's own ------------------------------------------------------------------------- */

static go_key_t keys[GO_KEYS];
static _Atomic unsigned destroyed, destroyed_sum;

static void counts_destroyed(void *value) {
    atomic_fetch_add(&destroyed, 1);
    atomic_fetch_add(&destroyed_sum, (unsigned)(uintptr_t)value);
}

static void *uses_keys(void *arg) {
    uintptr_t me = (uintptr_t)arg;
    for (uintptr_t i = 0; i < 5; i++) {
        CHECK(go_key_get(keys[i]) == NULL);
        CHECK_EQ(go_key_set(keys[i], (void *)(100 * me + i)), 0);
        go_yield();
    }
    for (uintptr_t i = 0; i < 5; i++) {
        CHECK_EQ((uintptr_t)go_key_get(keys[i]), 100 * me + i);
        go_yield();
    }
    CHECK_EQ(go_key_set(keys[0], NULL), 0);
    return NULL;
}

static void run_joined(void *(*fn)(void *arg), void *arg) {
    struct join j;
    CHECK_EQ(go_joinable(&j, NULL, fn, arg), 0);
    CHECK_EQ(go_join(&j, NULL), 0);
}

TEST(sched, keys_are_per_g) {
    enum { N = 20 };
    struct join j[N];
    destroyed = destroyed_sum = 0;
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(go_key_make(&keys[i], i < 3 ? counts_destroyed : NULL), 0);
    }
    for (uintptr_t i = 0; i < N; i++) {
        CHECK_EQ(go_joinable(&j[i], NULL, uses_keys, (void *)i), 0);
    }
    for (int i = 0; i < N; i++) {
        CHECK_EQ(go_join(&j[i], NULL), 0);
    }
    CHECK_EQ(destroyed, 2 * N); /* keys 1 and 2: 0 was set to NULL, the others have no destructor */
    CHECK_EQ(destroyed_sum, 2 * 100 * (N * (N - 1) / 2) + N * 3);
    for (int i = 0; i < 5; i++) {
        CHECK(go_key_get(keys[i]) == NULL);
        go_key_free(keys[i]);
    }
}

static void sets_and_ends(void *key) {
    CHECK_EQ(go_key_set(*(go_key_t *)key, (void *)7), 0);
}

/* A G that has nothing else to be seen to. */
TEST(sched, keys_of_a_plain_g) {
    destroyed = destroyed_sum = 0;
    CHECK_EQ(go_key_make(&keys[0], counts_destroyed), 0);
    start(sets_and_ends, &keys[0]);
    settle();
    CHECK_EQ(destroyed, 1);
    CHECK_EQ(destroyed_sum, 7);
    go_key_free(keys[0]);
}

static void *sets_all_keys(void *arg) {
    (void)arg;
    for (uintptr_t i = 0; i < GO_KEYS; i++) {
        CHECK_EQ(go_key_set(keys[i], (void *)(i + 1)), 0);
    }
    for (uintptr_t i = 0; i < GO_KEYS; i++) {
        CHECK_EQ((uintptr_t)go_key_get(keys[i]), i + 1);
    }
    return NULL;
}

TEST(sched, keys_run_out) {
    go_key_t more;
    destroyed = 0;
    for (int i = 0; i < GO_KEYS; i++) {
        CHECK_EQ(go_key_make(&keys[i], counts_destroyed), 0);
    }
    CHECK_EQ(go_key_make(&more, NULL), -EAGAIN);
    run_joined(sets_all_keys, NULL);
    CHECK_EQ(destroyed, GO_KEYS);
    go_key_free(keys[77]);
    CHECK_EQ(go_key_make(&more, NULL), 0);
    CHECK(more != keys[77]);
    keys[77] = more;
    for (int i = 0; i < GO_KEYS; i++) {
        go_key_free(keys[i]);
    }
}

static void *outlives_its_key(void *arg) {
    go_key_t old, new;
    (void)arg;
    CHECK_EQ(go_key_make(&old, counts_destroyed), 0);
    CHECK_EQ(go_key_set(old, (void *)1), 0);
    go_key_free(old);
    CHECK_EQ(go_key_make(&new, counts_destroyed), 0);
    CHECK(go_key_get(new) == NULL); /* in the same slot */
    CHECK_EQ(go_key_set(new, NULL), 0);
    go_key_free(new);
    CHECK_EQ(go_key_make(&new, counts_destroyed), 0);
    CHECK_EQ(go_key_set(old = new, (void *)2), 0);
    go_key_free(old);
    return NULL;
}

TEST(sched, keys_are_not_mistaken) {
    destroyed = 0;
    run_joined(outlives_its_key, NULL);
    CHECK_EQ(destroyed, 0);
}

static void sets_again(void *value) {
    unsigned n = atomic_fetch_add(&destroyed, 1);
    CHECK_EQ((uintptr_t)value, n + 1);
    CHECK_EQ(go_key_set(keys[0], (void *)(uintptr_t)(n + 2)), 0);
    CHECK_EQ(go_key_set(keys[6], (void *)1), 0); /* a larger array */
    go_sleep(US(10));
}

static void exits_too(void *value) {
    counts_destroyed(value);
    go_exit();
}

static void *sets_one(void *arg) {
    CHECK_EQ(go_key_set(*(go_key_t *)arg, (void *)1), 0);
    return NULL;
}

static void *sets_seven(void *arg) {
    (void)arg;
    for (int i = 0; i < 7; i++) {
        CHECK_EQ(go_key_set(keys[i], (void *)1), 0);
    }
    return NULL;
}

/* Destructors may block and set values, which get their turn: a few times. One that ends the G does not
 * end the others. */
TEST(sched, keys_rounds) {
    for (int i = 0; i < 7; i++) {
        CHECK_EQ(go_key_make(&keys[i], i == 0 ? sets_again : NULL), 0);
    }
    destroyed = 0;
    run_joined(sets_one, &keys[0]);
    CHECK_EQ(destroyed, GO_KEY_ROUNDS);
    for (int i = 0; i < 7; i++) {
        go_key_free(keys[i]);
        CHECK_EQ(go_key_make(&keys[i], exits_too), 0);
    }
    destroyed = 0;
    run_joined(sets_seven, NULL);
    CHECK_EQ(destroyed, 7);
    for (int i = 0; i < 7; i++) {
        go_key_free(keys[i]);
    }
}

/* 10,000 arrays of 2 KiB would be 5000 pages. Under 1-1 the dead keep 16 pages each, and more of them are kept each time. */
TEST(sched, keys_give_memory_back) {
    needs_m_n();
    size_t all, before, after;
    CHECK_EQ(go_key_make(&keys[0], NULL), 0);
    for (int i = 1; i < GO_KEYS; i++) {
        CHECK_EQ(go_key_make(&keys[i], NULL), 0);
    }
    for (int i = 0; i < 100; i++) {
        run_joined(sets_all_keys, NULL);
    }
    info_memory(&all, &before);
    for (int i = 0; i < 2000; i++) {
        run_joined(sets_all_keys, NULL);
    }
    info_memory(&all, &after);
    CHECK(after + 500 >= before);
    for (int i = 0; i < GO_KEYS; i++) {
        go_key_free(keys[i]);
    }
}

/* ---- errno: a value of a G's own, too --------------------------------------------------------------- */

static struct {
    struct sema ask[HAL_MAX_CORES], back;
    _Atomic bool here, seen, over;
    struct wg wg;
} moves;

/* Whom it wakes runs on this core, if nobody else takes it. */
static void has_another_errno(void *arg) {
    unsigned i = (unsigned)(uintptr_t)arg;
    while (!atomic_load(&moves.over)) {
        errno = 7;
        sema_wait(&moves.ask[i]);
        if (atomic_load(&moves.here)) {
            sema_post(&moves.back);
        }
        atomic_store(&moves.seen, true);
    }
    wg_done(&moves.wg);
}

static void asks(unsigned core, bool here) {
    atomic_store(&moves.seen, false);
    atomic_store(&moves.here, here);
    sema_post(&moves.ask[core]);
}

/* On another core now, and somebody else on the one where it was. */
TEST(sched, errno_goes_with_its_g) {
    needs_sharing();
    unsigned n = go_num_cores();
    if (n == 1) {
        SKIP("one core");
    }
    memset(&moves, 0, sizeof moves);
    wg_add(&moves.wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start_on(i, has_another_errno, (void *)(uintptr_t)i);
    }
    for (unsigned moved = 0, round = 0; moved < 20; round++) {
        unsigned was = go_core();
        errno = 100 + (int)round;
        asks(round % n, true);
        sema_wait(&moves.back);
        SPIN_UNTIL(atomic_load(&moves.seen));
        if (go_core() != was) {
            asks(was, false);
            SPIN_UNTIL(atomic_load(&moves.seen));
            moved++;
        }
        CHECK_EQ(errno, 100 + (int)round);
    }
    atomic_store(&moves.over, true);
    for (unsigned i = 0; i < n; i++) {
        asks(i, false);
    }
    wg_wait(&moves.wg);
}

TEST(death, set_of_no_key) {
    expect_status(2);
    expect_text("panic: go_key_set: 0 is no key");
    go_key_set(0, NULL);
}

TEST(death, set_of_freed_key) {
    go_key_t key = 0;
    go_key_make(&key, NULL);
    go_key_free(key);
    expect_status(2);
    expect_text("panic: go_key_set: 128 is no key");
    go_key_set(key, NULL);
}

TEST(death, free_of_no_key) {
    expect_status(2);
    expect_text("panic: go_key_free: 5 is no key");
    go_key_free(5);
}
