/* tests/test_sync.c - mutex, wait group, semaphore. */
#include <errno.h>

#include "sched/sched.h"
#include "tests/test.h"

static struct wg wg;

/* ---- mutex ------------------------------------------------------------------------------------------- */

static struct {
    struct mutex m;
    unsigned count; /* guarded by m, and not atomic on purpose */
    volatile unsigned inside;
    _Atomic int waiting;
    unsigned order[64], n; /* guarded by m */
} locked;

static void counts_locked(void *arg) {
    unsigned rounds = *(unsigned *)arg;
    for (unsigned i = 0; i < rounds; i++) {
        mutex_lock(&locked.m);
        CHECK_EQ(locked.inside++, 0);
        unsigned was = locked.count;
        if (i % 16 == 0) {
            go_yield();
        }
        locked.count = was + 1;
        CHECK_EQ(--locked.inside, 0);
        mutex_unlock(&locked.m);
    }
    wg_done(&wg);
}

/* One at a time, whoever preempts whom. */
TEST(sched, TestMutex) {
    unsigned rounds = test_rounds(1000), n = 4 * go_num_cores();
    locked.count = locked.inside = 0;
    go_set_slice(US(50));
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(counts_locked, &rounds);
    }
    wg_wait(&wg);
    CHECK_EQ(locked.count, n * rounds);
    CHECK_EQ(atomic_load(&locked.m.word), 0);
}

static void tries(void *arg) {
    *(int *)arg = mutex_trylock(&locked.m);
    wg_done(&wg);
}

TEST(sched, mutex_trylock) {
    int result = 1;
    CHECK_EQ(mutex_trylock(&locked.m), 0);
    wg_add(&wg, 1);
    start(tries, &result);
    wg_wait(&wg);
    CHECK_EQ(result, -EBUSY);
    CHECK_EQ(mutex_trylock(&locked.m), -EBUSY);
    mutex_unlock(&locked.m);
    CHECK_EQ(mutex_trylock(&locked.m), 0);
    mutex_unlock(&locked.m);
}

static void locks_in_turn(void *arg) {
    atomic_fetch_add(&locked.waiting, 1);
    mutex_lock(&locked.m);
    locked.order[locked.n++] = (unsigned)(uintptr_t)arg;
    mutex_unlock(&locked.m);
    wg_done(&wg);
}

/* An unlocker that locks again at once gets in before those who wait - until one of them has waited for over a
 * millisecond and has been woken in vain: then the mutex is handed from one to the next. */
TEST(sched, mutex_hands_over_in_order) {
    enum { N = 20 };
    needs_order();
    use_cores(1);
    go_set_slice(SEC(1));
    locked.n = 0;
    locked.waiting = 0;
    mutex_lock(&locked.m);
    wg_add(&wg, N);
    for (int i = 0; i < N; i++) {
        start(locks_in_turn, (void *)(uintptr_t)i);
        WAIT_FOR(atomic_load(&locked.waiting) == i + 1);
        go_yield();
    }
    go_sleep(MS(2));
    mutex_unlock(&locked.m);
    mutex_lock(&locked.m);
    CHECK_EQ(locked.n, 0);
    go_yield(); /* the first one, woken by the unlock, finds it taken */
    mutex_unlock(&locked.m);
    mutex_lock(&locked.m);
    CHECK_EQ(locked.n, N);
    mutex_unlock(&locked.m);
    wg_wait(&wg);
    for (unsigned i = 0; i < N; i++) {
        CHECK_EQ(locked.order[i], i);
    }
}

/* ---- owning several ------------------------------------------------------------------------------------ */

static struct mutex three[3];

/* Each in another way. */
static void lock_three(void) {
    void (*volatile called)(struct mutex *) = mutex_lock;
    mutex_lock(&three[0]);
    called(&three[1]);
    CHECK_EQ(mutex_trylock(&three[1]), -EBUSY);
    CHECK_EQ(mutex_lock_until(&three[2], WITHIN(NOWAIT)), 0);
    CHECK_EQ(hal_self()->mutexes, 3);
}

