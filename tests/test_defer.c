/* tests/test_defer.c - cleanups, panics that are caught, and those that are not. */
#include <errno.h>
#include <string.h>

#include "tests/test.h"

static char trail[64];

static void leaves_trail(const char *mark) {
    strncat(trail, mark, sizeof trail - strlen(trail) - 1);
}

static void mark(void *arg) {
    leaves_trail(arg);
}

static void begin(void) {
    trail[0] = '\0';
}

#define CHECK_TRAIL(want)                                                                          \
    do {                                                                                           \
        if (strcmp(trail, (want)) != 0) {                                                          \
            FAIL("the trail is %s instead of %s", trail, (want));                                  \
        }                                                                                          \
    } while (0)

/* ---- scopes ------------------------------------------------------------------------------------------------ */

TEST(sched, defer_runs_at_the_end_of_its_scope) {
    begin();
    {
        DEFER(mark, "1");
        DEFER(mark, "2");
        leaves_trail("a");
    }
    leaves_trail("b");
    for (int i = 0; i < 2; i++) {
        DEFER(mark, "3");
        if (i == 0) {
            continue;
        }
        break;
    }
    CHECK_TRAIL("a21b33");
}

TEST(sched, undefer_runs_or_not) {
    struct cleanup a, b;
    begin();
    go_defer(&a, mark, "a");
    go_defer(&b, mark, "b");
    go_undefer(&b, false);
    go_undefer(&a, true);
    CHECK_TRAIL("a");
}

/* ---- go_exit ------------------------------------------------------------------------------------------------ */

static struct wg wg;

static void done(void *arg) {
    (void)arg;
    wg_done(&wg);
}

static void exits_deep(void *arg) {
    DEFER(done, NULL);
    DEFER(mark, "1");
    DEFER(mark, "2");
    (void)arg;
    go_exit();
}

static void exits_in_try(void *arg) {
    DEFER(done, NULL);
    DEFER(mark, "o");
    struct caught c;
    (void)arg;
    go_try(exits_deep, NULL, &c);
    leaves_trail("never");
}

/* Go: TestGoexitDefer. */
TEST(sched, TestGoexitDefer) {
    begin();
    wg_add(&wg, 1);
    start(exits_deep, NULL);
    wg_wait(&wg);
    CHECK_TRAIL("21");
    begin();
    wg_add(&wg, 2);
    start(exits_in_try, NULL);
    wg_wait(&wg);
    CHECK_TRAIL("21o");
}

static struct mutex mutex;

static void unlocks(void *arg) {
    mutex_unlock(arg);
}

static void exits_locked(void *arg) {
    DEFER(done, NULL);
    mutex_lock(&mutex);
    DEFER(unlocks, &mutex);
    (void)arg;
    go_exit();
}

/* An owner that ends is an error; one whose cleanup unlocks is none. */
TEST(sched, exit_unlocks) {
    wg_add(&wg, 1);
    start(exits_locked, NULL);
    wg_wait(&wg);
    CHECK_EQ(mutex_trylock(&mutex), 0);
    mutex_unlock(&mutex);
}

static void catches_later(void *arg);

/* A G that exits may still fail in a cleanup, and catch that there. */
static void exits_and_catches(void *arg) {
    DEFER(done, NULL);
    DEFER(catches_later, NULL);
    (void)arg;
    go_exit();
}

static void panics(void *arg) {
    PANIC("%s", (const char *)arg);
}

static void catches_later(void *arg) {
    struct caught c;
    (void)arg;
    leaves_trail(go_try(panics, "late", &c) ? "returned" : c.text);
}

TEST(sched, TestRecoveredPanicAfterGoexit) {
    begin();
    wg_add(&wg, 1);
    start(exits_and_catches, NULL);
    wg_wait(&wg);
    CHECK_TRAIL("late");
}

/* ---- catching ------------------------------------------------------------------------------------------------- */

static void returns(void *arg) {
    *(int *)arg += 1;
}

