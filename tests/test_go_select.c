/* tests/test_go_select.c - the tests of select in Go's runtime/chan_test.go, under Go's names (docs/GO.md). */
#include <errno.h>

#include "tests/test.h"
#include "tests/waiters.h"

static struct wg wg;

/* ---- TestNonblockSelectRace, TestNonblockSelectRace2 ---------------------------------------------------- */

static struct { struct chan *a, *b; } pair;

static void selects_one_of_two(void *arg) {
    (void)arg;
    CHECK(chan_select(NOWAIT, RECV(pair.a, NULL), RECV(pair.b, NULL)) >= 0);
    wg_done(&wg);
}

/* At every moment at least one of both has something: first a, then b too, then b alone. So a select that asks one after
 * the other and says "none" is wrong (HAZARDS 47). */
static void nonblock_race(unsigned n, bool by_close) {
    int one = 1;
    for (unsigned i = 0; i < n; i++) {
        pair.a = CHAN(int, 1);
        pair.b = CHAN(int, by_close ? 0 : 1);
        CHECK_EQ(chan_send(pair.a, &one), 0);
        wg_add(&wg, 1);
        start(selects_one_of_two, NULL);
        if (by_close) {
            chan_close(pair.b);
        } else {
            CHECK_EQ(chan_send(pair.b, &one), 0);
        }
        chan_try_recv(pair.a, NULL);
        wg_wait(&wg);
        chan_free(pair.a);
        chan_free(pair.b);
    }
}

TEST(stress, TestNonblockSelectRace) {
    nonblock_race(test_rounds(20000), false);
}

TEST(stress, TestNonblockSelectRace2) {
    nonblock_race(test_rounds(20000), true);
}

static struct {
    _Atomic unsigned turn, done;
    unsigned rounds;
    struct chan *empty;
} step;

static void lingers(uint32_t *random) {
    for (volatile uint32_t i = test_random(random) % 8000; i != 0; i--) {
    }
}

static void selects_in_step(void *arg) {
    (void)arg;
    uint32_t random = test_seed(1);
    for (unsigned i = 1; i <= step.rounds; i++) {
        WAIT_FOR(atomic_load(&step.turn) == i);
        lingers(&random);
        struct chan *e = step.empty; /* between both, so that asking takes long */
        CHECK(chan_select(NOWAIT, RECV(pair.a, NULL), RECV(e, NULL), RECV(e, NULL), RECV(e, NULL),
                          RECV(e, NULL), RECV(e, NULL), RECV(e, NULL), RECV(pair.b, NULL)) >= 0);
        step.done = i;
    }
    wg_done(&wg);
}

/* The same on one core, where the slice of the asking G ends at every point of its select, and the other goes on there. */
TEST(stress, nonblock_select_race_preempted) {
    int one = 1;
    step.turn = step.done = 0;
    step.rounds = test_rounds(20000);
    pair.a = CHAN(int, 1);
    pair.b = CHAN(int, 1);
    step.empty = CHAN(int, 0);
    use_cores(1);
    go_set_slice(US(10));
    wg_add(&wg, 1);
    start(selects_in_step, NULL);
    for (unsigned i = 1; i <= step.rounds; i++) {
        CHECK_EQ(chan_send(pair.a, &one), 0);
        step.turn = i;
        go_yield();
        CHECK_EQ(chan_send(pair.b, &one), 0);
        chan_try_recv(pair.a, NULL);
        WAIT_FOR(atomic_load(&step.done) == i);
        chan_try_recv(pair.a, NULL);
        chan_try_recv(pair.b, NULL);
    }
    wg_wait(&wg);
    chan_free(pair.a);
    chan_free(pair.b);
    chan_free(step.empty);
}

/* ---- TestSelfSelect --------------------------------------------------------------------------------------- */

static struct {
    struct chan *c;
    unsigned rounds;
    _Atomic unsigned sent, received;
} self;

static void sends_and_receives(void *arg) {
    int me = (int)(intptr_t)arg;
    for (unsigned i = 0; i < self.rounds; i++) {
        int v = -1;
        bool sent;
        if (me == 0 || i % 2 == 0) {
            sent = chan_select(FOREVER, SEND(self.c, &me), RECV(self.c, &v)) == 0;
        } else {
            sent = chan_select(FOREVER, RECV(self.c, &v), SEND(self.c, &me)) == 1;
        }
        atomic_fetch_add(sent ? &self.sent : &self.received, 1);
        CHECK(sent ? v == -1 : v == 0 || v == 1);
        if (!sent && chan_cap(self.c) == 0) {
            CHECK(v != me); /* it did not receive what it sent */
        }
    }
    wg_done(&wg);
}

/* Two Gs that each send and receive on the same channel in one select: without a buffer each meets only the other. */
TEST(sched, TestSelfSelect) {
    for (size_t capacity = 0; capacity <= 10; capacity += 10) {
        self.c = CHAN(int, capacity);
        self.rounds = test_rounds(2000);
        self.sent = self.received = 0;
        wg_add(&wg, 2);
        start(sends_and_receives, (void *)0);
        start(sends_and_receives, (void *)1);
        wg_wait(&wg);
        CHECK_EQ(self.sent + self.received, 2 * self.rounds);
        CHECK_EQ(self.sent - self.received, chan_len(self.c));
        chan_free(self.c);
    }
}

