/* tests/test_stress.c - many Gs, many cores, short slices: what is lost or doubled shows as a wrong sum or a hang. */
#include <errno.h>

#include "sched/sched.h"
#include "tests/test.h"

static struct wg wg;
static _Atomic unsigned total;

/* ---- spawning ---------------------------------------------------------------------------------------------- */

static void adds_one(void *arg) {
    (void)arg;
    atomic_fetch_add(&total, 1);
    wg_done(&wg);
}

TEST(stress, spawn_100000) {
    unsigned n = test_rounds(100000);
    total = 0;
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        int error;
        while ((error = go(adds_one, NULL)) != 0) { /* they end slower than they are started: let them */
            CHECK_EQ(error, -ENOMEM);
            go_yield();
        }
    }
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&total), n);
}

/* Each G starts two more: all of them on whichever core finds them. */
static void branches(void *arg) {
    unsigned depth = (unsigned)(uintptr_t)arg;
    if (depth != 0) {
        wg_add(&wg, 2);
        start(branches, (void *)(uintptr_t)(depth - 1));
        start(branches, (void *)(uintptr_t)(depth - 1));
    }
    atomic_fetch_add(&total, 1);
    wg_done(&wg);
}

TEST(stress, spawn_tree) {
    for (unsigned round = 0; round < test_rounds(16); round++) {
        total = 0;
        wg_add(&wg, 1);
        start(branches, (void *)9);
        wg_wait(&wg);
        CHECK_EQ(atomic_load(&total), 1023);
    }
}

/* ---- stealing ----------------------------------------------------------------------------------------------- */

static void yields_a_while(void *arg) {
    unsigned n = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < n; i++) {
        if (i % 4 == 0) {
            go_yield();
        }
    }
    atomic_fetch_add(&total, 1);
    wg_done(&wg);
}

/* One core makes all the work, in heaps larger than a ring. */
#define HEAP (RING + 100)

TEST(stress, steal_storm) {
    unsigned rounds = test_rounds(40);
    uint64_t stolen = SUM(stolen);
    go_set_slice(US(100));
    total = 0;
    bool one = go_num_cores() == 1;
    unsigned round = 0;
    for (; round < rounds || (!one && SUM(stolen) == stolen); round++) {
        wg_add(&wg, HEAP);
        for (uintptr_t i = 0; i < HEAP; i++) {
            start(yields_a_while, (void *)(i % 20));
        }
        wg_wait(&wg);
    }
    CHECK_EQ(atomic_load(&total), HEAP * round);
}

/* ---- waking --------------------------------------------------------------------------------------------------- */

/* The machine falls asleep and is woken again and again, by each way there is. A wake-up that is lost is a hang. */
TEST(stress, wake_and_idle) {
    unsigned n = go_num_cores();
    uint32_t random = 5;
    go_set_slice(US(100)); /* for those that are pinned to a core whose G waits for them without a pause */
    for (unsigned round = 0; round < test_rounds(800); round++) {
        unsigned count = 1 + test_random(&random) % (2 * n);
        wg_add(&wg, (int)count);
        for (unsigned i = 0; i < count; i++) {
            if (test_random(&random) % 3 == 0) {
                start_on(test_random(&random) % n, adds_one, NULL);
            } else {
                start(adds_one, NULL);
            }
        }
        switch (test_random(&random) % 3) {
        case 0:
            SPIN_UNTIL(atomic_load(&wg.word) == 0);
            break;
        case 1:
            go_sleep(US(test_random(&random) % 100));
            break;
        }
        wg_wait(&wg);
    }
}

struct pair {
    struct sema ping, pong;
    unsigned rounds;
    _Atomic unsigned cores;
};

static void returns(void *arg) {
    struct pair *p = arg;
    for (unsigned i = 0; i < p->rounds; i++) {
        sema_wait(&p->ping);
        sema_post(&p->pong);
    }
    wg_done(&wg);
}

