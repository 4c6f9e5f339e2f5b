/*
 * tests/test_death.c - how the machine ends: each test announces its last words and its exit status, and dies of
 * something. Misuse of the API first, then faults that every port can see.
 */
#include "sched/dump.h"
#include "tests/test.h"

/* Its own name must stand in the backtrace: no inlining, and no copy with another name. */
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noipa))
#endif

static struct wg wg;
static struct mutex mutex;

/* The test's G is named like the test; function stands in the backtrace (and not in the test's name). */
static void expect_report(const char *headline, const char *function) {
    expect_status(2);
    expect_text(headline);
    expect_text("goroutine ");
    expect_text("[running]: \"");
    expect_text(" on core ");
    expect_text(go_name());
    expect_text(function);
}

TEST(death, exit_status_is_passed_on) {
    expect_status(17);
    machine_exit(17);
}

/* ---- panics ------------------------------------------------------------------------------------------ */

static volatile bool survived; /* written after the last call, which would else be a jump */

NOINLINE static void inner_culprit(int v) {
    PANIC("the %s of %d", "end", v);
}

NOINLINE static void outer_culprit(int v) {
    inner_culprit(v + 1);
    survived = true;
}

TEST(death, panic_says_where) {
    expect_report("panic: the end of 7", "inner_culprit");
    expect_text("outer_culprit");
    expect_text("tests/test_death.c:");
    outer_culprit(6);
}

/* ---- dumps ------------------------------------------------------------------------------------------- */

static _Atomic unsigned spinning;

NOINLINE static void spins_here(void *arg) {
    (void)arg;
    atomic_fetch_add(&spinning, 1);
    for (;;) {
        hal_relax();
    }
}

NOINLINE static void receives_here(void *arg) {
    chan_recv(arg, NULL);
    survived = true;
}

/* A fatal error shows every G: those that wait, those that never ran, those that the stop found running on the
 * other cores. */
TEST(death, fatal_shows_all) {
    static struct chan *c;
    expect_report("fatal error: sync: unlock of unlocked mutex", "mutex_unlock");
    expect_text("[chan receive]: \"waiter\"");
    expect_text("receives_here+0x");
    expect_text("created by test_fatal_shows_all+0x");
    expect_text("[runnable, locked to core 0]: \"late\"");
    if (go_num_cores() > 1) {
        expect_text("[running, locked to core 1]: \"spinner\" on core 1");
        expect_text("spins_here+0x");
    }
    c = CHAN(int, 0);
    CHECK_EQ(go_set_cores(1), 0);
    CHECK_EQ(go_with(&GO_OPTS(.name = "waiter"), receives_here, c), 0);
    settle();
    if (go_num_cores() > 1) {
        CHECK_EQ(go_with(&GO_OPTS(GO_PIN(1), .name = "spinner"), spins_here, NULL), 0);
        WAIT_FOR(atomic_load(&spinning) == 1);
    }
    hal_irq_mask(); /* so that this one does not run */
    CHECK_EQ(go_with(&GO_OPTS(GO_PIN(0), .name = "late"), spins_here, NULL), 0);
    mutex_unlock(&mutex);
}

/* A panic is about one. */
TEST(death, panic_shows_one) {
    expect_report("panic: alone", "panic_shows_one");
    expect_no_text("]: \"waiter\""); /* its name stands among those whom the core ran */
    expect_no_text("receives_here+0x");
    CHECK_EQ(go_with(&GO_OPTS(.name = "waiter"), receives_here, NULL), 0);
    go_sleep(MS(1));
    PANIC("alone");
}

TEST(death, fatal_does_not_show_too_many) {
    expect_report("fatal error: many", "fatal_does_not");
    expect_text("...and 8 more goroutines"); /* the runner's main and 107 below, less 100 */
    for (int i = 0; i < CONFIG_DUMP_GS + 7; i++) {
        start(receives_here, NULL);
    }
    go_sleep(MS(1));
    FATAL("many");
}

/* go_dump() prints the same and stops nobody. */
TEST(death, dump_on_request) {
    expect_status(0);
    expect_text("[running]: \"dump_on_request\" on core ");
    expect_text("[chan receive (nil chan)]: \"waiter\"");
    expect_text("receives_here+0x");
    expect_text("[semacquire]: \"main\"");
    expect_text("created by ");
    expect_text("still here");
    CHECK_EQ(go_with(&GO_OPTS(.name = "waiter"), receives_here, NULL), 0);
    settle();
    go_dump();
    kprintf("still here\n");
    machine_exit(0);
}

