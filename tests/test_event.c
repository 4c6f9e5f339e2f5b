/* tests/test_event.c - events and flags; their use in handlers is in test_irq.c. */
#include <errno.h>

#include <bareloom/event.h>

#include "tests/test.h"

static struct wg wg;

static struct {
    _Atomic unsigned waiting, n, late, got;
    unsigned order[128];
    _Atomic bool stop;
} seen;

static void renew(void) {
    seen.waiting = seen.n = seen.late = seen.got = 0;
    seen.stop = false;
}

/* Starts a G and lets it run until it waits; on one core. */
static void start_waiting(go_fn *fn, uintptr_t arg) {
    unsigned before = seen.waiting;
    wg_add(&wg, 1);
    start(fn, (void *)arg);
    WAIT_FOR(atomic_load(&seen.waiting) == before + 1);
    go_yield();
}

/* ---- event ------------------------------------------------------------------------------------------------------------ */

static struct event event;

static void waits(void *arg) {
    atomic_fetch_add(&seen.waiting, 1);
    event_wait(&event);
    seen.order[atomic_fetch_add(&seen.n, 1)] = (unsigned)(uintptr_t)arg;
    wg_done(&wg);
}

/* More of them than are woken in one go. */
TEST(sched, event_wakes_all) {
    use_cores(1);
    go_set_slice(SEC(1));
    renew();
    event = (struct event){0};
    for (uintptr_t i = 0; i < 100; i++) {
        start_waiting(waits, i);
    }
    CHECK_EQ(seen.n, 0);
    CHECK(!event_is_set(&event));
    event_set(&event);
    CHECK(event_is_set(&event));
    CHECK(event.waiters.head == NULL);
    wg_wait(&wg);
    CHECK_EQ(seen.n, 100);
    event_set(&event);
    event_wait(&event);
    CHECK_EQ(event_wait_until(&event, WITHIN(NOWAIT)), 0);
}

TEST(sched, event_times_out) {
    renew();
    event = (struct event){0};
    ns_t when = go_now() + US(300);
    CHECK_EQ(event_wait_until(&event, AT(when)), -ETIMEDOUT);
    CHECK(go_now() >= when);
    CHECK_EQ(event_wait_until(&event, WITHIN(NOWAIT)), -ETIMEDOUT);
    struct ctx *ctx = ctx_make(ctx_background());
    ctx_cancel(ctx);
    CHECK_EQ(event_wait_until(&event, UNLESS(ctx)), -ECANCELED);
    ctx_free(ctx);
    CHECK_EQ(atomic_load(&event.word), 0);
}

static void sets(void *arg) {
    event_set(arg);
}

/* HAZARDS 12: the event lies on the stack of who waits, and its place is used for something else at once. */
static void waits_on_own_stack(void) {
    struct event own = {0};
    start(sets, &own);
    event_wait(&own);
    own.lock = 1; /* who touched the lock now would hang */
    atomic_store(&own.word, 0xdeadbeef);
}

TEST(sched, event_on_the_stack) {
    for (unsigned i = 0; i < test_rounds(400); i++) {
        waits_on_own_stack();
    }
}

static void waits_on(void *arg) {
    atomic_fetch_add(&seen.waiting, 1);
    event_wait(arg);
    wg_done(&wg);
}

static void waits_first(void *arg) {
    struct event *e = arg;
    atomic_fetch_add(&seen.waiting, 1);
    event_wait(e);
    atomic_store(&e->word, 0xdeadbeef); /* who touched it now would set it */
    wg_done(&wg);
}

