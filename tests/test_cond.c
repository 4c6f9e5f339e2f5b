/* tests/test_cond.c - condition variables. */
#include <errno.h>

#include "sched/spinlock.h"
#include "tests/test.h"

static struct wg wg;
static struct mutex m;
static struct cond cond;

static struct {
    unsigned waiting, awake; /* guarded by m */
    unsigned order[128];     /* guarded by m */
    bool go_on;              /* guarded by m */
    _Atomic unsigned late;
} seen;

static void renew(void) {
    m = (struct mutex){0};
    cond = (struct cond){0};
    seen.waiting = seen.awake = 0;
    seen.go_on = false;
    seen.late = 0;
}

static void waits(void *arg) {
    mutex_lock(&m);
    seen.waiting++;
    cond_wait(&cond, &m);
    seen.order[seen.awake++] = (unsigned)(uintptr_t)arg;
    mutex_unlock(&m);
    wg_done(&wg);
}

/* Who has counted itself under m waits by the time that m is open again. */
static void start_waiting(go_fn *fn, unsigned n) {
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(fn, (void *)(uintptr_t)i);
        for (bool in = false; !in; go_yield()) {
            mutex_lock(&m);
            in = seen.waiting == i + 1;
            mutex_unlock(&m);
        }
    }
}

static unsigned awake(void) {
    mutex_lock(&m);
    unsigned n = seen.awake;
    mutex_unlock(&m);
    return n;
}

static void signal_locked(void) {
    mutex_lock(&m);
    cond_signal(&cond);
    mutex_unlock(&m);
}

/* ---- Go's ------------------------------------------------------------------------------------------------------------- */

/* Each signal wakes one. */
TEST(sched, TestCondSignal) {
    renew();
    cond_signal(&cond); /* nobody waits: forgotten */
    start_waiting(waits, 2);
    for (unsigned i = 1; i <= 2; i++) {
        signal_locked();
        WAIT_FOR(awake() == i);
        settle();
        CHECK_EQ(awake(), i);
    }
    signal_locked();
    wg_wait(&wg);
}

/* One that came earlier is woken earlier. */
TEST(sched, TestCondSignalGenerations) {
    renew();
    start_waiting(waits, 100);
    for (unsigned i = 0; i < 100; i++) {
        signal_locked();
        WAIT_FOR(awake() == i + 1);
        CHECK_EQ(seen.order[i], i);
    }
    wg_wait(&wg);
}

static void waits_twice(void *arg) {
    (void)arg;
    mutex_lock(&m);
    for (int i = 0; i < 2; i++) {
        seen.waiting++;
        cond_wait(&cond, &m);
        seen.awake++;
    }
    mutex_unlock(&m);
    wg_done(&wg);
}

TEST(sched, TestCondBroadcast) {
    enum { N = 100 };
    renew();
    cond_broadcast(&cond);
    start_waiting(waits_twice, N);
    for (unsigned round = 1; round <= 2; round++) {
        mutex_lock(&m);
        CHECK_EQ(seen.waiting, round * N);
        cond_broadcast(&cond);
        mutex_unlock(&m);
        WAIT_FOR(awake() == round * N);
    }
    wg_wait(&wg);
}

/* Go's: three that go through states 0, 1, 2 and 3 by signals. */
static int state; /* guarded by m */

static void first_in_race(void *arg) {
    (void)arg;
    mutex_lock(&m);
    state = 1;
    cond_wait(&cond, &m);
    CHECK_EQ(state, 2);
    state = 3;
    cond_signal(&cond);
    mutex_unlock(&m);
    wg_done(&wg);
}

static void second_in_race(void *arg) {
    (void)arg;
    mutex_lock(&m);
    while (state != 1) {
        mutex_unlock(&m);
        go_yield();
        mutex_lock(&m);
    }
    state = 2;
    cond_signal(&cond);
    mutex_unlock(&m);
    wg_done(&wg);
}

static void third_in_race(void *arg) {
    (void)arg;
    mutex_lock(&m);
    while (state != 2 && state != 3) {
        mutex_unlock(&m);
        go_yield();
        mutex_lock(&m);
    }
    while (state == 2) {
        cond_wait(&cond, &m);
        CHECK_EQ(state, 3);
    }
    mutex_unlock(&m);
    wg_done(&wg);
}