TEST(sched, try_of_what_returns) {
    int n = 1;
    CHECK(go_try(returns, &n, NULL));
    CHECK_EQ(n, 2);
}

TEST(sched, try_catches) {
    struct caught c = {.line = 0};
    CHECK(!go_try(panics, "no luck", &c));
    CHECK(strcmp(c.text, "no luck") == 0);
    CHECK(strstr(c.file, "test_defer.c") != NULL && c.line > 1);
    CHECK(!go_try(panics, "again", NULL));
}

static void defers_and_panics(void *arg) {
    DEFER(mark, "1");
    DEFER(mark, "2");
    panics(arg);
}

static void tries_inside(void *arg) {
    struct caught c;
    DEFER(mark, "o");
    if (!go_try(defers_and_panics, "inner", &c)) {
        leaves_trail(c.text);
    }
    panics(arg);
}

/* Each go_try() runs the cleanups below it and no others; what is left of the caller is whole. */
TEST(sched, try_nests) {
    struct caught c;
    begin();
    DEFER(mark, "z");
    CHECK(!go_try(tries_inside, "outer", &c));
    CHECK_TRAIL("21innero");
    CHECK(strcmp(c.text, "outer") == 0);
}

/* The runtime's own panics leave nothing locked. */
static struct chan *chan;

static void closes(void *arg) {
    (void)arg;
    chan_close(chan);
}

static void sends(void *arg) {
    chan_send(chan, arg);
}

static void too_often(void *arg) {
    wg_done(arg);
}

static void closes_soon(void *arg) {
    go_sleep(MS(2));
    chan_close(arg);
}

TEST(sched, try_catches_the_runtimes_panics) {
    struct caught c;
    struct wg none = {0};
    int v = 3, w = 0;
    chan = CHAN(int, 0);
    start(closes_soon, chan);
    CHECK(!go_try(sends, &v, &c));
    CHECK(strcmp(c.text, "send on closed channel") == 0);
    CHECK(!go_try(closes, NULL, &c));
    CHECK(strcmp(c.text, "close of closed channel") == 0);
    CHECK(!go_try(sends, &v, &c));
    CHECK(!go_try(too_often, &none, &c));
    CHECK(strcmp(c.text, "sync: negative WaitGroup counter") == 0);
    CHECK_EQ(chan_recv(chan, &w), -EPIPE);
    chan_free(chan);
}

/* Across preemption and migration: doubles and integers that live in registers over a try that fails. */
static void yields_and_panics(void *arg) {
    double lost = 3.5, more = 0.5; /* in d8 and d9 over the calls, which the jump must bring back */
    for (unsigned i = 0; i < 1 + (unsigned)(uintptr_t)arg % 3; i++) {
        go_yield();
        lost = lost * 1.25 + more;
        more += 1;
    }
    PANIC("%u", (unsigned)(lost + more));
}

static void tries_often(void *arg) {
    double a = 1.5, b = 2.25, sum = 0;
    unsigned caught = 0;
    unsigned n = test_rounds(400);
    for (unsigned i = 0; i < n; i++) {
        struct caught c;
        a += 1;
        b += 2;
        caught += !go_try(yields_and_panics, (void *)(uintptr_t)i, &c);
        sum += a * b;
    }
    double want = 0;
    for (unsigned i = 1; i <= n; i++) {
        want += (1.5 + i) * (2.25 + 2.0 * i);
    }
    CHECK_EQ(caught, n);
    CHECK(sum == want);
    wg_done(arg);
}

TEST(sched, try_keeps_registers) {
    go_set_slice(US(100));
    wg_add(&wg, 8);
    for (int i = 0; i < 8; i++) {
        start(tries_often, &wg);
    }
    wg_wait(&wg);
}

/* A panic in a cleanup takes the place of the one that ran it. */
static void panics_in_cleanup(void *arg) {
    DEFER(mark, "1");
    DEFER(panics, "second");
    DEFER(mark, "2");
    panics(arg);
}

