/* tests/test_watch.c - watchdogs: each is provoked, and says what and who; the machine goes on. As death tests, since
 * that is how the harness looks at words. */
#include <unistd.h>

#include "sched/sched.h"
#include "tests/test.h"

static struct mutex fork_[3];
static _Atomic unsigned holding;

/* Runs here and takes its ticks until the watchdogs have had the time and the ticks they need, and more. */
static void be_busy(void) {
    ns_t until = go_now() + SEC(3);
    SPIN_UNTIL(go_now() >= until);
    for (uint64_t ticks = SUM(ticks) + 150; SUM(ticks) < ticks;) {
        hal_relax();
    }
}

static void survive(void) {
    kprintf("and on it goes\n");
    machine_exit(0);
}

static bool told_of(struct g *g, void *arg) {
    bool *told = arg;
    *told = *told || g->told;
    return !*told;
}

/* The last core to fall asleep tells it, which need not be this one; and is not through with it when we wake. */
static void sleep_till_told(void) {
    bool told = false;
    while (!told) {
        sleep_surely(MS(1));
        g_each(told_of, &told);
    }
}

static void expect_watchdog(const char *text) {
    expect_status(0);
    expect_text(text);
    expect_text("and on it goes");
}

/* ---- cycles ------------------------------------------------------------------------------------------------ */

static void eats(void *arg) {
    unsigned i = (unsigned)(uintptr_t)arg;
    mutex_lock(&fork_[i]);
    atomic_fetch_add(&holding, 1);
    WAIT_FOR(atomic_load(&holding) == 3);
    mutex_lock(&fork_[(i + 1) % 3]);
}

static void take_seats(void) {
    static const char *const names[] = {"Plato", "Kant", "Hume"};
    for (unsigned i = 0; i < 3; i++) {
        struct go_opts o = {.name = names[i]};
        CHECK_EQ(go_with(&o, eats, (void *)(uintptr_t)i), 0);
    }
    WAIT_FOR(atomic_load(&holding) == 3);
}

static void sit_down(void) {
    take_seats();
    settle();
}

static _Atomic bool enough;

static void hogs(void *arg) {
    (void)arg;
    SPIN_UNTIL(atomic_load(&enough));
}

/* By a tick: one core is at work all the while, so that nobody can be the last to fall asleep. */
TEST(death, watchdog_sees_a_cycle) {
    expect_watchdog("watchdog: 3 goroutines wait for each other for ever:");
    expect_text("\"Plato\" [sync.Mutex.Lock] waits for ");
    expect_text("\"Kant\" [sync.Mutex.Lock] waits for ");
    expect_text("which is held by goroutine ");
    expect_text("\"Hume\" [sync.Mutex.Lock]");
    start(hogs, NULL);
    take_seats();
    be_busy();
    survive();
}

static void stays(void *arg) {
    (void)arg;
    go_preempt_off();
    for (bool told = false; !told;) {
        g_each(told_of, &told);
    }
    survive();
}

/* At each of its ticks the slice is over, and so the next one waits for the tick's end: watchdogs are put off, but not for
 * good. No other core has ticks, or is the last to fall asleep. */
TEST(death, watchdog_sees_a_cycle_over_one_that_stays) {
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    expect_status(0);
    expect_text("watchdog: 3 goroutines wait for each other for ever:");
    for (uintptr_t i = 0; i < 3; i++) {
        start_on(1, eats, (void *)i);
    }
    start_on(0, stays, NULL);
    start_on(0, hogs, NULL); /* the next one */
    sema_wait(&(struct sema){0});
}

/* The same once more is not the news; on request it is told again, and at once. */
TEST(death, cycle_on_request) {
    expect_watchdog("watchdog: 3 goroutines wait for each other for ever:");
    expect_text("found 1");
    sit_down();
    kprintf("found %d\n", go_deadlocks());
    survive();
}

/* When everybody sleeps there are no ticks: the last core to fall asleep tells it. */
TEST(death, watchdog_sees_a_cycle_asleep) {
    expect_watchdog("watchdog: 3 goroutines wait for each other for ever:");
    expect_text("\"Kant\" [sync.Mutex.Lock] waits for ");
    sit_down();
    settle();
    sleep_till_told();
    survive();
}

/* ---- circles of other things ---- */

static struct rwmutex shelf[2];

static void reads_and_writes(void *arg) {
    unsigned i = (unsigned)(uintptr_t)arg;
    rwmutex_lock(&shelf[i]);
    atomic_fetch_add(&holding, 1);
    WAIT_FOR(atomic_load(&holding) == 2);
    if (i == 0) {
        rwmutex_rlock(&shelf[1]);
    } else {
        rwmutex_lock(&shelf[0]);
    }
}

