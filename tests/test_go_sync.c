/* tests/test_go_sync.c - what Go's sync package tests of mutexes, wait groups and semaphores, under its names. What there is
 * beside: tests/test_sync.c. */
#include <errno.h>

#include "sched/sched.h"
#include "tests/test.h"

static struct wg wg;

/* ---- semaphore --------------------------------------------------------------------------------------------- */

static struct {
    struct sema sema;
    _Atomic int inside;
    _Atomic unsigned passes;
} hammered;

static void hammers_semaphore(void *arg) {
    int most = *(int *)arg;
    for (unsigned i = 0; i < test_rounds(1000); i++) {
        sema_wait(&hammered.sema);
        CHECK(atomic_fetch_add(&hammered.inside, 1) < most);
        if (i % 32 == 0) {
            go_yield();
        }
        atomic_fetch_sub(&hammered.inside, 1);
        atomic_fetch_add(&hammered.passes, 1);
        sema_post(&hammered.sema);
    }
    wg_done(&wg);
}

/* Never more inside than it counts. */
TEST(sched, TestSemaphore) {
    for (unsigned count = 1; count <= 3; count++) {
        hammered.sema = (struct sema){.count = count};
        hammered.passes = 0;
        wg_add(&wg, 10);
        for (int i = 0; i < 10; i++) {
            start(hammers_semaphore, &count);
        }
        wg_wait(&wg);
        CHECK_EQ(atomic_load(&hammered.passes), 10 * test_rounds(1000));
        CHECK_EQ(hammered.sema.count, count);
    }
}

static struct {
    struct sema sema;
    _Atomic bool waiting, has_run;
} handoff;

static void takes_it(void *arg) {
    (void)arg;
    handoff.waiting = true;
    sema_wait(&handoff.sema);
    handoff.has_run = true;
    wg_done(&wg);
}

/* Go: TestSemaHandoff. Once it is posted nobody else can take what the first waiter has been given; a yield lets the
 * waiter run, before others that were there. */
TEST(sched, TestSemaHandoff) {
    needs_order();
    use_cores(1);
    go_set_slice(SEC(1));
    for (unsigned i = 0; i < 100; i++) {
        handoff.waiting = handoff.has_run = false;
        wg_add(&wg, 1);
        start(takes_it, NULL);
        WAIT_FOR(atomic_load(&handoff.waiting));
        go_yield();
        sema_post(&handoff.sema);
        CHECK_EQ(sema_try(&handoff.sema, 1), -EAGAIN);
        go_yield();
        CHECK(atomic_load(&handoff.has_run));
        wg_wait(&wg);
    }
}

/* ---- wait group ------------------------------------------------------------------------------------------------- */

static struct {
    struct wg first, second;
    _Atomic unsigned exited;
} groups;

static void goes_through_two(void *arg) {
    (void)arg;
    wg_done(&groups.first);
    wg_wait(&groups.second);
    atomic_fetch_add(&groups.exited, 1);
    wg_done(&wg);
}

/* Nobody comes through before the count is zero, all do then; and again with the same groups. */
TEST(sched, TestWaitGroup) {
    enum { N = 16 };
    for (int round = 0; round < 8; round++) {
        groups.exited = 0;
        wg_add(&groups.first, N);
        wg_add(&groups.second, N);
        wg_add(&wg, N);
        for (int i = 0; i < N; i++) {
            start(goes_through_two, NULL);
        }
        wg_wait(&groups.first);
        for (int i = 0; i < N; i++) {
            CHECK_EQ(atomic_load(&groups.exited), 0);
            wg_done(&groups.second);
        }
        wg_wait(&wg);
        CHECK_EQ(atomic_load(&groups.exited), N);
    }
}

struct race {
    struct wg wg;
    unsigned n[2]; /* each written by one, read after the wait, and not atomic on purpose */
};

static void adds_first(void *arg) {
    struct race *r = arg;
    r->n[0]++;
    wg_done(&r->wg);
}

static void adds_second(void *arg) {
    struct race *r = arg;
    r->n[1]++;
    wg_done(&r->wg);
}

/* What came before a done is seen after the wait, though the group is gone at once. */
TEST(sched, TestWaitGroupRace) {
    for (unsigned i = 0; i < test_rounds(1000); i++) {
        struct race r = {0};
        wg_add(&r.wg, 1);
        start(adds_first, &r);
        wg_add(&r.wg, 1);
        start(adds_second, &r);
        wg_wait(&r.wg);
        CHECK_EQ(r.n[0] + r.n[1], 2);
    }
}

static struct {
    struct wg group;
    _Atomic bool taken;
} gone;