TEST(sched, last_panic_is_caught) {
    struct caught c;
    begin();
    CHECK(!go_try(panics_in_cleanup, "first", &c));
    CHECK(strcmp(c.text, "second") == 0);
    CHECK_TRAIL("21");
    CHECK(!go_try(panics, "third", &c)); /* and the earlier ones are forgotten */
    CHECK(strcmp(c.text, "third") == 0);
}

/* ---- uncaught --------------------------------------------------------------------------------------------------- */

static void says(void *arg) {
    kprintf("%s\n", (const char *)arg);
}

TEST(death, panic_runs_cleanups) {
    expect_status(2);
    expect_text("cleanup one");
    expect_text("cleanup two");
    expect_text("panic: not caught");
    expect_text("panic_runs_cleanups");
    DEFER(says, "cleanup one");
    DEFER(says, "cleanup two");
    panics("not caught");
}

static void catches_and_says(void *arg) {
    struct caught c;
    if (!go_try(panics, arg, &c)) {
        kprintf("wrap: %s\n", c.text);
        PANIC("again");
    }
}

TEST(death, TestRecursivePanic) {
    expect_status(2);
    expect_text("wrap: bad");
    expect_text("panic: again");
    expect_no_text("panic: bad");
    catches_and_says("bad");
}

static void says_and_panics(void *arg) {
    kprintf("first panic\n");
    PANIC("%s", (const char *)arg);
}

TEST(death, TestRecursivePanic2) {
    expect_status(2);
    expect_text("first panic");
    expect_text("panic: third panic");
    struct caught c;
    go_try(says_and_panics, "second panic", &c);
    kprintf("%s\n", c.text);
    PANIC("third panic");
}

/* Both are told, the first one first. */
TEST(death, TestDoublePanic) {
    expect_status(2);
    expect_text("panic: XXX");
    expect_text("panic: YYY");
    DEFER(panics, "YYY");
    PANIC("XXX");
}

TEST(death, TestRepanickedPanic) {
    expect_status(2);
    expect_text("panic: message [recovered, repanicked]");
    struct caught c;
    if (!go_try(panics, "message", &c)) {
        go_repanic(&c);
    }
}

/* With hogs on the only core that yields let run: a panic gets to its end. */
static void yields_a_lot(void *arg) {
    (void)arg;
    for (int i = 0; i < 10; i++) {
        go_yield();
    }
}

static void yields_for_ever(void *arg) {
    (void)arg;
    for (;;) {
        go_yield();
    }
}

TEST(death, TestPanicDeadlockGosched) {
    expect_status(2);
    expect_text("panic: errorThatGosched");
    use_cores(1);
    start(yields_for_ever, NULL);
    DEFER(yields_a_lot, NULL);
    PANIC("errorThatGosched");
}

/* While one reports, others panic; one report, and it is whole. */
static _Atomic unsigned racers;

static void races(void *arg) {
    (void)arg;
    atomic_fetch_add(&racers, 1);
    SPIN_UNTIL(atomic_load(&racers) >= go_num_cores());
    PANIC("crash");
}

TEST(death, TestPanicRace) {
    expect_status(2);
    expect_text("panic: crash");
    expect_text("goroutine ");
    expect_text("races+0x");
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, races, NULL);
    }
    go_sleep(SEC(100));
}

TEST(death, undefer_out_of_order) {
    struct cleanup a, b;
    expect_status(2);
    expect_text("panic: go_undefer: the cleanup is not the latest");
    go_defer(&a, mark, "a");
    go_defer(&b, says, "b ran");
    go_undefer(&a, true);
}

static void masked_panic(void *arg) {
    (void)arg;
    hal_irq_mask();
    PANIC("masked");
}

/* Where a lock may be held nothing is caught. */
TEST(death, masked_panic_is_not_caught) {
    expect_status(2);
    expect_text("panic: masked");
    expect_no_text("went on");
    go_try(masked_panic, NULL, NULL);
    kprintf("went on\n");
}
