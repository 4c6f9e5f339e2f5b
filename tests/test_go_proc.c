/* tests/test_go_proc.c - what Go's runtime tests of locked Gs and of the number of processors. LockOSThread is GO_PIN here:
 * a G that stays on one core. */
#include <errno.h>

#include "tests/test.h"

static struct wg wg;

/* ---- locked Gs ------------------------------------------------------------------------------------------- */

static struct {
    _Atomic bool stop;
    _Atomic unsigned steps;
    unsigned core;
} locked;

static void steps_locked(void *arg) {
    (void)arg;
    while (!atomic_load(&locked.stop)) {
        CHECK_EQ(go_core(), locked.core);
        atomic_fetch_add(&locked.steps, 1);
        go_yield();
    }
    wg_done(&wg);
}

static void watches_locked(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < 20; i++) {
        unsigned before = atomic_load(&locked.steps);
        WAIT_FOR(atomic_load(&locked.steps) != before);
        CHECK_EQ(go_core(), locked.core);
    }
    locked.stop = true;
    wg_done(&wg);
}

/* Two that are locked to the same core let each other get on by yielding, on each of the cores. */
TEST(sched, TestYieldLockedProgress) {
    go_set_slice(SEC(1));
    for (unsigned core = 0; core < go_num_cores(); core++) {
        locked.stop = false;
        locked.core = core;
        wg_add(&wg, 2);
        start_on(core, steps_locked, NULL);
        start_on(core, watches_locked, NULL);
        wg_wait(&wg);
    }
}

static struct {
    struct chan *chan;
    _Atomic bool sent;
} one;

static void yields_ten_times_and_sends(void *arg) {
    (void)arg;
    unsigned core = go_core();
    for (int i = 0; i < 10; i++) {
        go_yield();
        CHECK_EQ(go_core(), core);
    }
    one.sent = true;
    chan_send(one.chan, NULL);
    wg_done(&wg);
}

/* A locked G that yields comes back, also when nobody else is there to run. */
TEST(sched, TestYieldLocked) {
    one.chan = chan_make(0, 0);
    for (unsigned core = 0; core < go_num_cores(); core++) {
        settle();
        one.sent = false;
        wg_add(&wg, 1);
        start_on(core, yields_ten_times_and_sends, NULL);
        CHECK_EQ(chan_recv(one.chan, NULL), 0);
        CHECK(atomic_load(&one.sent));
        wg_wait(&wg);
    }
    chan_free(one.chan);
}

static void answers_locked(void *arg) {
    unsigned core = (unsigned)(uintptr_t)arg, v;
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(chan_recv(one.chan, &v), 0);
        CHECK_EQ(go_core(), core);
        CHECK_EQ(v, core * 100 + (unsigned)i);
    }
    wg_done(&wg);
}

/* Locked Gs that block are woken on their own cores, by one on another. */
TEST(sched, TestBlockLocked) {
    one.chan = CHAN(unsigned, 0);
    for (unsigned core = 0; core < go_num_cores(); core++) {
        wg_add(&wg, 1);
        start_on(core, answers_locked, (void *)(uintptr_t)core);
        for (unsigned i = 0; i < 10; i++) {
            unsigned v = core * 100 + i;
            CHECK_EQ(chan_send(one.chan, &v), 0);
        }
        wg_wait(&wg);
    }
    chan_free(one.chan);
}

static _Atomic unsigned elsewhere;

static void may_run_anywhere(void *arg) {
    if (go_core() != (unsigned)(uintptr_t)arg) {
        atomic_fetch_add(&elsewhere, 1);
    }
    wg_done(&wg);
}

/* Go: TestLockOSThreadAvoidsStatePropagation. Being locked is not inherited: while a locked G holds its core, what it has
 * started runs on the others. */
static void starts_free_ones(void *arg) {
    enum { N = 10 };
    unsigned core = (unsigned)(uintptr_t)arg;
    elsewhere = 0;
    go_preempt_off();
    wg_add(&wg, N);
    for (int i = 0; i < N; i++) {
        start(may_run_anywhere, arg);
    }
    SPIN_UNTIL(atomic_load(&elsewhere) == N);
    CHECK_EQ(go_core(), core);
    go_preempt_on();
    wg_done(&wg);
}

