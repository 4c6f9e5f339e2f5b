/* tests/test_preempt.c - the tick, slices, and what a woken G does to a hog. */
#include "tests/test.h"

static struct wg wg;

static struct {
    _Atomic bool stop;
    _Atomic unsigned up;
    _Atomic unsigned last;    /* number of the hog that ran last */
    _Atomic unsigned changes; /* how often another hog ran than before */
} hogs;

/* Calls nothing and never blocks. */
static void hog(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg;
    atomic_fetch_add(&hogs.up, 1);
    while (!atomic_load_explicit(&hogs.stop, memory_order_relaxed)) {
        if (atomic_load_explicit(&hogs.last, memory_order_relaxed) != me) {
            atomic_store_explicit(&hogs.last, me, memory_order_relaxed);
            atomic_fetch_add_explicit(&hogs.changes, 1, memory_order_relaxed);
        }
    }
    wg_done(&wg);
}

static void start_hogs(unsigned n) {
    hogs.stop = false;
    hogs.up = hogs.changes = hogs.last = 0;
    wg_add(&wg, (int)n);
    for (uintptr_t i = 0; i < n; i++) {
        start(hog, (void *)(i + 1));
    }
}

static void stop_hogs(void) {
    hogs.stop = true;
    wg_wait(&wg);
}

/* More endless loops than cores: all of them run, and so does this G. */
TEST(sched, TestPreemption) {
    needs_preemption();
    unsigned n = 3 * go_num_cores();
    go_set_slice(US(500));
    start_hogs(n);
    WAIT_FOR(atomic_load(&hogs.up) == n);
    stop_hogs();
}

/* Go: an endless loop without a call, on the only processor, is stopped all the same. */
TEST(sched, TestAsyncPreempt) {
    needs_preemption();
    use_cores(1);
    go_set_slice(US(500));
    uint64_t before = SUM(preempted);
    start_hogs(2);
    WAIT_FOR(atomic_load(&hogs.changes) >= 20);
    stop_hogs();
    CHECK(SUM(preempted) >= before + 15);
}

/* The timer of a core that slept is off: entering a G turns it on (HAZARDS 4). Nothing else does it here: nobody
 * is woken or started on that core, and nobody calls it. */
TEST(sched, tick_comes_to_a_quiet_core) {
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    unsigned other = go_num_cores() - 1;
    use_cores(1);
    go_set_slice(MS(1));
    bool by_itself = false;
    for (unsigned tries = 0; tries < 5 && !by_itself; tries++) { /* who starts it may ring late */
        settle();
        hogs.stop = false;
        hogs.up = 0;
        wg_add(&wg, 1);
        start_on(other, hog, (void *)1);
        WAIT_FOR(atomic_load(&hogs.up) == 1);
        struct core_info before = core_counters(other);
        WAIT_FOR(core_counters(other).ticks >= before.ticks + 4); /* a watchdog rings where none come */
        by_itself = core_counters(other).ipis_received == before.ipis_received;
        stop_hogs();
    }
    CHECK(by_itself);
}

/* Without go_set_slice() it is Go's 10 ms: two hogs take turns. */
TEST(sched, slice_of_the_default) {
    needs_preemption();
    use_cores(1);
    start_hogs(2);
    WAIT_FOR(atomic_load(&hogs.changes) >= 4);
    stop_hogs();
}

TEST(sched, slice_is_set_and_bounded) {
    ns_t old = go_set_slice(MS(3));
    CHECK_EQ(old, CONFIG_SLICE_NS);
    CHECK_EQ(go_set_slice(1), MS(3));
    CHECK_EQ(go_set_slice(SEC(100)), US(10));
    CHECK_EQ(go_set_slice(old), SEC(1));
}

/* ---- woken Gs ------------------------------------------------------------------------------------------ */

/* HAZARDS 7: a sleeper does not wait for the hog's slice to end, and the hog goes on with the rest of its slice
 * before the next hog runs. Counted in changes of hogs: with slices of a second and sleeps of a millisecond,
 * each wait for a slice's end would be a change. A host that stands still for seconds ends slices too, hence
 * more than one try: a sleeper that waits does so in each. */
TEST(sched, sleeper_displaces_hog) {
    needs_gmp();
    enum { SLEEPS = 8, TRIES = 5 };
    unsigned changes = SLEEPS;
    use_cores(1);
    go_set_slice(SEC(1));
    for (int try = 0; try < TRIES && changes >= SLEEPS / 2; try++) {
        start_hogs(2);
        for (int i = 0; i < SLEEPS; i++) {
            go_sleep(MS(1));
        }
        changes = atomic_load(&hogs.changes);
        stop_hogs();
    }
    CHECK(changes < SLEEPS / 2);
}