/* The first one goes on while many others are still to be woken. */
TEST(sched, event_goes_with_the_first) {
    static struct event many;
    unsigned n = 400;
    for (unsigned i = 0; i < test_rounds(10); i++) {
        many = (struct event){0};
        renew();
        wg_add(&wg, (int)n);
        start(waits_first, &many);
        WAIT_FOR(atomic_load(&many.word) != 0); /* it has the lock until it is on the list */
        for (unsigned k = 1; k < n; k++) {
            start(waits_on, &many);
        }
        WAIT_FOR(atomic_load(&seen.waiting) == n);
        go_sleep(MS(1));
        event_set(&many);
        wg_wait(&wg);
        CHECK_EQ(atomic_load(&many.word), 0xdeadbeef);
    }
}

struct raced {
    struct event event;
    _Atomic bool set; /* event_set() has returned */
    ns_t when;
};

static void sets_at(void *arg) {
    struct raced *r = arg;
    go_sleep_until(r->when);
    event_set(&r->event);
    r->set = true;
}

/* The set and the limit come at the same time. Whichever is first, nobody is in the event once the wait that found it
 * set has returned. */
TEST(stress, event_limit_races_set) {
    uint32_t random = 4711;
    static struct raced r;
    renew();
    for (unsigned i = 0; i < test_rounds(1000); i++) {
        r = (struct raced){.when = go_now() + US(100)};
        start(sets_at, &r);
        int error = event_wait_until(&r.event, AT(r.when + test_random(&random) % 60000));
        if (error != 0) {
            CHECK_EQ(error, -ETIMEDOUT);
            seen.late++;
            event_wait(&r.event);
        }
        r.event.lock = 1;
        WAIT_FOR(atomic_load(&r.set));
        CHECK_EQ(atomic_load(&r.event.word), 1);
    }
    kprintf("# %u of %u timed out\n", seen.late, test_rounds(1000));
}

/* ---- flags ------------------------------------------------------------------------------------------------------------ */

static struct flags flags;

static void renew_flags(void) {
    renew();
    flags = (struct flags){0};
}

TEST(sched, flags_at_once) {
    renew_flags();
    CHECK_EQ(flags_set(&flags, 0x5), 0x5);
    CHECK_EQ(flags_wait(&flags, 0x7, FLAGS_ANY), 0x5);
    CHECK_EQ(flags_wait(&flags, 0x5, FLAGS_ALL), 0x5);
    CHECK_EQ(flags_wait_until(&flags, 0x7, FLAGS_ALL, NULL, WITHIN(NOWAIT)), -ETIMEDOUT);
    CHECK_EQ(flags_wait_until(&flags, 0x2, FLAGS_ANY, NULL, WITHIN(NOWAIT)), -ETIMEDOUT);
    CHECK_EQ(flags_get(&flags), 0x5);
    CHECK_EQ(flags_wait(&flags, 0x3, FLAGS_ANY | FLAGS_CLEAR), 0x1);
    CHECK_EQ(flags_get(&flags), 0x4);
    CHECK_EQ(flags_set(&flags, 0x3), 0x7);
    CHECK_EQ(flags_wait(&flags, 0x6, FLAGS_ALL | FLAGS_CLEAR), 0x6);
    CHECK_EQ(flags_clear(&flags, 0x3), 0x1);
    CHECK_EQ(flags_get(&flags), 0);
    CHECK_EQ(flags_wait(&flags, 0, FLAGS_ALL), 0);
    CHECK_EQ(flags_wait_until(&flags, 0, FLAGS_ANY, NULL, WITHIN(NOWAIT)), -ETIMEDOUT);
}

struct wish {
    uint32_t bits, how, got;
    _Atomic bool done;
};

static void wishes(void *arg) {
    struct wish *w = arg;
    atomic_fetch_add(&seen.waiting, 1);
    w->got = flags_wait(&flags, w->bits, w->how);
    w->done = true;
    wg_done(&wg);
}

