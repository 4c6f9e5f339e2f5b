/* tests/test_select_more.c - select beyond Go's tests: very many cases, large elements among small ones, deadlines,
 * contexts and closes that race, channels that are freed, handlers that send. */
#include <errno.h>
#include <string.h>

#include "sched/mem.h"
#include "tests/test.h"
#include "tests/waiters.h"

static struct wg wg;

/* ---- the heap: the linker gives the runtime's calls to these (app.mk, APP_WRAP) ------------------------------ */

static struct {
    struct g *_Atomic whose; /* its calls are counted */
    unsigned allocs, frees;  /* by that G alone */
} heap;

void *__real_mem_alloc(size_t size);
void *__wrap_mem_alloc(size_t size);
void __real_mem_free(void *p, size_t size);
void __wrap_mem_free(void *p, size_t size);

void *__wrap_mem_alloc(size_t size) {
    if (hal_self() == atomic_load(&heap.whose)) {
        heap.allocs++;
    }
    return __real_mem_alloc(size);
}

void __wrap_mem_free(void *p, size_t size) {
    if (hal_self() == atomic_load(&heap.whose)) {
        heap.frees++;
    }
    __real_mem_free(p, size);
}

static void count_heap(bool on) {
    if (on) {
        heap.allocs = heap.frees = 0;
    }
    atomic_store(&heap.whose, on ? hal_self() : NULL);
}

static void selects_many(void *arg) {
    int v = 1;
    struct select_case cases[9];
    for (unsigned i = 0; i < 9; i++) {
        cases[i] = SEND(i == 4 ? arg : NULL, &v);
    }
    chan_select_within(cases, 9, FOREVER);
}

/* Up to eight cases take nothing of it, waiting or not. */
TEST(sched, select_of_eight_without_heap) {
    struct chan *c[8];
    struct select_case cases[9];
    int v;
    for (unsigned i = 0; i < 8; i++) {
        c[i] = CHAN(int, 0);
        cases[i] = RECV(c[i], &v);
    }
    cases[8] = RECV(NULL, NULL);
    count_heap(true);
    CHECK_EQ(chan_select_within(cases, 8, NOWAIT), -EAGAIN);
    CHECK_EQ(chan_select_within(cases, 8, US(100)), -ETIMEDOUT);
    CHECK_EQ(heap.allocs, 0);
    CHECK_EQ(chan_select_within(cases, 9, US(100)), -ETIMEDOUT);
    CHECK_EQ(heap.allocs, 1);
    CHECK_EQ(heap.frees, 1);
    count_heap(false);
    for (unsigned i = 0; i < 8; i++) {
        chan_free(c[i]);
    }
}

/* What more of them take is given back, also when the select panics and somebody catches that. */
TEST(sched, select_gives_back_after_panic) {
    struct chan *c = CHAN(int, 0);
    chan_close(c);
    count_heap(true);
    CHECK(!go_try(selects_many, c, NULL));
    count_heap(false);
    CHECK_EQ(heap.allocs, 1);
    CHECK_EQ(heap.frees, 1);
    chan_free(c);
}

/* ---- many cases ------------------------------------------------------------------------------------------ */

static void sends_its_address(void *arg) {
    struct chan *c = arg;
    CHECK_EQ(chan_send(c, &c), 0);
    wg_done(&wg);
}

/* n cases on `channels` channels in turn, each with its place; every one can be the one that goes on. */
static void check_many_cases(size_t n, size_t channels) {
    size_t bytes = n * sizeof(struct select_case) + channels * sizeof(struct chan *);
    struct select_case *cases = mem_alloc(bytes);
    CHECK(cases != NULL);
    struct chan **c = (struct chan **)(void *)(cases + n), *v = NULL;
    for (size_t i = 0; i < channels; i++) {
        c[i] = CHAN(struct chan *, 0);
    }
    for (size_t i = 0; i < n; i++) {
        cases[i] = i % 7 == 5 ? SEND(NULL, NULL) : RECV(c[i % channels], &v);
    }
    CHECK_EQ(chan_select_within(cases, n, NOWAIT), -EAGAIN);
    CHECK_EQ(chan_select_within(cases, n, US(10)), -ETIMEDOUT);
    for (size_t i = 0; i < channels; i += channels / 3 + 1) {
        wg_add(&wg, 1);
        start(sends_its_address, c[i]);
        int k = chan_select_within(cases, n, FOREVER);
        CHECK(k >= 0 && (size_t)k < n);
        CHECK_EQ((size_t)k % channels, i);
        CHECK(v == c[i]);
        wg_wait(&wg);
    }
    for (size_t i = 0; i < channels; i++) {
        CHECK_EQ(chan_waiters(c[i], false), 0);
        chan_free(c[i]);
    }
    mem_free(cases, bytes);
}

