/* A program that has come to a known state, for debuggers: goroutines that wait for each kind of thing, two
 * in a circle of locks, two that share a core, one that has yet to begin. all_set() is where to stop it. */
#include <bareloom.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/all_wait.h"

static struct chan *numbers, *full;
static struct mutex left, right;
static struct timer *alarm_clock;
static struct event over;
static struct wg has_first;
static atomic_uint turns[2];

/* Local variables that a debugger has to find in the frame of a goroutine that waits. */
__attribute__((noinline)) static int wait_for_number(int wanted) {
    volatile int secret = 4000 + wanted;
    int n;
    chan_recv(numbers, &n);
    return n + secret;
}

static void receiver(void *arg) {
    volatile int *got = arg;
    *got = wait_for_number(7);
}

static void sender(void *arg) {
    volatile int *sent = arg;
    for (int i = 0; i < 3; i++) {
        chan_send(full, &i);
        ++*sent; /* or the last send is no call but a jump, and this frame is gone */
    }
}

__attribute__((noinline)) static void lock_both(struct mutex *first, struct mutex *second) {
    mutex_lock(first);
    wg_done(&has_first);
    wg_wait(&has_first);
    mutex_lock(second);
    mutex_unlock(second);
    mutex_unlock(first);
}

static void left_then_right(void *arg) {
    (void)arg;
    lock_both(&left, &right);
}

static void right_then_left(void *arg) {
    (void)arg;
    lock_both(&right, &left);
}

static void selector(void *arg) {
    (void)arg;
    int n;
    chan_select(FOREVER, RECV(numbers, &n), RECV(timer_chan(alarm_clock), NULL));
}

static void sleeper(void *arg) {
    volatile int *woken = arg;
    go_sleep(SEC(3000));
    ++*woken;
}

/* Two of them on one core: one runs, the other has been preempted. */
static void spin(void *arg) {
    atomic_uint *mine = arg;
    for (;;) {
        atomic_fetch_add_explicit(mine, 1, memory_order_relaxed); /* main only waits for it to move */
    }
}

static void newcomer(void *arg) {
    event_wait(arg);
}

static void start(const char *name, go_fn *fn, void *arg, int core) {
    struct go_opts o = GO_OPTS(.name = name);
    if (core >= 0) {
        o.core = core;
        o.pinned = true;
    }
    if (go_with(&o, fn, arg) != 0) {
        abort();
    }
}

static void all_parked(void) {
    while (turns[0] == 0 || turns[1] == 0) {
        go_sleep(MS(1));
    }
    all_wait();
}

__attribute__((noinline)) static void all_set(volatile int *stops) {
    ++*stops;
}

int main(int argc, char **argv) {
    static int got, sent, stops, woken;
    numbers = CHAN(int, 0);
    full = CHAN(int, 2);
    alarm_clock = timer_make(SEC(2000));
    wg_add(&has_first, 2);
    start("receiver", receiver, &got, -1);
    start("sender", sender, &sent, -1);
    start("lefty", left_then_right, NULL, -1);
    start("righty", right_then_left, NULL, -1);
    start("selector", selector, NULL, -1);
    start("sleeper", sleeper, &woken, -1);
    start("spin0", spin, &turns[0], 1);
    start("spin1", spin, &turns[1], 1);
    all_parked();
    printf("all set\n");
    fflush(stdout);
    go_preempt_off(); /* so that the newcomer cannot begin */
    start("newcomer", newcomer, &over, (int)go_core());
    all_set(&stops);
    go_preempt_on();
    if (argc > 1 && strcmp(argv[1], "--stay") == 0) {
        event_wait(&over);
    }
    return 0;
}