TEST(sched, mutexes_unlocked_in_any_order) {
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                         {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    void (*volatile called)(struct mutex *) = mutex_unlock;
    for (unsigned i = 0; i < 6; i++) {
        lock_three();
        mutex_unlock(&three[orders[i][0]]);
        mutex_lock(&three[orders[i][0]]);
        CHECK_EQ(mutex_trylock(&three[orders[i][0]]), -EBUSY);
        called(&three[orders[i][0]]);
        CHECK_EQ(hal_self()->mutexes, 2);
        mutex_unlock(&three[orders[i][1]]);
        CHECK_EQ(hal_self()->mutexes, 1);
        called(&three[orders[i][2]]);
        CHECK_EQ(hal_self()->mutexes, 0);
        for (unsigned k = 0; k < 3; k++) {
            CHECK_EQ(atomic_load(&three[k].word), 0);
        }
    }
}

static _Atomic bool stop;

static void hogs_the_mutex(void *arg) {
    (void)arg;
    while (!atomic_load(&stop)) {
        mutex_lock(&locked.m);
        for (volatile unsigned i = 0; i < 2000; i++) {
        }
        mutex_unlock(&locked.m);
    }
    wg_done(&wg);
}

/* Go: one that holds it most of the time does not starve another. */
TEST(sched, TestMutexFairness) {
    needs_preemption();
    stop = false;
    wg_add(&wg, 1);
    start(hogs_the_mutex, NULL);
    for (int i = 0; i < 10; i++) {
        go_sleep(US(100));
        mutex_lock(&locked.m);
        mutex_unlock(&locked.m);
    }
    stop = true;
    wg_wait(&wg);
}

/* ---- wait group ---------------------------------------------------------------------------------------------- */

static struct wg gate;
static _Atomic unsigned through;

static void waits_at_gate(void *arg) {
    (void)arg;
    wg_wait(&gate);
    atomic_fetch_add(&through, 1);
    wg_done(&wg);
}

TEST(sched, wg_wakes_all) {
    through = 0;
    wg_wait(&gate); /* zero: does not wait */
    wg_add(&gate, 2);
    wg_add(&wg, 30);
    for (int i = 0; i < 30; i++) {
        start(waits_at_gate, NULL);
    }
    go_sleep(MS(1));
    wg_done(&gate);
    go_sleep(MS(1));
    CHECK_EQ(atomic_load(&through), 0);
    wg_done(&gate);
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&through), 30);
}

static void is_done(void *arg) {
    wg_done(arg);
}

/* HAZARDS 12: the group lies on the stack of who waits, and its place is used for something else at once. */
static void waits_on_own_stack(int n) {
    struct wg own = {0};
    wg_add(&own, n);
    for (int i = 0; i < n; i++) {
        start(is_done, &own);
    }
    wg_wait(&own);
    own.lock = LOCK_HELD; /* who wanted it now would hang */
    atomic_store(&own.word, 0xdeadbeefcafeull);
}

TEST(sched, wg_on_the_stack) {
    for (unsigned i = 0; i < test_rounds(400); i++) {
        waits_on_own_stack(i % 2 ? 3 : 1);
    }
}

TEST(sched, wg_used_again) {
    for (unsigned i = 0; i < test_rounds(400); i++) {
        wg_add(&gate, 4);
        for (int k = 0; k < 4; k++) {
            start(is_done, &gate);
        }
        wg_wait(&gate);
        CHECK_EQ(atomic_load(&gate.word), 0);
    }
}

/* ---- semaphore --------------------------------------------------------------------------------------------------- */

static struct sema sema;

TEST(sched, sema_counts) {
    CHECK_EQ(sema_wait_until(&sema, WITHIN(NOWAIT)), -ETIMEDOUT);
    for (int i = 0; i < 5; i++) {
        sema_post(&sema);
    }
    for (int i = 0; i < 5; i++) {
        sema_wait(&sema);
    }
    CHECK_EQ(sema_wait_until(&sema, WITHIN(NOWAIT)), -ETIMEDOUT);
}

ONE_CORE static void takes_in_turn(void *arg) {
    atomic_fetch_add(&locked.waiting, 1);
    sema_wait(&sema);
    locked.order[locked.n++] = (unsigned)(uintptr_t)arg;
    wg_done(&wg);
}