TEST(sched, TestLockOSThreadAvoidsStatePropagation) {
    needs_sharing();
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    for (unsigned core = 0; core < go_num_cores(); core++) {
        wg_add(&wg, 1);
        start_on(core, starts_free_ones, (void *)(uintptr_t)core);
        wg_wait(&wg);
    }
}

/* Go: TestLockOSThreadNesting. What nests here is preempt_off: only the last on lets others run. */
TEST(sched, TestLockOSThreadNesting) {
    use_cores(1);
    go_set_slice(US(100));
    locked.stop = false;
    locked.steps = 0;
    locked.core = 0;
    wg_add(&wg, 1);
    go_preempt_off();
    for (int i = 0; i < 10; i++) {
        go_preempt_off();
    }
    start(steps_locked, NULL);
    for (int i = 0; i < 10; i++) {
        uint64_t ticks = core_counters(0).ticks;
        SPIN_UNTIL(core_counters(0).ticks >= ticks + 2);
        go_preempt_on();
        CHECK_EQ(atomic_load(&locked.steps), 0);
    }
    go_preempt_on();
    WAIT_FOR(atomic_load(&locked.steps) != 0);
    locked.stop = true;
    wg_wait(&wg);
}

/* ---- numbers of cores ------------------------------------------------------------------------------------------ */

/* Go: TestBigGOMAXPROCS wants 1024 to do. Here there are as many as the machine has; what is too many is refused and
 * changes nothing. */
TEST(sched, TestBigGOMAXPROCS) {
    CHECK_EQ(go_set_cores(1024), -EINVAL);
    CHECK_EQ(go_set_cores(go_num_cores() + 1), -EINVAL);
    CHECK_EQ(go_set_cores(0), -EINVAL);
    CHECK_EQ(go_cores(), go_num_cores());
}

static _Atomic bool stop;

static void hogs(void *arg) {
    (void)arg;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    }
    wg_done(&wg);
}

static bool looks_on(const struct go_info *g, void *arg) {
    (void)g;
    ++*(unsigned *)arg;
    return true;
}

static void looks_at_all(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < test_rounds(50); i++) {
        unsigned n = 0;
        info_gs(looks_on, &n);
        CHECK(n != 0);
        go_yield();
    }
    wg_done(&wg);
}

/* Go: changing GOMAXPROCS and looking at all Gs, several of each at once and over endless loops, comes to an end. */
TEST(sched, TestStopTheWorldDeadlock) {
    needs_preemption();
    go_set_slice(US(200));
    stop = false;
    wg_add(&wg, (int)go_num_cores());
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start(hogs, NULL);
    }
    wg_add(&wg, 3);
    for (int i = 0; i < 3; i++) {
        start(looks_at_all, NULL);
    }
    for (unsigned i = 0; i < test_rounds(50); i++) {
        CHECK_EQ(go_set_cores(1 + i % go_num_cores()), 0);
        go_yield();
    }
    stop = true;
    wg_wait(&wg);
}

/* Go: TestPreemptionAfterSyscall. One that comes out of a wait that its core slept in can be preempted like any other. */
static void waits_then_hogs(void *arg) {
    go_sleep(US(10) << (uintptr_t)arg);
    hogs(NULL);
}

TEST(sched, TestPreemptionAfterSyscall) {
    needs_preemption();
    use_cores(1);
    go_set_slice(US(500));
    for (uintptr_t i = 0; i < 5; i++) {
        stop = false;
        wg_add(&wg, 2);
        start(waits_then_hogs, (void *)i);
        start(waits_then_hogs, (void *)i);
        go_sleep(US(10) << i);
        for (int k = 0; k < 3; k++) {
            go_yield(); /* comes back though both hog the core */
        }
        stop = true;
        wg_wait(&wg);
    }
}