TEST(death, cycle_of_rwmutexes) {
    expect_watchdog("watchdog: 2 goroutines wait for each other for ever:");
    expect_text("[sync.RWMutex.RLock] waits for ");
    expect_text("[sync.RWMutex.Lock]");
    start(reads_and_writes, (void *)0);
    start(reads_and_writes, (void *)1);
    WAIT_FOR(atomic_load(&holding) == 2);
    settle();
    sleep_till_told();
    survive();
}

static struct join ends[2];

static void *joins_the_other(void *arg) {
    unsigned i = (unsigned)(uintptr_t)arg;
    atomic_fetch_add(&holding, 1);
    WAIT_FOR(atomic_load(&holding) == 2);
    go_join(&ends[1 - i], NULL);
    return NULL;
}

TEST(death, cycle_of_joins) {
    expect_watchdog("watchdog: 2 goroutines wait for each other for ever:");
    expect_text("[join] waits for ");
    expect_text("which is the end of goroutine ");
    for (uintptr_t i = 0; i < 2; i++) {
        CHECK_EQ(go_joinable(&ends[i], NULL, joins_the_other, (void *)i), 0);
    }
    WAIT_FOR(atomic_load(&holding) == 2);
    settle();
    sleep_till_told();
    survive();
}

/* ---- how long ---- */

static struct g *_Atomic waiter;

static void waits_for_long(void *arg) {
    waiter = hal_self();
    chan_recv(arg, NULL);
}

static void wait_for_minutes(void) {
    CHECK_EQ(go_with(&GO_OPTS(.name = "patient"), waits_for_long, CHAN(int, 0)), 0);
    WAIT_FOR(atomic_load(&waiter) != NULL);
    settle();
    waiter->since -= SEC(200) * 1000 / hal_stamp_ns(1000); /* it has begun earlier than that */
}

TEST(death, long_wait_on_request) {
    expect_watchdog("\"patient\" [chan receive] has waited for 200 s");
    wait_for_minutes();
    go_deadlocks();
    survive();
}

TEST(death, minutes_of_waiting) {
    expect_status(0);
    expect_text("[chan receive, 3 minutes]: \"patient\"");
    wait_for_minutes();
    go_dump();
    machine_exit(0);
}

static void locks_at_once(void *arg) {
    mutex_lock(arg);
    mutex_unlock(arg);
}

/* Where a mutex was there may be something else by now, whose first word is the address of something. */
TEST(death, no_holder_that_is_none) {
    static uint64_t other[128]; /* more than a struct g */
    expect_status(0);
    expect_text("[sync.Mutex.Lock]: \"late\"");
    expect_text("has waited for ");
    expect_no_text("held by");
    for (unsigned i = 0; i < 128; i++) {
        other[i] = 4711;
    }
    mutex_lock(&fork_[0]);
    CHECK_EQ(go_with(&GO_OPTS(.name = "late"), locks_at_once, &fork_[0]), 0);
    settle();
    uintptr_t was = atomic_exchange(&fork_[0].word, (uintptr_t)other);
    go_dump();
    atomic_store(&fork_[0].word, was);
    mutex_unlock(&fork_[0]);
    machine_exit(0);
}

/* Who waits in a line is in no cycle: neither in a tick nor on request. The one at its end holds what they wait for, and
 * has the highest address of them: where an address sinks, no walk goes on. */
static struct sema known, line_up;
static _Atomic uintptr_t highest;

static void stands_in_line(void *arg) {
    uintptr_t me = (uintptr_t)hal_self(), was = highest;
    while (was < me && !atomic_compare_exchange_weak(&highest, &was, me)) {
    }
    sema_wait(&known);
    if (me == highest) {
        mutex_lock(arg);
        chan_recv(NULL, NULL);
    }
    sema_wait(&line_up);
    mutex_lock(arg);
    mutex_unlock(arg);
}

TEST(death, line_is_no_cycle) {
    expect_status(0);
    expect_text("found 0");
    expect_no_text("watchdog:");
    for (int i = 0; i < 6; i++) {
        start(stands_in_line, &fork_[0]);
    }
    settle();
    for (int i = 0; i < 6; i++) {
        sema_post(&known);
    }
    settle();
    for (int i = 0; i < 5; i++) {
        sema_post(&line_up);
    }
    settle();
    kprintf("found %d\n", go_deadlocks());
    be_busy();
    survive();
}

