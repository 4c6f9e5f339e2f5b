/*
 * tests/test_knobs.c - knobs: their words, what each does, and that Gs live while they are turned. Each test of a single
 * one fails when its word does nothing.
 */
#include <errno.h>
#include <string.h>

#include "sched/knobs.h"
#include "sched/runq.h"
#include "tests/test.h"

static struct wg wg;

static void turn(const char *word) {
    if (!CONFIG_TRACE) {
        SKIP("this build has no knobs");
    }
    CHECK_EQ(go_option(word), 0);
}

TEST(sched, knobs_refuse) {
    static const char *const bad[] = {
        "tick=",
        "tick=1",
        "tick=offf",
        "reductions=on",
        "reductions=0",
        "reductions=-1",
        "runnext=2",
        "spin=0",
        "spin=100001",
        "spin=99999999999999999999",
        "steal=all",
        "steal=129",
        "steal=0",
        "demote=maybe",
        "gcache=none",
        "slice=10",
        "slice=ms",
        "slice=9us",
        "slice=1001ms",
        "slice=10 ms",
        "slice=18446744073709551626us",
        "slice=1h",
        "cores=0",
        "cores=99",
        "cores=x",
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (go_option(bad[i]) != -EINVAL) {
            FAIL("%s is taken", bad[i]);
        }
    }
    CHECK_EQ(go_option("ticks=on"), -ENOENT);
    CHECK_EQ(go_option("tick"), -ENOENT); /* without a value it is one of the program's */
    CHECK_EQ(go_option("cores"), -ENOENT);
}

TEST(sched, knob_slice) {
    CHECK_EQ(go_option("slice=2500us"), 0);
    CHECK_EQ(go_set_slice(MS(10)), US(2500));
    CHECK_EQ(go_option("slice=1s"), 0);
    CHECK_EQ(go_set_slice(MS(10)), SEC(1));
}

TEST(sched, knob_cores) {
    CHECK_EQ(go_option("cores=1"), 0);
    CHECK_EQ(go_cores(), 1);
    cores_have_turned(); /* a slice may have ended meanwhile, and a core that was about to retire taken this G */
    CHECK_EQ(go_core(), 0);
}

/* ---- who is taken off -------------------------------------------------------------------------- */

static struct { _Atomic bool ran, seen; } hog;

static uint64_t ticks(void) {
    return core_counters(0).ticks;
}

/* Until something else has run, or so many slices are over. */
static void hog_until_seen(unsigned slices) {
    uint64_t end = ticks() + slices;
    while (!hog.ran && ticks() < end) {
        hal_relax();
    }
    hog.seen = hog.ran;
}

#define NEVER  6   /* slices that are enough to show that nobody else runs */
#define SURELY 500 /* more than it takes */

static void hogs(void *arg) {
    (void)arg;
    go_yield(); /* those who were started after it are behind it then */
    hog_until_seen(SURELY);
    wg_done(&wg);
}

static void runs(void *arg) {
    (void)arg;
    go_yield();
    hog.ran = true;
    wg_done(&wg);
}

static bool hog_sees_another(void) {
    use_cores(1);
    go_set_slice(MS(1));
    hog.ran = hog.seen = false;
    wg_add(&wg, 2);
    start(runs, NULL);
    start(hogs, NULL); /* the first of the two under GMP; under another policy it does not matter */
    wg_wait(&wg);
    return hog.seen;
}

static void wakes_up(void *arg) {
    go_sleep(US(300));
    atomic_store((_Atomic bool *)arg, true);
    wg_done(&wg);
}

/* A slice's end takes nobody off, nor does whom a timer wakes. */
TEST(sched, knob_tick_off) {
    needs_m_n();
    turn("tick=off");
    use_cores(1);
    go_set_slice(MS(1));
    do { /* until one sleeps: that may be over before it has begun */
        wg_wait(&wg);
        hog.ran = hog.seen = false;
        wg_add(&wg, 1);
        start(wakes_up, &hog.ran);
        go_yield();
    } while (hog.ran);
    wg_add(&wg, 1);
    start(runs, NULL);
    hog_until_seen(NEVER);
    CHECK(!hog.seen);
    wg_wait(&wg);
    turn("tick=on");
    CHECK(hog.ran);
}

TEST(sched, knob_tick_on) {
    needs_preemption();
    turn("tick=off");
    turn("tick=on");
    CHECK(hog_sees_another());
}

static void is_there(void *arg) {
    (void)arg;
    hog.ran = true;
    wg_done(&wg);
}