static struct {
    ns_t when; /* the first one's; the second's is a while later */
    _Atomic bool second;
    bool late; /* the first one woke when the second was due, too: one interrupt for both, which says nothing */
    bool in_time;
} sleepers;

#define WHILE MS(20)

static void sleeps_behind(void *arg) {
    (void)arg;
    go_sleep_until(sleepers.when + WHILE);
    atomic_store(&sleepers.second, true);
    wg_done(&wg);
}

static void sleeps_then_hogs(void *arg) {
    (void)arg;
    go_sleep_until(sleepers.when);
    sleepers.late = go_now() >= sleepers.when + WHILE;
    while (!sleepers.late && !atomic_load(&sleepers.second) && go_now() < sleepers.when + MS(500)) {
    }
    sleepers.in_time = !sleepers.late && atomic_load(&sleepers.second);
    wg_done(&wg);
}

/* The timer of an idle core wakes one that does not stop, and is set for the next sleeper all the same: not only
 * for the end of the slice, which is a second away. More than one try, as above. */
TEST(sched, sleeper_behind_a_sleeper) {
    needs_gmp();
    enum { TRIES = 5, LATE = 500 };
    int tries = 0, late = 0;
    use_cores(1);
    go_set_slice(SEC(1));
    sleepers.in_time = false;
    while (tries < TRIES && late < LATE && !sleepers.in_time) {
        sleepers.when = go_now() + MS(10);
        sleepers.second = false;
        wg_add(&wg, 2);
        start(sleeps_then_hogs, NULL);
        start(sleeps_behind, NULL);
        wg_wait(&wg);
        tries += !sleepers.late;
        late += sleepers.late;
    }
    if (late == LATE) {
        SKIP("this machine wakes all sleepers at once");
    }
    CHECK(sleepers.in_time);
}

static void sleeps_often(void *arg) {
    unsigned *n = arg;
    while (!atomic_load(&hogs.stop)) {
        go_sleep(US(10));
        ++*n;
    }
    wg_done(&wg);
}

/* The brake: however often somebody is woken, the hogs get on. */
TEST(sched, hog_lives_through_wakeups) {
    needs_preemption();
    unsigned wakes[3] = {0};
    use_cores(1);
    go_set_slice(MS(1));
    start_hogs(2);
    wg_add(&wg, 3);
    for (unsigned i = 0; i < 3; i++) {
        start(sleeps_often, &wakes[i]);
    }
    WAIT_FOR(atomic_load(&hogs.changes) >= 10);
    stop_hogs();
    for (unsigned i = 0; i < 3; i++) {
        CHECK(wakes[i] != 0);
    }
}

static void spins_by_yield(void *arg) {
    (void)arg;
    while (!atomic_load(&hogs.stop)) {
        go_yield();
    }
    wg_done(&wg);
}

/* Go: timers fire although all processors spin. */
TEST(sched, TestTimerFairness) {
    unsigned n = 2 * go_num_cores();
    hogs.stop = false;
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(spins_by_yield, NULL);
    }
    for (int i = 0; i < 50; i++) {
        ns_t when = go_now() + US(100);
        go_sleep_until(when);
        CHECK(go_now() >= when);
    }
    stop_hogs();
}

static struct chan *ping, *pong;

static void bounces(void *arg) {
    (void)arg;
    bool more;
    while (chan_recv(ping, &more) == 0 && more) {
        chan_send(pong, &more);
    }
    wg_done(&wg);
}

static void keeps_bouncing(void *arg) {
    (void)arg;
    bool more;
    do {
        more = !atomic_load(&hogs.stop);
        chan_send(ping, &more);
    } while (more && chan_recv(pong, NULL) == 0);
    wg_done(&wg);
}

/* Go: timers fire although Gs play ping-pong without end. */
TEST(sched, TestTimerFairness2) {
    use_cores(1);
    hogs.stop = false;
    ping = CHAN(bool, 0);
    pong = CHAN(bool, 0);
    wg_add(&wg, 2);
    start(bounces, NULL);
    start(keeps_bouncing, NULL);
    for (int i = 0; i < 50; i++) {
        go_sleep(US(100));
    }
    stop_hogs();
    chan_free(ping);
    chan_free(pong);
}

/* ---- two pairs -------------------------------------------------------------------------------------------- */