/* A circle that a context or a deadline can open is no deadlock. */
static struct limit patience;

static void eats_until(void *arg) {
    unsigned i = (unsigned)(uintptr_t)arg;
    mutex_lock(&fork_[i]);
    atomic_fetch_add(&holding, 1);
    WAIT_FOR(atomic_load(&holding) == 2);
    if (i == 0) {
        mutex_lock_until(&fork_[1], patience);
    } else {
        mutex_lock(&fork_[0]);
    }
}

static void no_cycle_within(struct limit l) {
    expect_status(0);
    expect_text("found 0");
    expect_no_text("watchdog:");
    patience = l;
    start(eats_until, (void *)0);
    start(eats_until, (void *)1);
    WAIT_FOR(atomic_load(&holding) == 2);
    settle();
    kprintf("found %d\n", go_deadlocks());
    be_busy();
    survive();
}

TEST(death, context_opens_a_cycle) {
    no_cycle_within(UNLESS(ctx_make(ctx_background())));
}

TEST(death, deadline_opens_a_cycle) {
    no_cycle_within(WITHIN(SEC(3600)));
}

/* ---- lost wake-ups ------------------------------------------------------------------------------------------- */

static struct g *_Atomic forgotten;

static struct g *nobody_is_told(struct g *g, void *arg) {
    (void)arg;
    g_set_status(g, G_RUNNABLE); /* and on no queue */
    atomic_store(&forgotten, g);
    return schedule();
}

static void is_forgotten(void *arg) {
    (void)arg;
    hal_irq_mask();
    park(WAIT_SEMA, nobody_is_told, NULL);
}

TEST(death, watchdog_sees_a_lost_wake_up) {
    if (go_num_cores() == 1) {
        SKIP("with one core nobody idles while somebody looks");
    }
    expect_watchdog("watchdog: lost wake-up: goroutine ");
    expect_text("\"lost\"");
    expect_text("has been runnable for ");
    CHECK_EQ(go_with(&GO_OPTS(.name = "lost"), is_forgotten, NULL), 0);
    WAIT_FOR(atomic_load(&forgotten) != NULL);
    be_busy();
    survive();
}

/* ---- stuck cores --------------------------------------------------------------------------------------------- */

static _Atomic bool deaf;
static uint64_t deaf_id; /* set before deaf */

static void masks(void *arg) {
    (void)arg;
    for (uint64_t ticks = core_counters(go_core()).ticks + 2; core_counters(go_core()).ticks < ticks;) {
        hal_relax(); /* so that it was seen here */
    }
    hal_irq_mask();
    deaf_id = go_id();
    atomic_store(&deaf, true);
    for (;;) {
        hal_relax();
    }
}

TEST(death, watchdog_sees_a_stuck_core) {
    if (go_num_cores() == 1) {
        SKIP("nobody is there to watch a single core");
    }
    unsigned last = go_num_cores() - 1;
    expect_watchdog("is stuck: it has taken no tick for ");
    kprintf("# expect text watchdog: core %u\n", last);
    start_on(last, masks, NULL);
    CHECK_EQ(go_set_cores(1), 0);
    WAIT_FOR(atomic_load(&deaf));
    kprintf("# expect text  at its last tick it ran goroutine %lu at \n", (unsigned long)deaf_id);
    be_busy();
    survive();
}

#ifdef HAL_HOST
static void waits_outside(void *arg) {
    unsigned core = (unsigned)(uintptr_t)arg;
    uint64_t before = relaxed_load(&cores[core].n.ticks);
    while (relaxed_load(&cores[core].n.ticks) < before + 2) {
    } /* so that it was seen here */
    deaf_id = go_id();
    atomic_store(&deaf, true);
    for (;;) {
        pause();
    }
}

/* Nothing is wrong with the core: what no tick can interrupt is a call. */
TEST(death, watchdog_sees_a_call_that_waits) {
    if (go_num_cores() == 1) {
        SKIP("nobody is there to watch a single core");
    }
    unsigned last = go_num_cores() - 1;
    expect_watchdog(" waits in a call of the C library: it has taken no tick for ");
    kprintf("# expect text watchdog: core %u\n", last);
    start_on(last, waits_outside, (void *)(uintptr_t)last);
    CHECK_EQ(go_set_cores(1), 0);
    WAIT_FOR(atomic_load(&deaf));
    kprintf("# expect text  at its last tick it ran goroutine %lu at waits_outside+\n",
            (unsigned long)deaf_id);
    be_busy();
    survive();
}
#endif