/* Nor when a section without preemption ends in which a slice has ended. */
TEST(sched, knob_tick_off_in_sections) {
    needs_m_n();
    turn("tick=off");
    use_cores(1);
    hog.ran = false;
    wg_add(&wg, 1);
    go_set_slice(MS(1));
    go_preempt_off();
    start(is_there, NULL);
    uint64_t end = ticks() + NEVER;
    SPIN_UNTIL(ticks() >= end);
    go_preempt_on();
    CHECK(!hog.ran);
    wg_wait(&wg);
    turn("tick=on");
}

/* ---- reductions -------------------------------------------------------------------------------- */

#define WAITERS 10

static struct sema woken[WAITERS];

static void is_woken(void *arg) {
    sema_wait(arg);
    hog.ran = true;
    wg_done(&wg);
}

/* With a slice of its own: wakes all, and computes then. */
static void wakes(void *arg) {
    unsigned slices = *(unsigned *)arg;
    sleep_surely(US(300));
    for (unsigned i = 0; i < WAITERS; i++) {
        sema_post(&woken[i]);
    }
    hog_until_seen(slices);
    wg_done(&wg);
}

static bool is_taken_off(unsigned slices) {
    hog.ran = hog.seen = false;
    wg_add(&wg, WAITERS + 1);
    for (unsigned i = 0; i < WAITERS; i++) {
        start(is_woken, &woken[i]);
    }
    start(wakes, &slices);
    wg_wait(&wg);
    return hog.seen;
}

/* The tenth wakening ends a slice of ten, and not one of eleven, however long it is. */
TEST(sched, knob_reductions) {
    needs_m_n();
    needs_gmp();
    use_cores(1);
    go_set_slice(MS(1));
    turn("reductions=10");
    CHECK(is_taken_off(SURELY));
    turn("reductions=11");
    CHECK(!is_taken_off(NEVER));
    turn("reductions=off");
    CHECK(is_taken_off(SURELY));
}

static _Atomic bool pair_over;
static unsigned rounds_of_pair; /* until somebody else ran */

static void talks(void *arg) {
    struct sema *s = arg;
    for (rounds_of_pair = 0; rounds_of_pair < 1000 && !hog.ran; rounds_of_pair++) {
        sema_post(&s[0]);
        sema_wait(&s[1]);
    }
    pair_over = true;
    sema_post(&s[0]);
    wg_done(&wg);
}

static void answers(void *arg) {
    struct sema *s = arg;
    while (!pair_over) {
        sema_wait(&s[0]);
        sema_post(&s[1]);
    }
    wg_done(&wg);
}

/* Two who wake each other have one budget: whoever is behind them runs long before they are done. */
TEST(sched, knob_reductions_of_a_pair) {
    needs_m_n();
    needs_gmp();
    use_cores(1);
    go_set_slice(SEC(1));
    turn("reductions=100");
    hog.ran = false;
    pair_over = false;
    struct sema s[2] = {{0}};
    wg_add(&wg, 3);
    start(answers, s);
    start(talks, s);
    start(runs, NULL);
    wg_wait(&wg);
    CHECK(rounds_of_pair < 100);
    turn("reductions=off");
}

/* ---- runnext ----------------------------------------------------------------------------------- */

static struct { unsigned order[4], n; } turns;

ONE_CORE static void notes(void *arg) {
    turns.order[turns.n++] = (unsigned)(uintptr_t)arg;
    wg_done(&wg);
}

/* Once nobody's slice ends meanwhile - a simulation draws that - who would tell its turn late then. */
static void take_turns(void) {
    uint64_t preempted;
    do {
        turns.n = 0;
        preempted = SUM(preempted);
        wg_add(&wg, 4);
        for (uintptr_t i = 0; i < 4; i++) {
            start(notes, (void *)i);
        }
        wg_wait(&wg);
    } while (SUM(preempted) != preempted);
}

/* With runnext the last one that was started is the first. */
TEST(sched, knob_runnext_off) {
    needs_m_n();
    needs_gmp();
    use_cores(1);
    turn("runnext=off");
    take_turns();
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(turns.order[i], i);
    }
    turn("runnext=on");
}

/* ---- spin -------------------------------------------------------------------------------------- */

TEST(sched, knob_spin) {
    needs_m_n();
    needs_gmp();
    settle();
    uint64_t spun = SUM(spun);
    go_sleep(US(500));
    CHECK_EQ(SUM(spun), spun);
    turn("spin=100");
    while (SUM(spun) == spun) {
        go_sleep(US(500)); /* this core has nothing then */
    }
    turn("spin=off");
}