struct pair {
    struct chan *token;
    unsigned work;         /* loops per turn */
    _Atomic uint64_t done; /* loops in all */
};

static void works_in_turn(void *arg) {
    struct pair *p = arg;
    bool more;
    while (chan_recv(p->token, &more) == 0 && more) {
        for (unsigned i = 0; i < p->work; i++) {
            atomic_fetch_add_explicit(&p->done, 1, memory_order_relaxed);
        }
        more = !atomic_load(&hogs.stop);
        chan_send(p->token, &more);
        if (!more) {
            break;
        }
    }
    wg_done(&wg);
}

/* Go: two pairs pass a token, one works long with it, the other short. As a pair shares one slice, the work of
 * both is within a factor of 20. */
TEST(sched, TestPingPongHog) {
    needs_gmp();
    static struct pair pairs[] = {{.work = 100000}, {.work = 100}};
    if (CONFIG_SIM != 0) {
        SKIP("the seed says who shares a slice");
    }
    use_cores(1);
    go_set_slice(MS(1));
    hogs.stop = false;
    wg_add(&wg, 4);
    for (unsigned i = 0; i < 2; i++) {
        bool more = true;
        pairs[i].token = CHAN(bool, 0);
        pairs[i].done = 0;
        start(works_in_turn, &pairs[i]);
        start(works_in_turn, &pairs[i]);
        chan_send(pairs[i].token, &more);
    }
    uint64_t ticks;
    for (ns_t d = MS(200);; d *= 2) { /* many slices in one sleep: nobody else changes whose turn it is */
        ticks = core_counters(0).ticks;
        pairs[0].done = pairs[1].done = 0;
        go_sleep(d);
        if (core_counters(0).ticks >= ticks + 100) {
            break;
        }
    }
    stop_hogs();
    for (unsigned i = 0; i < 2; i++) {
        chan_free(pairs[i].token);
    }
    uint64_t heavy = pairs[0].done, light = pairs[1].done;
    if (heavy > 20 * light || light > 20 * heavy) {
        FAIL("the work differs too much: %ld and %ld", (long)heavy, (long)light);
    }
}

/* ---- preemption off ---------------------------------------------------------------------------------------- */

static _Atomic unsigned others;

static void counts_itself(void *arg) {
    (void)arg;
    atomic_fetch_add(&others, 1);
    wg_done(&wg);
}

/* Another G wants this core for many slices: it gets it only afterwards, and then at once. */
TEST(sched, preempt_off_holds_the_core) {
    needs_preemption();
    use_cores(1);
    go_set_slice(US(100));
    go_yield();
    others = 0;
    wg_add(&wg, 3);
    go_preempt_off();
    go_preempt_off();
    for (int i = 0; i < 3; i++) {
        start(counts_itself, NULL);
    }
    uint64_t ticks = core_counters(0).ticks;
    SPIN_UNTIL(core_counters(0).ticks >= ticks + 5);
    go_preempt_on();
    ns_t over = go_now() + MS(1); /* in a simulation ticks come before their time, too */
    SPIN_UNTIL(core_counters(0).ticks >= ticks + 10 && go_now() > over);
    CHECK_EQ(atomic_load(&others), 0);
    uint64_t preempted = core_counters(0).preempted;
    go_preempt_on();
    CHECK(core_counters(0).preempted > preempted);
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&others), 3);
}

/* ---- hogs share all cores ------------------------------------------------------------------------------- */

static struct roamer { _Atomic uint32_t seen; /* bit per core it ran on */ } roamers[16];

static void roam(void *arg) {
    struct roamer *r = arg;
    while (!atomic_load_explicit(&hogs.stop, memory_order_relaxed)) {
        atomic_fetch_or(&r->seen, 1u << go_core());
    }
    wg_done(&wg);
}

static bool all_moved(unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        uint32_t seen = atomic_load(&roamers[i].seen);
        if ((seen & (seen - 1)) == 0) {
            return false;
        }
    }
    return true;
}

/* One hog more than cores, none of which is ever idle: were stealing the idle cores' business alone, two would share
 * one core for ever. */
TEST(sched, hogs_share_all_cores) {
    needs_gmp();
    unsigned n = go_num_cores() + 1;
    if (n == 2) {
        SKIP("needs two cores");
    }
    hogs.stop = false;
    go_set_slice(MS(1));
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        roamers[i].seen = 0;
        CHECK_EQ(go(roam, &roamers[i]), 0);
    }
    while (!all_moved(n)) {
        go_sleep(MS(2));
    }
    hogs.stop = true;
    wg_wait(&wg);
}
