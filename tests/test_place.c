/* tests/test_place.c - which core runs what: parallelism, stealing, wake-ups, pinned Gs, cores that come and go. */
#include <errno.h>

#include "sched/runq.h"
#include "tests/test.h"

static struct wg wg;

/* ---- all cores at once ------------------------------------------------------------------------------ */

static struct {
    _Atomic unsigned arrived, cores;
    unsigned n;
} meet;

/* With preemption off nobody arrives who does not have a core of his own. */
static void meets(void *arg) {
    (void)arg;
    go_preempt_off();
    atomic_fetch_add(&meet.arrived, 1);
    SPIN_UNTIL(atomic_load(&meet.arrived) == meet.n);
    atomic_fetch_or(&meet.cores, 1u << go_core());
    go_preempt_on();
    wg_done(&wg);
}

/* As many Gs as cores really run at the same time, again and again. */
TEST(sched, TestGoroutineParallelism) {
    needs_sharing();
    for (unsigned round = 0; round < 10; round++) {
        meet.arrived = meet.cores = 0;
        meet.n = go_num_cores();
        wg_add(&wg, (int)meet.n);
        for (unsigned i = 0; i < meet.n; i++) {
            start(meets, NULL);
        }
        wg_wait(&wg);
        CHECK_EQ(atomic_load(&meet.cores), (1u << meet.n) - 1);
    }
}

/* The same when the first of them starts the others and then holds its core. */
static void starts_the_others(void *arg) {
    for (unsigned i = 1; i < meet.n; i++) {
        start(meets, NULL);
    }
    meets(arg);
}

TEST(sched, TestGoroutineParallelism2) {
    needs_sharing();
    for (unsigned round = 0; round < 10; round++) {
        settle();
        meet.arrived = meet.cores = 0;
        meet.n = go_num_cores();
        wg_add(&wg, (int)meet.n);
        start(starts_the_others, NULL);
        wg_wait(&wg);
        CHECK_EQ(atomic_load(&meet.cores), (1u << meet.n) - 1);
    }
}

/* ---- stealing ------------------------------------------------------------------------------------------ */

static _Atomic unsigned elsewhere;

static void notes_where(void *arg) {
    if (go_core() != (unsigned)(uintptr_t)arg) {
        atomic_fetch_add(&elsewhere, 1);
    }
    wg_done(&wg);
}

/* A G that holds its core has started others: they are stolen, all of them. */
TEST(sched, stealing_empties_a_busy_core) {
    needs_gmp();
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    enum { N = 100 };
    settle();
    uint64_t before = SUM(stolen);
    elsewhere = 0;
    go_preempt_off();
    wg_add(&wg, N);
    for (int i = 0; i < N; i++) {
        start(notes_where, (void *)(uintptr_t)go_core());
    }
    SPIN_UNTIL(atomic_load(&elsewhere) == N);
    go_preempt_on();
    wg_wait(&wg);
    CHECK(SUM(stolen) >= before + N);
}

/* ---- waking ------------------------------------------------------------------------------------------- */

static _Atomic bool has_run;

static void runs(void *arg) {
    (void)arg;
    has_run = true;
    wg_done(&wg);
}

/* Work put where a sleeping core finds it: only an interrupt from here can tell that core. */
TEST(sched, ipi_wakes_idle_core) {
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    for (unsigned woken = 0; woken < 20;) { /* a core that is just up for something else needs no call */
        settle();
        has_run = false;
        uint64_t sent = SUM(ipis_sent), received = SUM(ipis_received);
        go_preempt_off();
        unsigned other = (go_core() + 1) % go_num_cores();
        uint64_t slept = core_counters(other).idle_wakes;
        wg_add(&wg, 1);
        start_on(other, runs, NULL);
        SPIN_UNTIL(atomic_load(&has_run));
        go_preempt_on();
        wg_wait(&wg);
        woken += SUM(ipis_sent) > sent && SUM(ipis_received) > received &&
                 core_counters(other).idle_wakes > slept;
    }
}

/* HAZARDS 3, 46: a G in the private runnext of a core that goes on computing is given to an idle core after a
 * moment. Counted in slices' ends of this core: without the guard each round takes one. */
TEST(sched, runnext_is_guarded) {
    needs_sharing();
    enum { ROUNDS = 10 };
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    go_set_slice(SEC(1));
    uint64_t preempted = SUM(preempted);
    for (unsigned round = 0; round < ROUNDS; round++) {
        settle();
        has_run = false;
        wg_add(&wg, 1);
        start(runs, NULL);
        SPIN_UNTIL(atomic_load(&has_run));
        wg_wait(&wg);
    }
    CHECK(SUM(preempted) < preempted + ROUNDS / 2);
}