#define OTHER_USE 0xdeadbeefcafeull

static void takes_the_place(void *arg) {
    (void)arg;
    wg_wait(&gone.group);
    if (!atomic_exchange(&gone.taken, true)) {
        gone.group.lock = LOCK_HELD; /* who wanted it now would hang */
        atomic_store(&gone.group.word, OTHER_USE);
    }
    wg_done(&wg);
}

/* HAZARDS 12: whichever waiter is the first to go on may use the group's memory for something else, while the one that
 * wakes them is still at it. */
TEST(stress, wg_is_not_touched_after_wake) {
    for (unsigned round = 0; round < test_rounds(200); round++) {
        enum { N = 40 };
        gone.taken = false;
        gone.group = (struct wg){0};
        wg_add(&gone.group, 1);
        wg_add(&wg, N);
        for (int i = 0; i < N; i++) {
            start(takes_the_place, NULL);
        }
        settle();
        wg_done(&gone.group);
        wg_wait(&wg);
        CHECK(atomic_load(&gone.group.word) == OTHER_USE);
        CHECK_EQ(gone.group.lock, LOCK_HELD);
    }
}

static void waits_a_little(void *arg) {
    uint32_t random = 1 + (uint32_t)go_id();
    for (;;) {
        if (wg_wait_until(arg, WITHIN(US(1 + test_random(&random) % 30))) == 0) {
            break;
        }
    }
    wg_done(&wg);
}

static void is_done(void *arg) {
    go_sleep(US(go_id() % 40));
    wg_done(arg);
}

/* Waiters whose limit is over meet the done that wakes: the group may be gone as soon as all of them are back. */
TEST(stress, wg_limits_race_with_done) {
    for (unsigned round = 0; round < test_rounds(300); round++) {
        struct wg group = {0};
        wg_add(&group, 3);
        wg_add(&wg, 4);
        for (int i = 0; i < 4; i++) {
            start(waits_a_little, &group);
        }
        for (int i = 0; i < 3; i++) {
            start(is_done, &group);
        }
        wg_wait(&wg);
        CHECK_EQ(atomic_load(&group.word), 0);
        group.lock = LOCK_HELD; /* who wanted it now would hang */
    }
}

/* ---- mutex ---------------------------------------------------------------------------------------------------------- */

static struct {
    struct mutex m;
    _Atomic unsigned missed;
    unsigned count; /* guarded by m, and not atomic on purpose */
} limited;

static void locks_for_a_while(void *arg) {
    uint32_t random = (uint32_t)(uintptr_t)arg;
    unsigned mine = 0;
    while (mine < test_rounds(300)) {
        int r = mutex_lock_until(&limited.m, WITHIN(US(test_random(&random) % 40)));
        if (r == 0) {
            limited.count++;
            if (mine % 16 == 0) {
                go_sleep(US(20)); /* so that others give up */
            }
            mutex_unlock(&limited.m);
            mine++;
        } else {
            CHECK_EQ(r, -ETIMEDOUT);
            atomic_fetch_add(&limited.missed, 1);
        }
    }
    wg_done(&wg);
}

/* Deadlines meet unlocks, hand-offs and the mark of who was woken: nobody is lost, the mutex is free in the end. */
TEST(stress, mutex_limits_race_with_unlock) {
    unsigned n = 2 * go_num_cores();
    limited.count = 0;
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(locks_for_a_while, (void *)(uintptr_t)(i + 1));
    }
    wg_wait(&wg);
    CHECK_EQ(limited.count, n * test_rounds(300));
    CHECK_EQ(atomic_load(&limited.m.word), 0);
    CHECK(limited.m.waiters.head == NULL);
}

/* ---- misuse, and its last words ----------------------------------------------------------------------------------------- */

TEST(death, TestMutexMisuse) {
    struct mutex m = {0};
    expect_status(2);
    expect_text("fatal error: sync: unlock of unlocked mutex");
    mutex_lock(&m);
    mutex_unlock(&m);
    mutex_unlock(&m);
}

/* One who waits has been counted, and the last done has not woken it yet. */
TEST(death, wg_add_meets_wait) {
    struct wg group = {.word = (uint64_t)1 << 32};
    expect_status(2);
    expect_text("panic: sync: WaitGroup misuse: Add called concurrently with Wait");
    expect_text("test_wg_add_meets_wait+0x");
    wg_add(&group, 1);
}

TEST(death, TestWaitGroupMisuse) {
    struct wg group = {0};
    expect_status(2);
    expect_text("panic: sync: negative WaitGroup counter");
    wg_add(&group, 1);
    wg_done(&group);
    wg_done(&group);
}
