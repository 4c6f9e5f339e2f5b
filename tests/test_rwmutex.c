/* tests/test_rwmutex.c - many readers or one writer. */
#include <errno.h>

#include "sched/sched.h"
#include "tests/test.h"

static struct wg wg;
static struct rwmutex rw;

static struct {
    _Atomic int inside; /* readers, or -1000 for a writer */
    _Atomic unsigned readers, late, canceled;
    _Atomic unsigned waiting;
    _Atomic bool go_on;
    unsigned rounds;
    unsigned order[128];
    _Atomic unsigned n;
} seen;

static void renew(void) {
    rw = (struct rwmutex){0};
    seen.inside = 0;
    seen.readers = seen.late = seen.canceled = seen.waiting = seen.n = 0;
    seen.go_on = false;
}

static void nobody_holds_it(void) {
    CHECK_EQ(atomic_load(&rw.word), 0);
    CHECK(rw.readers.head == NULL && rw.writers.head == NULL);
}

/* Starts a G and lets it run until it waits; on one core. */
static void start_waiting(go_fn *fn, uintptr_t number) {
    unsigned before = seen.waiting;
    wg_add(&wg, 1);
    start(fn, (void *)number);
    WAIT_FOR(atomic_load(&seen.waiting) == before + 1);
    go_yield();
}

static void one_core(void) {
    use_cores(1);
    go_set_slice(SEC(1));
    renew();
}

static void note(uintptr_t number) {
    seen.order[atomic_fetch_add(&seen.n, 1)] = (unsigned)number;
}

/* ---- readers and writers ------------------------------------------------------------------------------------------- */

static void reads_beside_others(void *arg) {
    unsigned n = (unsigned)(uintptr_t)arg;
    rwmutex_rlock(&rw);
    atomic_fetch_add(&seen.readers, 1);
    WAIT_FOR(atomic_load(&seen.readers) == n); /* who kept another out would wait for ever */
    rwmutex_runlock(&rw);
    wg_done(&wg);
}

TEST(sched, TestParallelReaders) {
    for (unsigned n = 1; n <= 8; n++) {
        renew();
        wg_add(&wg, (int)n);
        for (unsigned i = 0; i < n; i++) {
            start(reads_beside_others, (void *)(uintptr_t)n);
        }
        wg_wait(&wg);
        nobody_holds_it();
    }
}

static void as_reader(void) {
    CHECK(atomic_fetch_add(&seen.inside, 1) >= 0);
    for (volatile int i = 0; i < 100; i++) {
    }
    CHECK(atomic_fetch_sub(&seen.inside, 1) >= 1);
    rwmutex_runlock(&rw);
}

static void as_writer(void) {
    CHECK_EQ(atomic_fetch_sub(&seen.inside, 1000), 0);
    for (volatile int i = 0; i < 100; i++) {
    }
    CHECK_EQ(atomic_fetch_add(&seen.inside, 1000), -1000);
    rwmutex_unlock(&rw);
}

static void hammers_as_reader(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < seen.rounds; i++) {
        if (i % 4 != 0 || rwmutex_tryrlock(&rw) != 0) {
            rwmutex_rlock(&rw);
        }
        as_reader();
    }
    wg_done(&wg);
}

static void hammers_as_writer(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < seen.rounds; i++) {
        if (i % 4 != 0 || rwmutex_trylock(&rw) != 0) {
            rwmutex_lock(&rw);
        }
        as_writer();
    }
    wg_done(&wg);
}

/* Go's hammer: writers alone, readers without writers. */
TEST(sched, TestRWMutex) {
    static const unsigned readers[] = {1, 3, 10};
    go_set_slice(US(50));
    for (unsigned k = 0; k < 3; k++) {
        renew();
        seen.rounds = test_rounds(300);
        wg_add(&wg, (int)readers[k] + 2);
        start(hammers_as_writer, NULL);
        for (unsigned i = 0; i < readers[k]; i++) {
            start(hammers_as_reader, NULL);
            if (i == readers[k] / 2) {
                start(hammers_as_writer, NULL);
            }
        }
        wg_wait(&wg);
        nobody_holds_it();
    }
}

TEST(sched, rwmutex_try) {
    renew();
    CHECK_EQ(rwmutex_tryrlock(&rw), 0);
    CHECK_EQ(rwmutex_tryrlock(&rw), 0);
    CHECK_EQ(rwmutex_trylock(&rw), -EBUSY);
    CHECK(rwmutex_writer(&rw) == NULL);
    rwmutex_runlock(&rw);
    CHECK_EQ(rwmutex_trylock(&rw), -EBUSY);
    rwmutex_runlock(&rw);
    CHECK_EQ(rwmutex_trylock(&rw), 0);
    CHECK(rwmutex_writer(&rw) == hal_self());
    CHECK_EQ(rwmutex_trylock(&rw), -EBUSY);
    CHECK_EQ(rwmutex_tryrlock(&rw), -EBUSY);
    rwmutex_unlock(&rw);
    CHECK(rwmutex_writer(&rw) == NULL);
    nobody_holds_it();
}