TEST(sched, sema_is_fifo) {
    enum { N = 20 };
    use_cores(1);
    go_set_slice(SEC(1));
    locked.n = 0;
    locked.waiting = 0;
    wg_add(&wg, N);
    for (int i = 0; i < N; i++) {
        start(takes_in_turn, (void *)(uintptr_t)i);
        WAIT_FOR(atomic_load(&locked.waiting) == i + 1);
        go_yield();
    }
    for (int i = 0; i < N; i++) {
        sema_post(&sema);
        WAIT_FOR(locked.n == (unsigned)i + 1);
    }
    wg_wait(&wg);
    for (unsigned i = 0; i < N; i++) {
        CHECK_EQ(locked.order[i], i);
    }
}

TEST(sched, sema_times_out) {
    for (int i = 0; i < 5; i++) {
        ns_t when = go_now() + US(300);
        CHECK_EQ(sema_wait_until(&sema, AT(when)), -ETIMEDOUT);
        CHECK(go_now() >= when);
    }
    CHECK_EQ(sema_wait_until(&sema, AT(go_now() - 1)), -ETIMEDOUT);
    sema_post(&sema);
    CHECK_EQ(sema_wait_until(&sema, AT(go_now() - 1)), 0);
    sema_post(&sema);
    CHECK_EQ(sema_wait_until(&sema, AT(FOREVER)), 0);
}

static struct {
    _Atomic unsigned got, timed_out;
    _Atomic bool stop;
} race;

static void waits_a_moment(void *arg) {
    uint32_t random = 1 + (uint32_t)(uintptr_t)arg;
    while (!atomic_load(&race.stop)) {
        int r = sema_wait_until(&sema, WITHIN(US(5 + test_random(&random) % 60)));
        if (r == 0) {
            atomic_fetch_add(&race.got, 1);
        } else {
            CHECK_EQ(r, -ETIMEDOUT);
            atomic_fetch_add(&race.timed_out, 1);
        }
    }
    wg_done(&wg);
}

/* Posts and deadlines meet: every post is taken once, or still there in the end. */
TEST(sched, sema_post_races_with_deadline) {
    unsigned posted = 0, rounds = test_rounds(2000);
    uint32_t random = 77;
    race.got = race.timed_out = 0;
    race.stop = false;
    wg_add(&wg, 8);
    for (int i = 0; i < 8; i++) {
        start(waits_a_moment, (void *)(uintptr_t)i);
    }
    while (posted < rounds || atomic_load(&race.timed_out) < rounds / 10) {
        sema_post(&sema);
        posted++;
        go_sleep(US(1 + test_random(&random) % 30));
    }
    race.stop = true;
    wg_wait(&wg);
    unsigned left = 0;
    while (sema_wait_until(&sema, WITHIN(NOWAIT)) == 0) {
        left++;
    }
    CHECK_EQ(atomic_load(&race.got) + left, posted);
}

/* ---- TestSemaHandoff and the like: two that take turns --------------------------------------------------------- */

static struct sema left, right;

static void answers(void *arg) {
    unsigned rounds = *(unsigned *)arg;
    for (unsigned i = 0; i < rounds; i++) {
        sema_wait(&left);
        sema_post(&right);
    }
    wg_done(&wg);
}

TEST(sched, sema_ping_pong) {
    unsigned rounds = test_rounds(5000);
    wg_add(&wg, 1);
    start(answers, &rounds);
    for (unsigned i = 0; i < rounds; i++) {
        sema_post(&left);
        sema_wait(&right);
    }
    wg_wait(&wg);
}

/* ---- limits --------------------------------------------------------------------------------------------- */

struct short_lives {
    struct wg over, ended;
};

static void gives_up_soon(void *arg) {
    struct short_lives *s = arg;
    wg_wait_until(&s->over, WITHIN(US(5)));
    wg_done(&s->ended);
}

static void starts_short_lives(void *arg) {
    for (unsigned i = 0; i < test_rounds(3000); i++) {
        struct short_lives s = {0};
        wg_add(&s.over, 1);
        wg_add(&s.ended, 2);
        start(is_done, &s.over);
        start(gives_up_soon, &s);
        start(gives_up_soon, &s);
        wg_wait(&s.ended);
        wg_wait(&s.over);
    }
    wg_done(arg);
}

/* With SAN=race: a G in the place of another that waited with a limit, and whom nobody here knew, is not taken for that
 * one. */
TEST(sched, limits_of_short_lives) {
    enum { N = 6 };
    wg_add(&wg, N);
    for (unsigned i = 0; i < N; i++) {
        start(starts_short_lives, &wg);
    }
    wg_wait(&wg);
}