static void serves(void *arg) {
    struct pair *p = arg;
    for (unsigned i = 0; i < p->rounds; i++) {
        sema_post(&p->ping);
        sema_wait(&p->pong);
        p->cores |= 1u << go_core();
    }
    wg_done(&wg);
}

/* Between two cores that do nothing else: each post is an interrupt to a core that falls asleep. */
TEST(stress, ping_pong_across_cores) {
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    static struct pair p;
    p = (struct pair){.rounds = test_rounds(2000)};
    wg_add(&wg, 2);
    start_on(0, returns, &p);
    start_on(go_num_cores() - 1, serves, &p);
    wg_wait(&wg);
}

static struct {
    struct pair pair[2];
    _Atomic unsigned progress[2];
    _Atomic bool stop;
} two;

static void serves_until_stopped(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg;
    struct pair *p = &two.pair[me];
    while (!atomic_load(&two.stop)) {
        sema_post(&p->ping);
        sema_wait(&p->pong);
        atomic_fetch_add(&two.progress[me], 1);
        p->cores |= 1u << go_core();
    }
    p->rounds = 0;
    sema_post(&p->ping);
    wg_done(&wg);
}

static void returns_until_stopped(void *arg) {
    struct pair *p = &two.pair[(uintptr_t)arg];
    for (;;) {
        sema_wait(&p->ping);
        if (p->rounds == 0) {
            break;
        }
        sema_post(&p->pong);
    }
    wg_done(&wg);
}

static int two_pairs_cores(void) {
    return __builtin_popcount(two.pair[0].cores | two.pair[1].cores);
}

/* Two pairs are on two cores, not behind each other: both are at it at the same time. */
TEST(stress, two_pairs_scale) {
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    two.stop = false;
    wg_add(&wg, 4);
    for (uintptr_t i = 0; i < 2; i++) {
        two.pair[i] = (struct pair){.rounds = 1};
        two.progress[i] = 0;
        start(serves_until_stopped, (void *)i);
        start(returns_until_stopped, (void *)i);
    }
    unsigned want = test_rounds(4000);
    /* Linux may leave the other cores' threads without a processor for a while. */
    WAIT_FOR(atomic_load(&two.progress[0]) >= want && atomic_load(&two.progress[1]) >= want &&
             two_pairs_cores() > 1);
    two.stop = true;
    wg_wait(&wg);
}

/* ---- all asleep but for a timer --------------------------------------------------------------------------------- */

/* Again and again every core sleeps and one timer is left, which ends while another core is about to fall asleep:
 * the check for deadlock must never take that for the end. */
static struct sema my_turn[HAL_MAX_CORES];

static void sleeps_in_turn(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg, n = go_num_cores();
    uint32_t random = 77 + me;
    for (unsigned i = 0; i < test_rounds(4000); i++) {
        sema_wait(&my_turn[me]);
        if (i % 2 == 0) {
            go_sleep(US(test_random(&random) % 40));
        }
        sema_post(&my_turn[(me + 1) % n]);
        go_sleep(US(test_random(&random) % 40));
    }
    wg_done(&wg);
}

static void sleep_in_turn(unsigned active) {
    use_cores(active);
    wg_add(&wg, (int)go_num_cores());
    for (unsigned i = 0; i < go_num_cores(); i++) {
        my_turn[i] = (struct sema){0};
        start_on(i, sleeps_in_turn, (void *)(uintptr_t)i);
    }
    sema_post(&my_turn[0]);
    wg_wait(&wg);
}

TEST(stress, asleep_but_for_a_timer) {
    sleep_in_turn(go_num_cores());
    sleep_in_turn(1);
}

/* ---- bursts (HAZARDS 41) --------------------------------------------------------------------------------------- */

static struct {
    struct chan *c;
    unsigned rounds;
    _Atomic unsigned sent, received;
} burst;

static void short_yielder(void *arg) {
    (void)arg;
    for (int i = 0; i < 3; i++) {
        go_yield();
    }
    atomic_fetch_add(&total, 1);
    wg_done(&wg);
}

static void burst_sender(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < burst.rounds; i++) {
        unsigned v = me * burst.rounds + i;
        chan_send(burst.c, &v);
        atomic_fetch_add(&burst.sent, v);
    }
    wg_done(&wg);
}