TEST(sched, TestRace) {
    for (unsigned i = 0; i < test_rounds(200); i++) {
        renew();
        state = 0;
        wg_add(&wg, 3);
        start(first_in_race, NULL);
        start(second_in_race, NULL);
        start(third_in_race, NULL);
        wg_wait(&wg);
    }
}

static void waits_until_told(void *arg) {
    (void)arg;
    mutex_lock(&m);
    while (!seen.go_on) {
        cond_wait(&cond, &m);
    }
    mutex_unlock(&m);
    wg_done(&wg);
}

static void signals(void *arg) {
    (void)arg;
    cond_signal(&cond);
    wg_done(&wg);
}

/* A signal is for who waits by then: one that comes to wait just afterwards does not take it. */
TEST(sched, TestCondSignalStealing) {
    for (unsigned i = 0; i < test_rounds(300); i++) {
        renew();
        start_waiting(waits, 1);
        wg_add(&wg, 2);
        start(signals, NULL);
        start(waits_until_told, NULL);
        WAIT_FOR(awake() == 1);
        mutex_lock(&m);
        seen.go_on = true;
        mutex_unlock(&m);
        cond_broadcast(&cond);
        wg_wait(&wg);
    }
}

/* ---- ours ------------------------------------------------------------------------------------------------------------- */

/* The mutex is the caller's again after a limit, too; and the signal goes to the next one. */
static void times_out(void *arg) {
    (void)arg;
    mutex_lock(&m);
    seen.waiting++;
    CHECK_EQ(cond_wait_until(&cond, &m, WITHIN(US(200))), -ETIMEDOUT);
    CHECK_EQ(mutex_trylock(&m), -EBUSY);
    mutex_unlock(&m);
    atomic_fetch_add(&seen.late, 1);
}

TEST(sched, cond_times_out) {
    renew();
    start(times_out, NULL);
    for (bool in = false; !in; go_yield()) {
        mutex_lock(&m);
        in = seen.waiting == 1;
        mutex_unlock(&m);
    }
    seen.waiting = 0;
    start_waiting(waits, 1);
    WAIT_FOR(atomic_load(&seen.late) == 1);
    CHECK_EQ(awake(), 0);
    signal_locked();
    wg_wait(&wg);
    mutex_lock(&m);
    CHECK_EQ(cond_wait_until(&cond, &m, WITHIN(NOWAIT)), -ETIMEDOUT);
    mutex_unlock(&m);
    CHECK(cond.waiters[0].head == NULL && cond.waiters[1].head == NULL);
}

TEST(sched, cond_canceled) {
    renew();
    struct ctx *ctx = ctx_with_timeout(ctx_background(), US(200));
    mutex_lock(&m);
    CHECK_EQ(cond_wait_until(&cond, &m, UNLESS(ctx)), -ETIMEDOUT);
    ctx_free(ctx);
    ctx = ctx_make(ctx_background());
    ctx_cancel(ctx);
    CHECK_EQ(cond_wait_until(&cond, &m, UNLESS(ctx)), -ECANCELED);
    mutex_unlock(&m);
    ctx_free(ctx);
}

/* Signals that meet deadlines: whoever's wait returned 0 had one, and none is lost: units that are signalled one by one
 * are all consumed in the end. */
static struct {
    unsigned units, made, taken; /* guarded by m */
    unsigned rounds;
} store;

static void consumes(void *arg) {
    uint32_t random = 2 * (uint32_t)(uintptr_t)arg + 1;
    mutex_lock(&m);
    while (store.taken < store.rounds) {
        if (store.units > 0) {
            store.units--;
            if (++store.taken == store.rounds) {
                cond_broadcast(&cond);
            }
            continue;
        }
        if (arg == NULL) {
            cond_wait(&cond, &m); /* one without a limit, who would wait for ever for a lost signal */
        } else {
            int r = cond_wait_until(&cond, &m, WITHIN(US(test_random(&random) % 50)));
            CHECK(r == 0 || r == -ETIMEDOUT);
        }
    }
    mutex_unlock(&m);
    wg_done(&wg);
}