static void dumps_for_ever(void *arg) {
    (void)arg;
    for (;;) {
        go_dump();
    }
}

NOINLINE static void panics_meanwhile(void) {
    PANIC("amid a dump");
}

/* What a core has answered to a dump is not where it is when its G panics before that dump has come to its end. */
TEST(death, panic_amid_a_dump) {
    expect_report("panic: amid a dump", "panics_meanwhile+0x");
    if (go_num_cores() == 1) {
        panics_meanwhile();
    }
    for (int i = 0; i < 50; i++) {
        start(receives_here, NULL);
    }
    CHECK_EQ(go_with(&GO_OPTS(GO_PIN(go_core() == 0), .name = "dumper"), dumps_for_ever, NULL), 0);
    go_preempt_off(); /* it stays on its core, which is not the dumper's, and answers */
    for (ns_t until = go_now() + MS(20); go_now() < until || !dump_is_going();) {
    }
    panics_meanwhile();
}

static void prints_when_stopped(void *arg) {
    (void)arg;
    go_sleep(MS(1)); /* whoever rang for us has been heard */
    hal_irq_mask();
    hal_timer_set(INT64_MAX);
    atomic_store(&spinning, 1);
    SPIN_UNTIL(hal_irq_pending());
    kprintf("printed into a panic\n");
}

/* Who prints with interrupts masked, a handler's dump for one, does not hear the doorbell that is to stop it. */
TEST(death, panic_amid_masked_prints) {
    expect_report("panic: nobody prints into this", "panic_amid_masked_prints+0x");
    expect_no_text("printed into a panic");
    if (go_num_cores() > 1) {
        CHECK_EQ(go_with(&GO_OPTS(GO_PIN(go_core() == 0), .name = "printer"), prints_when_stopped, NULL),
                 0);
        SPIN_UNTIL(atomic_load(&spinning) == 1);
    }
    PANIC("nobody prints into this");
}

TEST(death, unlock_of_unlocked) {
    expect_report("fatal error: sync: unlock of unlocked mutex", "mutex_unlock");
    mutex_unlock(&mutex);
}

static void unlocks(void *arg) {
    (void)arg;
    mutex_unlock(&mutex);
}

TEST(death, unlock_by_stranger) {
    expect_status(2);
    expect_text("fatal error: sync: unlock of unlocked mutex");
    expect_text("stranger");
    mutex_lock(&mutex);
    CHECK_EQ(go_with(&GO_OPTS(.name = "stranger"), unlocks, NULL), 0);
    chan_recv(NULL, NULL);
}

TEST(death, lock_twice) {
    expect_report("owns the mutex already", "mutex_lock");
    mutex_lock(&mutex);
    mutex_lock(&mutex);
}

TEST(death, owner_ends) {
    expect_status(2);
    expect_text("ended while it owned 1 mutexes");
    mutex_lock(&mutex);
    go_exit();
}

TEST(death, negative_group) {
    expect_report("panic: sync: negative WaitGroup counter", "wg_done");
    wg_done(&wg);
}

TEST(death, TestGoNil) {
    expect_report("fatal error: go of nil func value", "go_with");
    go_with(&GO_OPTS(0), NULL, NULL);
}

/* ---- channels --------------------------------------------------------------------------------------------- */

TEST(death, double_close) {
    struct chan *c = CHAN(int, 0);
    expect_report("panic: close of closed channel", "chan_close");
    chan_close(c);
    chan_close(c);
}

TEST(death, close_of_nil) {
    expect_report("panic: close of nil channel", "chan_close");
    chan_close(NULL);
}

TEST(death, send_on_closed) {
    struct chan *c = CHAN(int, 1);
    int v = 0;
    expect_report("panic: send on closed channel", "chan_send");
    chan_close(c);
    chan_send(c, &v);
}

TEST(death, try_on_closed) {
    struct chan *c = CHAN(int, 1);
    int v = 0;
    expect_report("panic: send on closed channel", "chan_try_send");
    chan_close(c);
    chan_try_send(c, &v);
}

static void closes_soon(void *arg) {
    go_sleep(MS(1));
    chan_close(arg);
}

TEST(death, closed_under_sender) {
    struct chan *c = CHAN(int, 0);
    int v = 0;
    expect_report("panic: send on closed channel", "chan_send");
    start(closes_soon, c);
    chan_send(c, &v);
}