static struct {
    struct sema gate;
    _Atomic bool elsewhere; /* whoever made way for it runs on another core */
    unsigned core;
} holder;

static void holds_its_core(void *arg) {
    if (arg != NULL) {
        sema_wait(arg);
    }
    go_preempt_off();
    holder.core = go_core();
    SPIN_UNTIL(holder.elsewhere);
    go_preempt_on();
    wg_done(&wg);
}

/* No tick looks for who could run one that made way for a G which holds the core: the yield has to call one that sleeps.
 * Made way for one that has waited, and for a new one. A round in which that was taken elsewhere before does not count. */
TEST(sched, yield_calls_an_idle_core) {
    needs_gmp();
    needs_m_n();
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    go_set_slice(SEC(1));
    for (unsigned told[2] = {0, 0}, waits = 0; told[0] < 10 || told[1] < 10; waits = !waits) {
        holder.elsewhere = false;
        wg_add(&wg, 1);
        if (waits) {
            start(holds_its_core, &holder.gate);
        }
        settle();
        unsigned before = go_core();
        if (waits) {
            sema_post(&holder.gate);
        } else {
            start(holds_its_core, NULL);
        }
        go_yield();
        unsigned after = go_core();
        holder.elsewhere = true;
        wg_wait(&wg);
        told[waits] += holder.core == before && after != before;
    }
}

/* HAZARDS 30, 43: a core without work has no tick. */
TEST(sched, idle_cores_do_not_tick) {
    unsigned n = go_num_cores();
    uint64_t before[HAL_MAX_CORES];
    unsigned wake_up = CONFIG_SIM != 0 ? 20 : 2; /* the timer that ends our sleep may come too early */
    bool quiet = false;
    for (int attempt = 0; attempt < 5 && !quiet; attempt++) { /* one may still have a timer to fire once */
        settle();
        unsigned mine = go_core();
        for (unsigned i = 0; i < n; i++) {
            before[i] = core_counters(i).ticks;
        }
        go_sleep(10 * CONFIG_SLICE_NS);
        unsigned ticks = 0;
        for (unsigned i = 0; i < n; i++) {
            ticks += (unsigned)(core_counters(i).ticks - before[i]) > (i == mine ? wake_up : 0);
        }
        quiet = ticks == 0;
    }
    CHECK(quiet);
}

/* ---- pinned Gs -------------------------------------------------------------------------------------------- */

static _Atomic bool stop;

static void stays(void *arg) {
    unsigned core = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < test_rounds(200); i++) {
        CHECK_EQ(go_core(), core);
        if (i % 3 == 0) {
            go_yield();
        } else if (i % 10 == 0) {
            go_sleep(US(50));
        }
    }
    wg_done(&wg);
}

static struct wg wanderers;

static void wanders(void *arg) {
    (void)arg;
    while (!atomic_load(&stop)) {
        go_yield();
    }
    wg_done(&wanderers);
}

TEST(sched, pinned_stay) {
    unsigned n = go_num_cores();
    go_set_slice(US(100));
    wg_add(&wg, (int)(3 * n));
    for (unsigned i = 0; i < 3 * n; i++) {
        start_on(i % n, stays, (void *)(uintptr_t)(i % n));
    }
    wg_wait(&wg);
}

static bool core_0_has_on_ring(const struct g *g) {
    struct runq *q = &cores[0].runq;
    for (uint32_t at = relaxed_load(&q->head); at != relaxed_load(&q->tail); at++) {
        if (relaxed_load(&q->ring[at % RING]) == g) {
            return true;
        }
    }
    return false;
}

static void looks_for(void *g) {
    CHECK(!core_0_has_on_ring(g));
    wg_done(&wg);
}

/* To one that the guard of runnext has shown to others. */
static void yields_to_who_looks(void) {
    wg_add(&wg, 1);
    start(looks_for, hal_self());
    hal_irq_mask();
    gmp_publish_runnext(this_core());
    hal_irq_unmask();
    go_yield();
}

static void yields_pinned(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < 10; i++) {
        go_yield(); /* in vain */
        yields_to_who_looks();
    }
    wg_done(&wg);
}

/* One that is pinned is never where thieves look, also after it had nobody to yield to. */
TEST(sched, pinned_yields_to_nobody) {
    use_cores(1);
    wg_add(&wg, 1);
    start_on(0, yields_pinned, NULL);
    wg_wait(&wg);
}