TEST(sched, select_of_nine) {
    check_many_cases(8, 8);
    check_many_cases(9, 9);
    check_many_cases(9, 1);
    check_many_cases(100, 31);
}

TEST(stress, select_of_65536) {
    check_many_cases(SELECT_MAX, 3);
    check_many_cases(SELECT_MAX, 4001);
    CHECK_EQ(chan_select_within(&RECV(NULL, NULL), SELECT_MAX + 1, NOWAIT), -EINVAL);
}

/* All of them NULL: only the limit ends it. */
TEST(sched, select_of_nil_alone) {
    struct select_case cases[9];
    for (unsigned i = 0; i < 9; i++) {
        cases[i] = i % 2 == 0 ? RECV(NULL, NULL) : SEND(NULL, NULL);
    }
    for (size_t n = 1; n <= 9; n++) {
        CHECK_EQ(chan_select_within(cases, n, NOWAIT), -EAGAIN);
        CHECK_EQ(chan_select_within(cases, n, US(10)), -ETIMEDOUT);
    }
}

/* ---- large elements among small ones: their locks come first and are held in another way ------------------ */

struct large {
    unsigned number;
    unsigned char rest[1100];
};

static struct {
    struct chan *large[2], *small[2];
    unsigned n;
    _Atomic unsigned got[4];
} mix;

static void fill_large(struct large *l, unsigned number) {
    l->number = number;
    memset(l->rest, (int)(number % 251), sizeof l->rest);
}

static void check_large(const struct large *l) {
    for (size_t i = 0; i < sizeof l->rest; i++) {
        CHECK_EQ(l->rest[i], l->number % 251);
    }
}

static void sends_mixed(void *arg) {
    uint32_t random = test_seed((uint32_t)(uintptr_t)arg);
    struct large a;
    unsigned v = 5;
    for (unsigned i = 0; i < mix.n; i++) {
        fill_large(&a, test_random(&random));
        CHECK(chan_select(FOREVER, SEND(mix.small[0], &v), SEND(mix.large[0], &a),
                          SEND(mix.small[1], &v), SEND(mix.large[1], &a)) >= 0);
    }
    wg_done(&wg);
}

static void receives_mixed(void *arg) {
    (void)arg;
    struct large a, b;
    unsigned v[2];
    for (unsigned i = 0; i < mix.n; i++) {
        v[0] = v[1] = 0;
        int k = chan_select(FOREVER, RECV(mix.large[1], &a), RECV(mix.small[1], &v[0]),
                            RECV(mix.small[0], &v[1]), RECV(mix.large[0], &b));
        CHECK(k >= 0 && k < 4);
        CHECK_EQ(v[0] + v[1], k == 1 || k == 2 ? 5 : 0);
        if (k == 0 || k == 3) {
            check_large(k == 0 ? &a : &b);
        }
        atomic_fetch_add(&mix.got[k], 1);
    }
    wg_done(&wg);
}