/* ---- TestSelectStress --------------------------------------------------------------------------------------- */

#define CHANS 4

static struct {
    struct chan *c[CHANS];
    unsigned n;
} many;

static void sends_n(void *arg) {
    for (unsigned i = 0, v = 0; i < many.n; i++) {
        CHECK_EQ(chan_send(arg, &v), 0);
    }
    wg_done(&wg);
}

static void receives_n(void *arg) {
    for (unsigned i = 0; i < many.n; i++) {
        CHECK_EQ(chan_recv(arg, NULL), 0);
    }
    wg_done(&wg);
}

/* n times on each, whichever can go on; one that has had its n is NULL from then on. */
static void selects_n_each(bool send) {
    unsigned counts[CHANS] = {0}, v = 0;
    struct chan *c[CHANS];
    for (unsigned i = 0; i < CHANS; i++) {
        c[i] = many.c[i];
    }
    for (unsigned i = 0; i < CHANS * many.n; i++) {
        int k = send ? chan_select(FOREVER, SEND(c[3], &v), SEND(c[2], &v), SEND(c[0], &v),
                                   SEND(c[1], &v))
                     : chan_select(FOREVER, RECV(c[0], NULL), RECV(c[1], NULL), RECV(c[2], NULL),
                                   RECV(c[3], NULL));
        CHECK(k >= 0 && k < CHANS);
        unsigned which = send ? (unsigned)"\3\2\0\1"[k] : (unsigned)k;
        CHECK(c[which] != NULL);
        if (++counts[which] == many.n) {
            c[which] = NULL;
        }
    }
    wg_done(&wg);
}

static void selecting_sender(void *arg) {
    (void)arg;
    selects_n_each(true);
}

static void selecting_receiver(void *arg) {
    (void)arg;
    selects_n_each(false);
}

TEST(stress, TestSelectStress) {
    many.n = test_rounds(4000);
    for (unsigned i = 0; i < CHANS; i++) {
        many.c[i] = CHAN(unsigned, i < 2 ? 0 : i);
    }
    wg_add(&wg, 2 * CHANS + 2);
    for (unsigned i = 0; i < CHANS; i++) {
        start(sends_n, many.c[i]);
        start(receives_n, many.c[i]);
    }
    start(selecting_sender, NULL);
    start(selecting_receiver, NULL);
    wg_wait(&wg);
    for (unsigned i = 0; i < CHANS; i++) {
        CHECK_EQ(chan_len(many.c[i]), 0);
        CHECK_EQ(chan_waiters(many.c[i], true) + chan_waiters(many.c[i], false), 0);
        chan_free(many.c[i]);
    }
}

/* ---- TestSelectFairness ----------------------------------------------------------------------------------------- */

/* Chances are even: n of them deviate from n / ways by no more than ten standard deviations (which is past all chance:
 * one in 10^22). */
static void check_even(unsigned count, unsigned n, unsigned ways) {
    int64_t off = (int64_t)count * ways - n;
    CHECK(off * off <= (int64_t)100 * n * (ways - 1));
}

TEST(sched, TestSelectFairness) {
    unsigned trials = test_rounds(8000), count = 0;
    char one = 1, two = 2, v;
    struct chan *c[4] = {CHAN(char, trials + 1), CHAN(char, trials + 1), CHAN(char, 0), CHAN(char, 0)};
    for (unsigned i = 0; i <= trials; i++) {
        CHECK_EQ(chan_send(c[0], &one), 0);
        CHECK_EQ(chan_send(c[1], &two), 0);
    }
    for (unsigned i = 0; i < trials; i++) {
        v = 0;
        int k = chan_select(FOREVER, RECV(c[2], &v), RECV(c[3], &v), RECV(c[0], &v), RECV(c[1], &v));
        CHECK(k == 2 || k == 3);
        CHECK_EQ(v, k - 1);
        count += v == 1;
    }
    check_even(count, trials, 2);
    for (unsigned i = 0; i < 4; i++) {
        chan_free(c[i]);
    }
}

/* Any number of ready ones, on the stack and on the heap, among others that are not. */
TEST(sched, select_is_uniform) {
    static const unsigned sizes[] = {3, 8, 9, 40};
    static struct select_case cases[80];
    static unsigned counts[80];
    struct chan *full = CHAN(char, 1), *empty = CHAN(char, 0);
    char v = 1;
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        unsigned ways = sizes[s], trials = test_rounds(400) * ways;
        for (unsigned i = 0; i < 2 * ways; i++) {
            cases[i] = i % 2 == 0 ? SEND(empty, &v) : RECV(full, &v);
            counts[i] = 0;
        }
        for (unsigned i = 0; i < trials; i++) {
            CHECK_EQ(chan_send(full, &v), 0);
            int k = chan_select_within(cases, 2 * ways, FOREVER);
            CHECK(k >= 0 && k % 2 == 1);
            counts[k]++;
        }
        for (unsigned i = 1; i < 2 * ways; i += 2) {
            check_even(counts[i], trials, ways);
        }
    }
    chan_free(full);
    chan_free(empty);
}

