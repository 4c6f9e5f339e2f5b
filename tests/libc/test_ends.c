/* tests/libc/test_ends.c - how a program ends through the C library, and what it must not do with
 * it. */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/raise.h"
#include "tests/test.h"

/* ---- exit ------------------------------------------------------------------------------------ */

static void says_second(void) {
    printf("this comes second\n");
}

static void says_first(void) {
    printf("this comes first\n");
}

static bool destructor_speaks;

__attribute__((destructor)) static void says_last(void) {
    if (destructor_speaks) {
        printf("this comes last\n");
    }
}

/* And what printf() holds back comes out. */
TEST(death, exit_runs_handlers_and_flushes) {
    expect_status(3);
    expect_text("this comes first");
    expect_text("this comes second");
    expect_text("this comes last");
    expect_text("without a newline");
    destructor_speaks = true;
    CHECK_EQ(atexit(says_second), 0);
    CHECK_EQ(atexit(says_first), 0);
    printf("without a newline");
    exit(3);
}

static void exits(void *arg) {
    exit((int)(intptr_t)arg);
}

TEST(death, exit_from_another_g) {
    expect_status(4);
    expect_text("held back");
    printf("held back");
    start(exits, (void *)4);
    go_sleep(SEC(100));
}

static void reads_a_key(void *arg) {
    (void)arg;
    getchar();
}

/* exit() closes stdin, whose lock that G holds as long as nobody types. */
TEST(death, exit_under_a_reader) {
    expect_status(5);
    start(reads_a_key, NULL);
    go_sleep(MS(5));
    exit(5);
}

static _Atomic unsigned exiting;

static void exits_with_others(void *arg) {
    (void)arg;
    atomic_fetch_add(&exiting, 1);
    SPIN_UNTIL(atomic_load(&exiting) == go_num_cores());
    exit(6);
}

TEST(death, exit_on_all_cores) {
    expect_status(6);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, exits_with_others, NULL);
    }
    go_sleep(SEC(100));
}

static void prints_for_ever(void *arg) {
    FILE *f = fopen("/dev/null", "w");
    for (;;) {
        fprintf(f, "%p", arg);
    }
}

/* Others go on using streams and heap to the last moment. */
TEST(death, exit_under_load) {
    expect_status(7);
    go_set_slice(US(100));
    for (int i = 0; i < 20; i++) {
        start(prints_for_ever, NULL);
    }
    go_sleep(MS(5));
    exit(7);
}

TEST(death, quick_exit_runs_its_handlers) {
    expect_status(8);
    expect_text("this comes first");
    CHECK_EQ(at_quick_exit(says_first), 0);
    quick_exit(8);
}

/* ---- abort, assert, signals ------------------------------------------------------------------ */

/* Its name must stand in the backtrace: no inlining, and no copy with another name. */
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noipa))
#endif

NOINLINE static void asserts_wrongly(int two) {
    assert(two == 1 + 2);
}

TEST(death, assert_says_where) {
    expect_status(2);
    expect_text("panic: assertion \"two == 1 + 2\" failed: file \"tests/libc/test_ends.c\", line ");
    expect_text(", function: asserts_wrongly");
    expect_text("at tests/libc/test_ends.c:");
    expect_text("asserts_wrongly+");
    asserts_wrongly(2);
}

TEST(death, abort_is_a_panic) {
    expect_status(2);
    expect_text("panic: abort()");
    expect_text("goroutine ");
    expect_text(go_name());
    abort();
}

TEST(death, signal_without_a_handler) {
    expect_status(2);
    expect_text("panic: signal 15");
    raise(SIGTERM);
}

static volatile sig_atomic_t got;

static void handles(int sig) {
    got = sig;
}

TEST(libc, signals_go_to_their_handler) {
    got = 0;
    CHECK(signal(SIGTERM, handles) == SIG_DFL);
    CHECK_EQ(raise(SIGTERM), 0);
    CHECK_EQ(got, SIGTERM);
    CHECK(signal(SIGINT, SIG_IGN) == SIG_DFL);
    CHECK_EQ(raise(SIGINT), 0);
}

/* ---- where the C library may not be called --------------------------------------------------- */

TEST(death, printf_with_preemption_off) {
    expect_status(2);
    expect_text("panic: mutex_lock: would block with preemption off");
    expect_text("printf");
    go_preempt_off();
    printf("x\n");
}

static void raise_interrupt(irq_fn *fn) {
    NEED_RAISE();
    CHECK_EQ(irq_attach(RAISED_LINE, fn, NULL), 0);
    set_pending(RAISED_LINE);
    go_sleep(SEC(100));
}

static void asks_for_errno(void *arg) {
    (void)arg;
    go_panic(__FILE__, __LINE__, "errno is %s in a handler", strerror(*__errno()));
}

TEST(death, errno_in_a_handler) {
    expect_status(2);
    expect_text(
        "panic: libc: the C library was called outside of a goroutine, by an interrupt handler");
    raise_interrupt(asks_for_errno);
}

static void *volatile allocated;

static void allocates(void *arg) {
    (void)arg;
    allocated = malloc(10);
}

/* Also where a block is at hand. */
static void leave_one(void) {
    allocated = malloc(10);
    free(allocated);
}

TEST(death, malloc_with_preemption_off) {
    expect_status(2);
    expect_text("panic: mutex_lock: would block with preemption off");
    leave_one();
    go_preempt_off();
    allocated = malloc(10);
}

TEST(death, free_with_preemption_off) {
    expect_status(2);
    expect_text("panic: mutex_lock: would block with preemption off");
    allocated = malloc(10);
    go_preempt_off();
    free(allocated);
}

TEST(death, malloc_in_a_handler) {
    expect_status(2);
    expect_text("panic: libc: ");
    expect_text("outside of a goroutine, by an interrupt handler");
    leave_one();
    raise_interrupt(allocates);
}