TEST(stress, cond_limits_race_signals) {
    uint32_t random = 99;
    renew();
    go_set_slice(US(50));
    store.units = store.made = store.taken = 0;
    store.rounds = test_rounds(1500);
    wg_add(&wg, 8);
    for (uintptr_t i = 0; i < 8; i++) {
        start(consumes, (void *)i);
    }
    for (unsigned i = 0; i < store.rounds; i++) {
        mutex_lock(&m);
        store.units++;
        mutex_unlock(&m);
        cond_signal(&cond);
        go_sleep(US(test_random(&random) % 20));
    }
    wg_wait(&wg);
    CHECK_EQ(store.taken, store.rounds);
}

static struct {
    bool waiting, told; /* guarded by m */
    unsigned rounds;
} handshake;

static void waits_each_round(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < handshake.rounds; i++) {
        mutex_lock(&m);
        handshake.waiting = true;
        while (!handshake.told) {
            cond_wait(&cond, &m);
        }
        handshake.told = false;
        mutex_unlock(&m);
    }
    wg_done(&wg);
}

/* Whoever finds the mutex open, and signals at once, signals one that waits: it was on the list before. */
TEST(stress, cond_signal_at_once) {
    renew();
    go_set_slice(US(20));
    handshake.waiting = handshake.told = false;
    handshake.rounds = test_rounds(4000);
    wg_add(&wg, 1);
    start(waits_each_round, NULL);
    for (unsigned i = 0; i < handshake.rounds;) {
        if (mutex_trylock(&m) != 0) {
            continue;
        }
        bool waits = handshake.waiting;
        if (waits) {
            handshake.waiting = false;
            handshake.told = true;
            i++;
        }
        mutex_unlock(&m);
        if (waits) {
            cond_signal(&cond);
        }
    }
    wg_wait(&wg);
}

/* ---- a broadcast in batches, and who comes meanwhile -------------------------------------------------------------------- */

static _Atomic bool through; /* the broadcast */
static _Atomic unsigned early, done;

static void comes_late(void *arg) {
    (void)arg;
    mutex_lock(&m);
    seen.waiting++;
    if (!atomic_load(&through)) {
        atomic_fetch_add(&early, 1);
    }
    cond_wait(&cond, &m);
    mutex_unlock(&m);
    atomic_fetch_add(&done, 1);
    wg_done(&wg);
}

/* A broadcast that has begun and has woken nobody yet: a signal is for the one who came since. */
TEST(sched, cond_signal_in_a_broadcast) {
    renew();
    start_waiting(waits, 1);
    hal_irq_t was = spin_lock(&cond.lock);
    cond.turn++; /* as cond_broadcast() begins */
    spin_unlock(&cond.lock, was);
    wg_add(&wg, 1);
    start(waits, (void *)1);
    for (bool in = false; !in; go_yield()) {
        mutex_lock(&m);
        in = seen.waiting == 2;
        mutex_unlock(&m);
    }
    signal_locked();
    WAIT_FOR(awake() == 1);
    cond_broadcast(&cond); /* finishes the other one */
    wg_wait(&wg);
    CHECK_EQ(seen.order[0], 1);
    CHECK_EQ(seen.order[1], 0);
}

/* The first to be woken, while others of its generation are not: one more comes to wait, and is signalled. */
static void wakes_a_late_one(void *arg) {
    (void)arg;
    mutex_lock(&m);
    seen.waiting++;
    cond_wait(&cond, &m);
    bool first = seen.awake++ == 0;
    unsigned before = seen.waiting;
    mutex_unlock(&m);
    if (first) {
        wg_add(&wg, 1);
        start(comes_late, NULL);
        for (bool in = false; !in; go_yield()) {
            mutex_lock(&m);
            in = seen.waiting == before + 1;
            mutex_unlock(&m);
        }
        cond_signal(&cond);
    }
    wg_done(&wg);
}

/* A signal that is given while a broadcast is on its way is for the one who came since, not for one whom the broadcast
 * wakes anyhow: else that one would sleep for ever. */
TEST(sched, cond_signal_beside_broadcast) {
    early = 0;
    for (unsigned i = 0; i < test_rounds(40); i++) {
        renew();
        through = false;
        go_set_slice(MS(10));
        start_waiting(wakes_a_late_one, 100);
        go_set_slice(US(10));
        cond_broadcast(&cond);
        through = true;
        wg_wait(&wg);
    }
    kprintf("# %u of %u came during the broadcast\n", atomic_load(&early), test_rounds(40));
}