/* ---- TestPseudoRandomSend ---------------------------------------------------------------------------------------- */

static struct {
    struct chan *c;
    unsigned n;
    unsigned char got[400];
} random_;

static void receives_digits(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < random_.n; i++) {
        go_yield();
        CHECK_EQ(chan_recv(random_.c, &random_.got[i]), 0);
    }
    wg_done(&wg);
}

/* Which of two sends on the same channel goes on is random also when a receiver comes later; and not in turn. */
TEST(sched, TestPseudoRandomSend) {
    random_.n = sizeof random_.got;
    for (size_t capacity = 0; capacity <= random_.n; capacity += random_.n) {
        unsigned char zero = 0, one = 1;
        unsigned ones = 0, changes = 0;
        random_.c = CHAN(unsigned char, capacity);
        wg_add(&wg, 1);
        start(receives_digits, NULL);
        for (unsigned i = 0; i < random_.n; i++) {
            CHECK(chan_select(FOREVER, SEND(random_.c, &one), SEND(random_.c, &zero)) >= 0);
        }
        wg_wait(&wg);
        for (unsigned i = 0; i < random_.n; i++) {
            ones += random_.got[i];
            changes += i != 0 && random_.got[i] != random_.got[i - 1];
        }
        CHECK(ones > random_.n / 10 && ones < random_.n - random_.n / 10);
        CHECK(changes > random_.n / 10 && changes < random_.n - random_.n / 10);
        chan_free(random_.c);
    }
}

/* ---- TestSelectDuplicateChannel ------------------------------------------------------------------------------------ */

static struct { struct chan *c, *d, *e; } twice;

static void selects_c_twice(void *arg) {
    (void)arg;
    int v = 9;
    CHECK_EQ(chan_select(FOREVER, RECV(twice.c, NULL), RECV(twice.c, NULL), RECV(twice.d, NULL)), 2);
    CHECK_EQ(chan_send(twice.e, &v), 0);
    wg_done(&wg);
}

static void receives_8(void *arg) {
    (void)arg;
    int v;
    CHECK_EQ(chan_recv(twice.c, &v), 0);
    CHECK_EQ(v, 8);
    wg_done(&wg);
}

/* Leaving takes both of its places in c's queue, and nobody else's. */
TEST(sched, TestSelectDuplicateChannel) {
    int v = 7;
    twice.c = CHAN(int, 0);
    twice.d = CHAN(int, 0);
    twice.e = CHAN(int, 0);
    wg_add(&wg, 2);
    start(selects_c_twice, NULL);
    WAIT_FOR(chan_waiters(twice.c, false) == 2);
    start(receives_8, NULL);
    WAIT_FOR(chan_waiters(twice.c, false) == 3);
    CHECK_EQ(chan_send(twice.d, &v), 0);
    CHECK_EQ(chan_recv(twice.e, &v), 0);
    CHECK_EQ(v, 9);
    CHECK_EQ(chan_waiters(twice.c, false), 1);
    v = 8;
    CHECK_EQ(chan_send(twice.c, &v), 0);
    wg_wait(&wg);
    chan_free(twice.c);
    chan_free(twice.d);
    chan_free(twice.e);
}

/* ---- TestSelectStackAdjust ------------------------------------------------------------------------------------------- */

/* Stacks do not move here; instead the places of a waiting select are on pages of its stack that nobody had touched, and
 * its partners write there from other Gs. */
static __attribute__((noinline)) void selects_deep_down(unsigned depth) {
    volatile uint64_t place[2][150];
    if (depth != 0) {
        selects_deep_down(depth - 1);
        place[0][0] = depth; /* no tail call */
        return;
    }
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t *p[2] = {(uint64_t *)&place[0][i * 7], (uint64_t *)&place[1][i * 7]};
        int k = chan_select(FOREVER, RECV(pair.a, p[0]), RECV(pair.b, p[1]));
        CHECK(k == 0 || k == 1);
        CHECK_EQ(*p[k] / 2, i);
        CHECK_EQ(*p[k] % 2, k);
    }
}

static void goes_down(void *arg) {
    selects_deep_down((unsigned)(uintptr_t)arg);
    wg_done(&wg);
}

TEST(sched, TestSelectStackAdjust) {
    pair.a = CHAN(uint64_t, 0);
    pair.b = CHAN(uint64_t, 0);
    for (uintptr_t depth = 0; depth < 12; depth += 3) {
        wg_add(&wg, 1);
        start(goes_down, (void *)depth);
        for (uint64_t i = 0; i < 20; i++) {
            uint64_t a = 2 * i, b = a + 1;
            CHECK(chan_select(FOREVER, SEND(pair.a, &a), SEND(pair.b, &b)) >= 0);
        }
        wg_wait(&wg);
    }
    chan_free(pair.a);
    chan_free(pair.b);
}
