/* tests/test_info.c - what the runtime says of itself. */
#include <string.h>

#include "tests/test.h"

static struct wg wg;
static struct sema gate;
static struct mutex mutex;

/* ---- Gs ---------------------------------------------------------------------------------------------- */

struct search {
    const char *name;
    struct go_info found;
    unsigned count;
};

static bool by_name(const struct go_info *g, void *arg) {
    struct search *s = arg;
    if (strcmp(g->name, s->name) == 0) {
        s->found = *g;
        s->count++;
    }
    return true;
}

static struct search look_for(const char *name) {
    struct search s = {.name = name};
    info_gs(by_name, &s);
    return s;
}

static _Atomic bool slept_enough;

static void sleeps(void *arg) {
    (void)arg;
    while (!atomic_load(&slept_enough)) {
        go_sleep(MS(5));
    }
    wg_done(&wg);
}

static void receives(void *arg) {
    chan_recv(arg, NULL);
    wg_done(&wg);
}

static void sends(void *arg) {
    chan_send(arg, NULL);
    wg_done(&wg);
}

static void locks(void *arg) {
    (void)arg;
    mutex_lock(&mutex);
    mutex_unlock(&mutex);
    wg_done(&wg);
}

static void waits_for_group(void *arg) {
    wg_wait(arg);
    wg_done(&wg);
}

static void waits_for_sema(void *arg) {
    (void)arg;
    sema_wait(&gate);
    wg_done(&wg);
}

static void starts(const char *name, go_fn *fn, void *arg) {
    wg_add(&wg, 1);
    CHECK_EQ(go_with(&GO_OPTS(.name = name), fn, arg), 0);
}

static void says(const char *name, const char *reason) {
    struct search s;
    do {
        go_sleep(US(100));
        s = look_for(name);
        CHECK_EQ(s.count, 1);
    } while (s.found.state != GO_WAITING);
    if (strcmp(s.found.reason, reason) != 0) {
        FAIL("%s waits for %s", name, s.found.reason);
    }
    CHECK(s.found.waiting >= 0);
    CHECK(!s.found.pinned);
    CHECK(s.found.stack_used >= HAL_PAGE && s.found.stack_used <= s.found.stack_size);
}

/* Why each G waits, in Go's words. */
TEST(sched, info_tells_why_gs_wait) {
    struct chan *in = chan_make(0, 0), *out = chan_make(0, 0);
    struct wg group = {0};
    wg_add(&group, 1);
    mutex_lock(&mutex);
    starts("t-recv", receives, in);
    starts("t-send", sends, out);
    starts("t-lock", locks, NULL);
    starts("t-group", waits_for_group, &group);
    starts("t-sema", waits_for_sema, NULL);
    says("t-recv", "chan receive");
    says("t-send", "chan send");
    says("t-lock", "sync.Mutex.Lock");
    says("t-group", "sync.WaitGroup.Wait");
    says("t-sema", "semacquire");
    slept_enough = false;
    starts("t-sleep", sleeps, NULL);
    says("t-sleep", "sleep");
    slept_enough = true;
    chan_send(in, NULL);
    chan_recv(out, NULL);
    mutex_unlock(&mutex);
    wg_done(&group);
    sema_post(&gate);
    wg_wait(&wg);
    WAIT_FOR(look_for("t-recv").count == 0);
    chan_free(in);
    chan_free(out);
}

static bool counts(const struct go_info *g, void *arg) {
    ++*(unsigned *)arg;
    CHECK(g->id != 0);
    CHECK(g->core < go_num_cores());
    return true;
}

static bool first_only(const struct go_info *g, void *arg) {
    (void)g;
    return ++*(unsigned *)arg < 1;
}

TEST(sched, info_lists_all_gs) {
    unsigned n = 0, one = 0;
    for (int i = 0; i < 20; i++) {
        starts("t-many", waits_for_sema, NULL);
    }
    settle(); /* nobody is about to end */
    CHECK_EQ(look_for("t-many").count, 20);
    info_gs(counts, &n);
    CHECK_EQ(n, go_count());
    info_gs(first_only, &one);
    CHECK_EQ(one, 1);
    for (int i = 0; i < 20; i++) {
        sema_post(&gate);
    }
    wg_wait(&wg);
}