/* ---- steal ------------------------------------------------------------------------------------- */

#define LOOT 16

static struct {
    _Atomic bool hold, keep;
    _Atomic unsigned here, most;
    _Atomic uint64_t before;
} theft;

static void holds_core(void *arg) {
    (void)arg;
    theft.here = 1;
    SPIN_UNTIL(!theft.hold);
    wg_done(&wg);
}

/* The first that runs on core 1 tells how many were taken so far. */
static void tells_loot(void *arg) {
    (void)arg;
    uint64_t taken = SUM(stolen) - theft.before;
    unsigned none = 0;
    if (go_core() == 1) {
        atomic_compare_exchange_strong(&theft.most, &none, (unsigned)taken);
    }
    SPIN_UNTIL(!theft.keep);
    wg_done(&wg);
}

/* On core 0, which nobody else gets meanwhile. */
static void is_robbed(void *arg) {
    bool steals = arg == NULL;
    SPIN_UNTIL(theft.here != 0);
    go_preempt_off();
    for (unsigned i = 0; i < LOOT; i++) {
        start(tells_loot, NULL);
    }
    theft.before = SUM(stolen);
    theft.hold = false;
    ns_t until = go_now() + MS(20);
    SPIN_UNTIL(steals ? theft.most != 0 : go_now() >= until);
    theft.keep = false;
    go_preempt_on();
    wg_done(&wg);
}

/* What the one thief takes at first of sixteen that wait on a core that is held; once no slice of its ends before the first
 * has told. */
static unsigned first_loot(bool steals) {
    static char none;
    uint64_t preempted;
    use_cores(2);
    go_set_slice(SEC(1));
    do {
        preempted = core_counters(1).preempted;
        theft.hold = theft.keep = true;
        theft.here = theft.most = 0;
        wg_add(&wg, LOOT + 2);
        start_on(1, holds_core, NULL);
        start_on(0, is_robbed, steals ? NULL : &none);
        wg_wait(&wg);
    } while (core_counters(1).preempted != preempted);
    use_cores(go_num_cores());
    return theft.most;
}

TEST(sched, knob_steal) {
    needs_m_n();
    needs_gmp();
    if (go_num_cores() < 2) {
        SKIP("it takes two cores");
    }
    CHECK(first_loot(true) >= 7);
    turn("steal=one");
    CHECK_EQ(first_loot(true), 1);
    turn("steal=3");
    CHECK_EQ(first_loot(true), 3);
    turn("steal=off");
    CHECK_EQ(first_loot(false), 0);
    turn("steal=half");
    CHECK(first_loot(true) >= 7);
}

static void rests(void *arg) {
    (void)arg;
    go_sleep(MS(3));
    wg_done(&wg);
}

static void starts_one(void *arg) {
    start(rests, NULL);
    wg_done(arg);
}

/* What wakes on a core that has retired meanwhile comes to those that are left, which sleep, although nobody steals. */
TEST(sched, knob_steal_off_loses_none) {
    needs_m_n();
    needs_gmp();
    turn("steal=off");
    unsigned all = go_num_cores();
    struct wg started = {0};
    for (unsigned round = 0; round < test_rounds(16); round++) {
        wg_add(&wg, (int)all);
        wg_add(&started, (int)all);
        for (unsigned i = 0; i < all; i++) {
            start_on(i, starts_one, &started);
        }
        wg_wait(&started);
        go_sleep(US(200)); /* as a rule they sleep now */
        CHECK_EQ(go_set_cores(1), 0);
        wg_wait(&wg);
        CHECK_EQ(go_set_cores(all), 0);
    }
    turn("steal=half");
}

/* ---- demote ------------------------------------------------------------------------------------ */

static _Atomic bool hog_over;

static void computes(void *arg) {
    (void)arg;
    while (!hog.ran) {
        hal_relax();
    }
    hog_over = true;
    wg_done(&wg);
}

/* Whoever has used up a slice waits in the queue of all cores, and behind those that have not. */
TEST(sched, knob_demote) {
    needs_m_n();
    needs_gmp();
    turn("demote=on");
    use_cores(1);
    go_set_slice(MS(1));
    hog.ran = hog_over = false;
    wg_add(&wg, 1);
    start(computes, NULL);
    bool seen = false;
    uint64_t end = ticks() + 200;
    while (!seen && ticks() < end) {
        seen = globq_length() != 0;
        go_yield();
    }
    CHECK(seen);
    hog.ran = true;
    wg_wait(&wg);
    turn("demote=off");
}