/* Any, all, and clearing: the first in the list that clears a bit is the last to see it. */
TEST(sched, flags_go_to_whom_they_suit) {
    struct wish w[] = {
        {.bits = 0x3, .how = FLAGS_ALL | FLAGS_CLEAR},
        {.bits = 0x3, .how = FLAGS_ANY},
        {.bits = 0x1, .how = FLAGS_ANY | FLAGS_CLEAR},
        {.bits = 0x1, .how = FLAGS_ANY},
        {.bits = 0x6, .how = FLAGS_ANY},
    };
    use_cores(1);
    go_set_slice(SEC(1));
    renew_flags();
    for (unsigned i = 0; i < 5; i++) {
        start_waiting(wishes, (uintptr_t)&w[i]);
    }
    CHECK_EQ(flags_set(&flags, 0x1), 0); /* the third one took it */
    settle();
    CHECK(!w[0].done && w[1].done && w[2].done && !w[3].done && !w[4].done);
    CHECK_EQ(w[1].got, 0x1);
    CHECK_EQ(w[2].got, 0x1);
    CHECK_EQ(flags_set(&flags, 0x2), 0x2);
    settle();
    CHECK(!w[0].done && !w[3].done && w[4].done);
    CHECK_EQ(w[4].got, 0x2);
    CHECK_EQ(flags_set(&flags, 0x1), 0);
    settle();
    CHECK(w[0].done && !w[3].done);
    CHECK_EQ(w[0].got, 0x3);
    CHECK_EQ(flags_set(&flags, 0x9), 0x9);
    wg_wait(&wg);
    CHECK_EQ(w[3].got, 0x1);
}

/* More waiters than a set looks at in one go, of which some stay. */
TEST(sched, flags_with_many_waiters) {
    static struct wish w[100];
    use_cores(1);
    go_set_slice(SEC(1));
    renew_flags();
    for (unsigned i = 0; i < 100; i++) {
        w[i] = (struct wish){.bits = i % 3 == 0 ? 2 : 1};
        start_waiting(wishes, (uintptr_t)&w[i]);
    }
    flags_set(&flags, 1);
    settle();
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQ(w[i].done, i % 3 != 0);
    }
    flags_set(&flags, 2);
    wg_wait(&wg);
    CHECK(flags.waiters.head == NULL && flags.waiters.tail == NULL);
}

static void takes_bits(void *arg) {
    uint32_t random = 2 * (uint32_t)(uintptr_t)arg + 1;
    while (!atomic_load(&seen.stop)) {
        uint32_t got;
        struct limit l = WITHIN(US(test_random(&random) % 60));
        int r = flags_wait_until(&flags, 0xff, FLAGS_ANY | FLAGS_CLEAR, &got, l);
        if (r == 0) {
            atomic_fetch_add(&seen.got, (unsigned)__builtin_popcount(got));
        } else {
            CHECK_EQ(r, -ETIMEDOUT);
        }
    }
    wg_done(&wg);
}

/* Sets and limits meet, with more waiters than one batch: each bit that was set is taken once. */
TEST(stress, flags_limits_race_sets) {
    uint32_t random = 815;
    unsigned set = 0, rounds = test_rounds(1000);
    renew_flags();
    go_set_slice(US(50));
    wg_add(&wg, 40);
    for (uintptr_t i = 0; i < 40; i++) {
        start(takes_bits, (void *)i);
    }
    while (set < rounds) {
        uint32_t bit = 1u << test_random(&random) % 8;
        flags_set(&flags, bit);
        set++;
        WAIT_FOR((flags_get(&flags) & bit) == 0);
    }
    seen.stop = true;
    wg_wait(&wg);
    CHECK_EQ(seen.got, set);
    CHECK(flags.waiters.head == NULL && flags.waiters.tail == NULL);
}

/* HAZARDS 12, for flags with one waiter. */
static void sets_one(void *arg) {
    flags_set(arg, 1);
}

TEST(sched, flags_on_the_stack) {
    for (unsigned i = 0; i < test_rounds(300); i++) {
        struct flags own = {0};
        start(sets_one, &own);
        flags_wait(&own, 1, FLAGS_ANY);
        own.lock = 1;
        own.bits = 0xdead;
    }
}