TEST(stress, select_of_large_and_small) {
    mix.n = test_rounds(1000);
    for (unsigned i = 0; i < 2; i++) {
        mix.large[i] = CHAN(struct large, i);
        mix.small[i] = CHAN(unsigned, i);
    }
    for (unsigned i = 0; i < 4; i++) {
        mix.got[i] = 0;
    }
    go_set_slice(US(50));
    wg_add(&wg, 8);
    for (uintptr_t i = 0; i < 4; i++) {
        start(sends_mixed, (void *)i);
        start(receives_mixed, NULL);
    }
    wg_wait(&wg);
    CHECK_EQ(mix.got[0] + mix.got[1] + mix.got[2] + mix.got[3], 4 * mix.n);
    for (unsigned i = 0; i < 4; i++) {
        CHECK(mix.got[i] != 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        chan_free(mix.large[i]);
        chan_free(mix.small[i]);
    }
}

/* ---- a deadline or a context ends a wait while a sender ends it ------------------------------------------- */

#define NUMBERS 65536u

static struct {
    struct chan *c, *other;
    struct ctx *ctx;
    unsigned n;
    _Atomic unsigned senders, sent, got, ended;
    _Atomic uint32_t seen[NUMBERS / 32];
    _Atomic bool over;
} race;

static void note(unsigned v) {
    CHECK(v < NUMBERS);
    CHECK((atomic_fetch_or(&race.seen[v / 32], 1u << v % 32) >> v % 32 & 1) == 0);
    atomic_fetch_add(&race.got, 1);
}

static struct limit some_limit(uint32_t *random) {
    struct limit l = {.when = FOREVER};
    uint32_t r = test_random(random);
    if (r % 4 != 0) {
        l = WITHIN(US(r / 4 % 30));
    }
    if (r / 256 % 2 == 0 || l.when == FOREVER) {
        l.ctx = race.ctx;
    }
    return l;
}

static void receives_within(void *arg) {
    uint32_t random = test_seed(1000 + (uint32_t)(uintptr_t)arg);
    while (!atomic_load(&race.over)) {
        unsigned v = NUMBERS, w = NUMBERS;
        struct limit l = some_limit(&random);
        struct select_case two[] = {RECV(race.c, &v), RECV(race.other, &w)};
        int r = test_random(&random) % 2 == 0 ? chan_recv_until(race.c, &v, l)
                                              : chan_select_until(two, 2, l);
        if (r >= 0) {
            note(r == 1 ? w : v);
        } else {
            CHECK(r == -ETIMEDOUT || r == -ECANCELED);
            CHECK_EQ(v, NUMBERS);
            CHECK_EQ(w, NUMBERS);
            atomic_fetch_add(&race.ended, 1);
            go_yield();
        }
    }
    wg_done(&wg);
}

static void sends_within(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg;
    uint32_t random = test_seed(me);
    for (unsigned i = 0; i < race.n; i++) {
        unsigned v = me * race.n + i;
        struct limit l = some_limit(&random);
        struct select_case two[] = {SEND(race.c, &v), SEND(race.other, &v)};
        int r = test_random(&random) % 2 == 0 ? chan_send_until(race.c, &v, l)
                                              : chan_select_until(two, 2, l);
        if (r >= 0) {
            atomic_fetch_add(&race.sent, 1);
        } else {
            CHECK(r == -ETIMEDOUT || r == -ECANCELED);
        }
    }
    if (atomic_fetch_sub(&race.senders, 1) == 1) {
        race.over = true;
    }
    wg_done(&wg);
}

/* Each value that a sender was rid of is received once, none that it kept. Contexts end in between. */
static void check_race(size_t capacity) {
    enum { SENDERS = 6, RECEIVERS = 6 };
    unsigned n = test_rounds(1200), v;
    race.n = n < NUMBERS / SENDERS ? n : NUMBERS / SENDERS;
    race.c = CHAN(unsigned, capacity);
    race.other = CHAN(unsigned, capacity);
    race.senders = SENDERS;
    race.sent = race.got = race.ended = 0;
    race.over = false;
    memset(race.seen, 0, sizeof race.seen);
    race.ctx = ctx_with_timeout(ctx_background(), US(300));
    wg_add(&wg, SENDERS + RECEIVERS);
    for (uintptr_t i = 0; i < SENDERS; i++) {
        start(sends_within, (void *)i);
    }
    for (uintptr_t i = 0; i < RECEIVERS; i++) {
        start(receives_within, (void *)i);
    }
    wg_wait(&wg);
    while (chan_try_recv(race.c, &v) == 0 || chan_try_recv(race.other, &v) == 0) {
        note(v);
    }
    CHECK_EQ(race.got, race.sent);
    CHECK(race.sent != 0);
    CHECK_EQ(chan_waiters(race.c, true) + chan_waiters(race.c, false), 0);
    ctx_free(race.ctx);
    chan_free(race.c);
    chan_free(race.other);
}

TEST(stress, limits_race_senders) {
    go_set_slice(US(50));
    check_race(0);
    check_race(3);
}