/* ---- whose turn it is ------------------------------------------------------------------------------------------------ */

static void reads_in_turn(void *arg) {
    atomic_fetch_add(&seen.waiting, 1);
    rwmutex_rlock(&rw);
    note((uintptr_t)arg);
    WAIT_FOR(atomic_load(&seen.go_on));
    rwmutex_runlock(&rw);
    wg_done(&wg);
}

static void writes_in_turn(void *arg) {
    atomic_fetch_add(&seen.waiting, 1);
    rwmutex_lock(&rw);
    note((uintptr_t)arg);
    rwmutex_unlock(&rw);
    wg_done(&wg);
}

/* Go: a blocked Lock call excludes new readers. */
TEST(sched, rwmutex_writer_keeps_readers_out) {
    one_core();
    rwmutex_rlock(&rw);
    start_waiting(writes_in_turn, 1);
    CHECK_EQ(rwmutex_tryrlock(&rw), -EBUSY);
    start_waiting(reads_in_turn, 2);
    start_waiting(reads_in_turn, 3);
    CHECK_EQ(seen.n, 0);
    seen.go_on = true;
    rwmutex_runlock(&rw);
    wg_wait(&wg);
    CHECK_EQ(seen.n, 3);
    CHECK_EQ(seen.order[0], 1);
    nobody_holds_it();
}

/* Go: the readers that wait when a writer unlocks go before the next writer, however many; one that comes while they
 * read does not. */
TEST(sched, rwmutex_readers_before_next_writer) {
    enum { N = 70 };
    one_core();
    rwmutex_lock(&rw);
    for (uintptr_t i = 0; i < N; i++) {
        start_waiting(reads_in_turn, i);
        if (i == N / 2) {
            start_waiting(writes_in_turn, 100);
        }
    }
    rwmutex_unlock(&rw);
    WAIT_FOR(atomic_load(&seen.n) == N);
    start_waiting(reads_in_turn, 101);
    CHECK_EQ(rwmutex_tryrlock(&rw), -EBUSY);
    CHECK_EQ(seen.n, N);
    seen.go_on = true;
    wg_wait(&wg);
    CHECK_EQ(seen.order[N], 100);
    CHECK_EQ(seen.order[N + 1], 101);
    nobody_holds_it();
}

TEST(sched, rwmutex_writers_in_order) {
    one_core();
    rwmutex_rlock(&rw);
    for (uintptr_t i = 0; i < 20; i++) {
        start_waiting(writes_in_turn, i);
    }
    rwmutex_runlock(&rw);
    wg_wait(&wg);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQ(seen.order[i], i);
    }
    nobody_holds_it();
}

static _Atomic bool stop;

static void reads_all_the_time(void *arg) {
    (void)arg;
    while (!atomic_load(&stop)) {
        rwmutex_rlock(&rw);
        for (volatile int i = 0; i < 500; i++) {
        }
        rwmutex_runlock(&rw);
    }
    wg_done(&wg);
}

/* Readers whose reading overlaps without a gap do not starve a writer. */
TEST(sched, rwmutex_writer_gets_through) {
    needs_preemption();
    renew();
    stop = false;
    go_set_slice(US(50));
    wg_add(&wg, 8);
    for (int i = 0; i < 8; i++) {
        start(reads_all_the_time, NULL);
    }
    for (unsigned i = 0; i < test_rounds(50); i++) {
        go_sleep(US(50));
        rwmutex_lock(&rw);
        rwmutex_unlock(&rw);
    }
    stop = true;
    wg_wait(&wg);
    nobody_holds_it();
}

/* ---- limits ---------------------------------------------------------------------------------------------------------- */

static void writes_within(void *arg) {
    struct ctx *ctx = arg;
    atomic_fetch_add(&seen.waiting, 1);
    CHECK_EQ(rwmutex_lock_until(&rw, UNLESS(ctx)), -ECANCELED);
    atomic_fetch_add(&seen.canceled, 1);
    wg_done(&wg);
}

/* The writer that keeps readers out gives up: they come in at once, beside the reader that is there. */
TEST(sched, rwmutex_writer_limit_lets_readers_in) {
    one_core();
    struct ctx *ctx = ctx_make(ctx_background());
    rwmutex_rlock(&rw);
    start_waiting(writes_within, (uintptr_t)ctx);
    for (uintptr_t i = 0; i < 40; i++) {
        start_waiting(reads_in_turn, i);
    }
    CHECK_EQ(seen.n, 0);
    ctx_cancel(ctx);
    WAIT_FOR(atomic_load(&seen.n) == 40);
    CHECK_EQ(seen.canceled, 1);
    seen.go_on = true;
    wg_wait(&wg);
    rwmutex_runlock(&rw);
    nobody_holds_it();
    ctx_free(ctx);
}