/* This G is running, and main waits for it. */
TEST(sched, info_of_the_running) {
    struct search me = look_for("info_of_the_running"), first = look_for("main");
    CHECK_EQ(me.count, 1);
    CHECK_EQ(me.found.id, go_id());
    CHECK(me.found.state == GO_RUNNING);
    CHECK_EQ(first.count, 1);
    CHECK_EQ(first.found.id, 1);
    WAIT_FOR(look_for("main").found.state == GO_WAITING);
}

/* ---- cores -------------------------------------------------------------------------------------------- */

static void nothing(void *arg) {
    (void)arg;
    wg_done(&wg);
}

TEST(sched, info_counts_cores) {
    struct core_info c;
    CHECK(!info_core(hal_core_count(), &c));
    for (unsigned i = 0; i < go_num_cores(); i++) {
        CHECK(info_core(i, &c));
        CHECK_EQ(c.index, i);
        CHECK(c.active);
    }
    if (go_num_cores() > 1) {
        use_cores(1);
        CHECK(info_core(1, &c));
        CHECK(!c.active);
    }
}

TEST(sched, info_tells_how_far_cores_came) {
    unsigned run = 0, i = 0;
    for (const char *stage; (stage = info_core_stage(i)) != NULL; i++) {
        run += strcmp(stage, "runs") == 0;
    }
    CHECK_EQ(run, hal_core_count());
}

TEST(sched, info_counts_events) {
    uint64_t switches = SUM(switches), started = SUM(started), ticks = SUM(ticks);
    wg_add(&wg, 100);
    for (int i = 0; i < 100; i++) {
        start(nothing, NULL);
    }
    wg_wait(&wg);
    CHECK(SUM(switches) >= switches + 100);
    CHECK(SUM(started) >= started + 100);
    sleep_surely(MS(1));
    CHECK(SUM(ticks) > ticks);
}

TEST(sched, info_counts_idle_time) {
    settle();
    ns_t idle = (ns_t)SUM(idle);
    uint64_t wakes = SUM(idle_wakes);
    do {
        sleep_surely(MS(5)); /* most of it may be over before the core idles */
    } while ((ns_t)SUM(idle) < idle + MS(10));
    CHECK(SUM(idle_wakes) > wakes);
}

TEST(sched, info_queued_and_timers) {
    needs_gmp();
    use_cores(1);
    go_set_slice(SEC(1));
    settle();
    go_preempt_off();
    CHECK_EQ(core_counters(0).queued, 0);
    wg_add(&wg, 10);
    for (int i = 0; i < 10; i++) {
        start(nothing, NULL);
    }
    CHECK_EQ(core_counters(0).queued, 10);
    go_preempt_on();
    wg_wait(&wg);
    CHECK_EQ(core_counters(0).timers, 0);
    slept_enough = false;
    wg_add(&wg, 10);
    for (int i = 0; i < 10; i++) {
        start(sleeps, NULL);
    }
    WAIT_FOR(core_counters(0).timers == 10);
    slept_enough = true;
    wg_wait(&wg);
    CHECK_EQ(core_counters(0).timers, 0);
}

/* ---- the machine -------------------------------------------------------------------------------------- */

/* Stacks are read while their Gs run, end and begin anew on all cores: no fault, and a dump each time. */
static _Atomic bool enough_dumps;

static void short_life(void *arg) {
    go_yield();
    wg_done(arg);
}

static void makes_short_lives(void *arg) {
    while (!atomic_load(&enough_dumps)) {
        struct wg lives = {0};
        wg_add(&lives, 4);
        for (int i = 0; i < 4; i++) {
            start(short_life, &lives);
        }
        wg_wait(&lives);
    }
    wg_done(arg);
}

TEST(sched, dump_while_all_move) {
    atomic_store(&enough_dumps, false);
    wg_add(&wg, 4);
    for (int i = 0; i < 4; i++) {
        start(makes_short_lives, &wg);
    }
    for (unsigned i = 0; i < test_rounds(8); i++) {
        go_sleep(US(50));
        go_dump();
    }
    atomic_store(&enough_dumps, true);
    wg_wait(&wg);
}

TEST(sched, info_names_the_board) {
    CHECK(info_board() != NULL && info_board()[0] != '\0');
    CHECK(info_args() != NULL);
}