/* ---- gcache ------------------------------------------------------------------------------------ */

static void ends(void *arg) {
    sema_wait(arg);
    wg_done(&wg);
}

static uint32_t dead_here(void) {
    hal_irq_t was = hal_irq_save();
    uint32_t n = gs_at_hand(this_core());
    hal_irq_restore(was);
    return n;
}

TEST(sched, knob_gcache_off) {
    use_cores(1);
    turn("gcache=off");
    struct sema over = {0};
    for (unsigned round = 0; round < 2; round++) {
        wg_add(&wg, 100);
        for (unsigned i = 0; i < 100; i++) {
            start(ends, &over);
        }
        CHECK_EQ(dead_here(), 0);
        for (unsigned i = 0; i < 100; i++) {
            sema_post(&over);
        }
        wg_wait(&wg);
        settle();
        CHECK_EQ(dead_here(), 0);
    }
    turn("gcache=on");
}

/* ---- all of them ------------------------------------------------------------------------------- */

static struct {
    _Atomic bool stop;
    _Atomic unsigned rounds;
    struct chan *c;
} churn;

static struct wg senders;

static void sends(void *arg) {
    (void)arg;
    for (int v = 0; !churn.stop; v++) {
        chan_send(churn.c, &v);
        if (v % 16 == 0) {
            go_sleep(US(50));
        }
    }
    wg_done(&senders);
}

static void receives(void *arg) {
    (void)arg;
    int v;
    while (chan_recv(churn.c, &v) == 0) {
        atomic_fetch_add(&churn.rounds, 1);
    }
    wg_done(&wg);
}

static void stays(void *arg) {
    unsigned core = (unsigned)(uintptr_t)arg;
    while (!churn.stop) {
        CHECK_EQ(go_core(), core);
        go_yield();
    }
    wg_done(&wg);
}

static void loops(void *arg) {
    (void)arg;
    while (!churn.stop) {
        for (volatile unsigned i = 0; i < 5000;
             i = i + 1) { /* a process's hal_relax() may take a slice of its system's */
        }
        go_yield(); /* while the tick is off nobody else would take it off */
    }
    wg_done(&wg);
}

/* Whatever Gs do goes on while all of them are turned, in any mixture. */
TEST(sched, knobs_are_turned) {
    static const char *const odd[] = {"tick=off",    "spin=on",      "steal=one",  "demote=on",
                                      "runnext=off", "reductions=7", "gcache=off", "steal=off",
                                      "steal=5",     "spin=10",      "slice=500us"};
    static const char *const usual[] = {"tick=on",    "spin=off",       "steal=half", "demote=off",
                                        "runnext=on", "reductions=off", "gcache=on",  "slice=10ms"};
    enum { ODD = sizeof odd / sizeof odd[0], USUAL = sizeof usual / sizeof usual[0] };
    turn("steal=half");
    churn.stop = false;
    churn.c = CHAN(int, 2);
    unsigned cores_ = go_num_cores();
    wg_add(&senders, 3);
    wg_add(&wg, (int)(5 + cores_));
    for (unsigned i = 0; i < 3; i++) {
        start(sends, NULL);
        start(receives, NULL);
    }
    start(loops, NULL);
    start(loops, NULL);
    for (unsigned i = 0; i < cores_; i++) {
        start_on(i, stays, (void *)(uintptr_t)i);
    }
    uint32_t seed = test_seed(0);
    for (unsigned round = 0; round < test_rounds(40); round++) {
        unsigned n = test_random(&seed) % (ODD + USUAL);
        turn(n < ODD ? odd[n] : usual[n - ODD]);
        unsigned rounds = churn.rounds;
        WAIT_FOR(churn.rounds > rounds);
        CHECK_EQ(go_set_cores(1 + test_random(&seed) % cores_), 0);
    }
    CHECK_EQ(go_set_cores(cores_), 0);
    for (unsigned i = 0; i < USUAL; i++) {
        turn(usual[i]);
    }
    churn.stop = true;
    wg_wait(&senders);
    chan_close(churn.c);
    wg_wait(&wg);
    chan_free(churn.c);
    for (unsigned i = 0; i < cores_; i++) {
        CHECK((relaxed_load(&cores[i].hal.hooks) & HOOK_KNOBS) == 0);
    }
}