static void receives(void *arg) {
    chan_recv(arg, NULL);
}

/* Alone, and for ever: in the note of the channel's lock. */
static void receives_a_time(void *arg) {
    ns_t v;
    chan_recv(arg, &v);
}

TEST(death, free_with_waiter) {
    struct chan *c = CHAN(int, 0);
    expect_report("panic: chan_free: goroutines wait on the channel", "chan_free");
    use_cores(1); /* so that it waits before we go on, however slow the emulator's other cores are */
    start(receives, c);
    for (int i = 0; i < 100; i++) {
        go_yield(); /* a sleep may be over before it has begun, where the emulator is not let run */
    }
    chan_free(c);
}

/* Also of a timer that fires no more, whose channel has room. */
TEST(death, timer_free_with_waiter) {
    struct timer *t = timer_make(SEC(100));
    expect_report("panic: chan_free: goroutines wait on the channel", "timer_free");
    timer_stop(t);
    use_cores(1);
    start(receives_a_time, timer_chan(t));
    for (int i = 0; i < 100; i++) {
        go_yield();
    }
    timer_free(t);
}

TEST(death, size_out_of_range) {
    expect_report("panic: makechan: size out of range", "chan_make");
    chan_make(KB(64) + 1, 1);
}

TEST(death, capacity_out_of_range) {
    expect_report("panic: makechan: size out of range", "chan_make");
    chan_make(8, SIZE_MAX / 4);
}

/* ---- blocking where nothing may ------------------------------------------------------------------------------ */

TEST(death, blocks_with_preemption_off) {
    struct chan *c = CHAN(int, 0);
    expect_report("panic: chan_recv: would block with preemption off", "chan_recv");
    go_preempt_off();
    chan_recv(c, NULL);
}

TEST(death, sleeps_with_preemption_off) {
    expect_report("panic: go_sleep: would block with preemption off", "go_sleep");
    go_preempt_off();
    go_sleep(1);
}

/* ---- stacks -------------------------------------------------------------------------------------------------- */

static volatile unsigned depth_limit = 1000000;

NOINLINE static unsigned recurses(unsigned depth) {
    volatile unsigned char filler[100];
    filler[depth % 100] = 1;
    unsigned sum = depth == depth_limit ? 0 : recurses(depth + 1);
    return sum + filler[depth % 100];
}

TEST(death, stack_overflow) {
    expect_report("fatal error: stack overflow", "recurses");
    recurses(0);
}

/* While other Gs run on all cores. */
static void hogs(void *arg) {
    volatile unsigned *n = arg;
    for (;;) {
        ++*n;
    }
}

TEST(death, stack_overflow_under_load) {
    static unsigned n;
    expect_report("fatal error: stack overflow", "recurses");
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, hogs, &n);
    }
    go_yield();
    recurses(0);
}

/* ---- bad pointers ---------------------------------------------------------------------------------------------- */

static volatile int *volatile no_int;
static void (*volatile no_function)(void);

NOINLINE static void writes_to_null(void) {
    *no_int = 1;
    no_int = NULL;
}

TEST(death, null_write) {
    expect_report("fatal error: invalid memory address or nil pointer dereference",
                  "writes_to_null");
    writes_to_null();
}

NOINLINE static int reads_from_null(void) {
    return *no_int + 1;
}

TEST(death, null_read) {
    expect_report("fatal error: invalid memory address or nil pointer dereference",
                  "reads_from_null");
    reads_from_null();
}

NOINLINE static void calls_null(void) {
    no_function();
    no_function = NULL;
}

/* The program counter says nothing; the caller is found by the link register. */
TEST(death, null_call) {
    expect_report("fatal error: invalid memory address or nil pointer dereference", "calls_null");
    calls_null();
}

/* Three cores die at once: one report, and the machine ends. */
static _Atomic unsigned ready_to_die;

static void dies_with_others(void *arg) {
    atomic_fetch_add(&ready_to_die, 1);
    SPIN_UNTIL(atomic_load(&ready_to_die) == go_num_cores());
    PANIC("core %u gives up", (unsigned)(uintptr_t)arg);
}

TEST(death, all_cores_panic) {
    expect_status(2);
    expect_text("panic: core ");
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, dies_with_others, (void *)(uintptr_t)i);
    }
    go_sleep(SEC(100));
}