/* Two writers wait and one gives up: readers still wait for the other. */
TEST(sched, rwmutex_one_of_two_writers_gives_up) {
    one_core();
    struct ctx *ctx = ctx_make(ctx_background());
    rwmutex_rlock(&rw);
    start_waiting(writes_within, (uintptr_t)ctx);
    start_waiting(writes_in_turn, 1);
    start_waiting(reads_in_turn, 2);
    ctx_cancel(ctx);
    WAIT_FOR(atomic_load(&seen.canceled) == 1);
    go_yield();
    CHECK_EQ(seen.n, 0);
    seen.go_on = true;
    rwmutex_runlock(&rw);
    wg_wait(&wg);
    CHECK_EQ(seen.order[0], 1);
    CHECK_EQ(seen.order[1], 2);
    nobody_holds_it();
    ctx_free(ctx);
}

TEST(sched, rwmutex_times_out) {
    renew();
    rwmutex_rlock(&rw);
    ns_t when = go_now() + US(300);
    CHECK_EQ(rwmutex_lock_until(&rw, AT(when)), -ETIMEDOUT);
    CHECK(go_now() >= when);
    CHECK_EQ(rwmutex_lock_until(&rw, WITHIN(NOWAIT)), -ETIMEDOUT);
    CHECK_EQ(rwmutex_rlock_until(&rw, WITHIN(NOWAIT)), 0);
    rwmutex_runlock(&rw);
    rwmutex_runlock(&rw);
    CHECK_EQ(rwmutex_lock_until(&rw, AT(0)), 0);
    rwmutex_unlock(&rw);
    nobody_holds_it();
}

static void reads_in_vain(void *arg) {
    (void)arg;
    CHECK_EQ(rwmutex_rlock_until(&rw, WITHIN(US(200))), -ETIMEDOUT);
    CHECK_EQ(rwmutex_tryrlock(&rw), -EBUSY);
    wg_done(&wg);
}

TEST(sched, rwmutex_reader_times_out) {
    renew();
    rwmutex_lock(&rw);
    wg_add(&wg, 3);
    for (int i = 0; i < 3; i++) {
        start(reads_in_vain, NULL);
    }
    wg_wait(&wg);
    rwmutex_unlock(&rw);
    nobody_holds_it();
}

static void hammers_with_limits(void *arg) {
    uint32_t random = 2 * (uint32_t)(uintptr_t)arg + 1;
    for (unsigned i = 0; i < seen.rounds; i++) {
        struct limit l = WITHIN(US(test_random(&random) % 60));
        bool writes = test_random(&random) % 3 == 0;
        int r = writes ? rwmutex_lock_until(&rw, l) : rwmutex_rlock_until(&rw, l);
        if (r != 0) {
            CHECK_EQ(r, -ETIMEDOUT);
            atomic_fetch_add(&seen.late, 1);
        } else if (writes) {
            as_writer();
        } else {
            as_reader();
        }
    }
    wg_done(&wg);
}

/* Deadlines and unlocks end the same waits. */
TEST(stress, rwmutex_limits_race) {
    renew();
    go_set_slice(US(50));
    seen.rounds = test_rounds(400);
    wg_add(&wg, 12);
    for (uintptr_t i = 0; i < 12; i++) {
        start(hammers_with_limits, (void *)(200 + i));
    }
    wg_wait(&wg);
    nobody_holds_it();
}

/* ---- HAZARDS 12 -------------------------------------------------------------------------------------------------------- */

struct on_stack {
    struct rwmutex rw;
    _Atomic unsigned reading;
};

static void reads_elsewhere(void *arg) {
    struct on_stack *s = arg;
    rwmutex_rlock(&s->rw);
    atomic_fetch_add(&s->reading, 1);
    go_yield();
    rwmutex_runlock(&s->rw);
}

static void writes_on_own_stack(void) {
    struct on_stack own = {0};
    for (int i = 0; i < 3; i++) {
        start(reads_elsewhere, &own);
    }
    WAIT_FOR(atomic_load(&own.reading) == 3);
    rwmutex_lock(&own.rw); /* handed over by the last of them */
    rwmutex_unlock(&own.rw);
    own.rw.lock = 1; /* who touched the lock now would hang */
    atomic_store(&own.rw.word, 0xdeadbeefcafeull);
}

TEST(sched, rwmutex_on_the_stack) {
    for (unsigned i = 0; i < test_rounds(300); i++) {
        writes_on_own_stack();
    }
}