static void burst_receiver(void *arg) {
    (void)arg;
    unsigned v;
    for (unsigned i = 0; i < burst.rounds; i++) {
        CHECK_EQ(chan_recv(burst.c, &v), 0);
        atomic_fetch_add(&burst.received, v);
    }
    wg_done(&wg);
}

static void bursts(size_t capacity) {
    unsigned pairs = 2 * go_num_cores(), yielders = 8;
    uint32_t random = 11;
    burst.c = CHAN(unsigned, capacity);
    burst.rounds = test_rounds(400);
    burst.sent = burst.received = 0;
    for (unsigned turn = 0; turn < test_rounds(8); turn++) {
        wg_add(&wg, (int)(2 * pairs));
        for (uintptr_t i = 0; i < pairs; i++) {
            start(burst_sender, (void *)i);
            start(burst_receiver, NULL);
        }
        for (unsigned k = 0; k < test_rounds(80); k++) {
            /* a slice that is always the same ends at the same few places (HAZARDS 40) */
            go_set_slice(US(10) + test_random(&random) % US(40));
            wg_add(&wg, (int)yielders);
            for (unsigned i = 0; i < yielders; i++) {
                start(short_yielder, NULL);
            }
            go_yield();
        }
        wg_wait(&wg);
    }
    CHECK_EQ(atomic_load(&burst.sent), atomic_load(&burst.received));
    CHECK_EQ(chan_len(burst.c), 0);
    chan_free(burst.c);
}

#define YIELDS 30

static void long_yielder(void *arg) {
    (void)arg;
    for (int i = 0; i < YIELDS; i++) {
        atomic_fetch_add(&total, 1); /* each once: who enters a G before it is saved repeats what it did */
        go_yield();
    }
    wg_done(&wg);
}

/* Two on one core, so that a thief that has just been woken takes the one which has this moment yielded. */
TEST(stress, bursts_of_two) {
    unsigned rounds = test_rounds(1000);
    total = 0;
    for (unsigned i = 0; i < rounds; i++) {
        wg_add(&wg, 2);
        start(long_yielder, NULL);
        start(long_yielder, NULL);
        wg_wait(&wg);
    }
    CHECK_EQ(atomic_load(&total), 2 * YIELDS * rounds);
}

TEST(stress, bursts_unbuffered) {
    bursts(0);
}

TEST(stress, bursts_buffered) {
    bursts(2);
}

/* A slice may be over before the handler of its tick is: whoever cannot be preempted gets on all the same. */
static void counts_unpreempted(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < test_rounds(8); i++) {
        go_preempt_off();
        for (volatile unsigned n = 0; n < 10000; n++) {
        }
        go_preempt_on();
    }
    wg_done(&wg);
}

TEST(stress, bursts_of_ticks) {
    go_set_slice(US(10));
    wg_add(&wg, (int)(2 * go_num_cores()));
    for (unsigned i = 0; i < 2 * go_num_cores(); i++) {
        start(counts_unpreempted, NULL);
    }
    wg_wait(&wg);
}

/* ---- cores come and go ------------------------------------------------------------------------------------------- */

TEST(stress, cores_churn) {
    uint32_t random = 3;
    unsigned before = go_count(), pairs = 16;
    go_set_slice(US(50));
    burst.c = CHAN(unsigned, 1);
    burst.rounds = test_rounds(1600);
    burst.sent = burst.received = 0;
    wg_add(&wg, (int)(2 * pairs));
    for (uintptr_t i = 0; i < pairs; i++) {
        start(burst_sender, (void *)i);
        start(burst_receiver, NULL);
    }
    while (go_count() > before) {
        CHECK_EQ(go_set_cores(1 + test_random(&random) % go_num_cores()), 0);
        if (test_random(&random) % 4 == 0) {
            go_sleep(US(50));
        } else {
            go_yield();
        }
    }
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&burst.sent), atomic_load(&burst.received));
    chan_free(burst.c);
}