/* Those that are not pinned neither keep the pinned from running nor are kept. */
TEST(sched, pinned_share_with_others) {
    unsigned n = go_num_cores();
    stop = false;
    go_set_slice(US(100));
    wg_add(&wanderers, (int)(2 * n));
    for (unsigned i = 0; i < 2 * n; i++) {
        start(wanders, NULL);
    }
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start_on(i, stays, (void *)(uintptr_t)i);
    }
    wg_wait(&wg);
    stop = true;
    wg_wait(&wanderers);
}

static void hog_pinned(void *arg) {
    (void)arg;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    }
    wg_done(&wg);
}

/* A pinned hog on each core leaves the others their turns, and gets its own. */
TEST(sched, pinned_hogs_leave_turns) {
    needs_preemption();
    unsigned n = go_num_cores();
    stop = false;
    go_set_slice(US(200));
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start_on(i, hog_pinned, NULL);
    }
    for (unsigned i = 0; i < 50; i++) {
        has_run = false;
        wg_add(&wg, 1);
        start(runs, NULL);
        WAIT_FOR(atomic_load(&has_run));
    }
    stop = true;
    wg_wait(&wg);
}

/* ---- cores at run time ------------------------------------------------------------------------------------- */

TEST(sched, cores_are_checked) {
    CHECK_EQ(go_set_cores(0), -EINVAL);
    CHECK_EQ(go_set_cores(go_num_cores() + 1), -EINVAL);
    CHECK_EQ(go_cores(), go_num_cores());
}

static _Atomic unsigned used;

static void notes_core(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < 20; i++) {
        atomic_fetch_or(&used, 1u << go_core());
        go_yield();
    }
    wg_done(&wg);
}

/* On n cores nothing runs on the others, whatever there is to do. */
TEST(sched, cores_above_stay_away) {
    for (unsigned n = 1; n <= go_num_cores(); n++) {
        use_cores(n);
        CHECK_EQ(go_cores(), n);
        settle();
        used = 0;
        wg_add(&wg, 40);
        for (int i = 0; i < 40; i++) {
            start(notes_core, NULL);
        }
        wg_wait(&wg);
        CHECK_EQ(atomic_load(&used) >> n, 0);
    }
}

/* A core that is not among them still runs what is pinned to it. */
TEST(sched, cores_above_run_pinned) {
    unsigned last = go_num_cores() - 1;
    use_cores(1);
    wg_add(&wg, 2);
    start_on(last, stays, (void *)(uintptr_t)last);
    start_on(last, stays, (void *)(uintptr_t)last);
    wg_wait(&wg);
}

static struct chan *pipe_;
static _Atomic unsigned sum;

static void busy_sender(void *arg) {
    unsigned rounds = *(unsigned *)arg;
    for (unsigned i = 1; i <= rounds; i++) {
        chan_send(pipe_, &i);
        if (i % 16 == 0) {
            go_sleep(US(20));
        } else if (i % 3 == 0) {
            go_yield();
        }
    }
    wg_done(&wg);
}

static void busy_receiver(void *arg) {
    unsigned rounds = *(unsigned *)arg, v;
    for (unsigned i = 0; i < rounds; i++) {
        CHECK_EQ(chan_recv(pipe_, &v), 0);
        atomic_fetch_add(&sum, v);
    }
    wg_done(&wg);
}

/* The number of cores changes all the time under Gs that compute, sleep, yield and talk: none is lost. */
TEST(sched, cores_change_under_load) {
    unsigned rounds = test_rounds(320), workers = 12;
    go_set_slice(US(100));
    sum = 0;
    pipe_ = CHAN(unsigned, 2);
    wg_add(&wg, (int)(2 * workers));
    for (unsigned i = 0; i < workers; i++) {
        start(busy_sender, &rounds);
        start(busy_receiver, &rounds);
    }
    uint32_t random = 31;
    while (atomic_load(&sum) != workers * (rounds * (rounds + 1) / 2)) {
        CHECK_EQ(go_set_cores(1 + test_random(&random) % go_num_cores()), 0);
        go_sleep(US(100));
    }
    wg_wait(&wg);
    chan_free(pipe_);
}

static void has_come(void *arg) {
    atomic_store((_Atomic bool *)arg, true);
}

/* A computer with more to do wakes a core late: until then it looks like one that sleeps. */
TEST(sched, settle_knows_what_is_sent) {
    unsigned last = go_num_cores() - 1;
    for (unsigned i = 0; i < 10; i++) {
        _Atomic bool come = false;
        start_on(last, has_come, &come);
        settle();
        CHECK(come);
    }
}
