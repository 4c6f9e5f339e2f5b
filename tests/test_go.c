/* tests/test_go.c - starting, ending, yielding; who runs after whom on one core. */
#include <errno.h>
#include <string.h>

#include "sched/sched.h"
#include "tests/test.h"

static struct wg wg;

static struct {
    uint64_t id;
    char name[16];
    void *arg;
    unsigned core;
} seen;

static void looks_at_itself(void *arg) {
    memset(&seen, 0, sizeof seen);
    seen.id = go_id();
    strncpy(seen.name, go_name(), sizeof seen.name - 1);
    seen.arg = arg;
    seen.core = go_core();
    wg_done(&wg);
}

TEST(sched, go_runs_with_its_argument) {
    int value;
    wg_add(&wg, 1);
    CHECK_EQ(go_with(&GO_OPTS(.name = "left"), looks_at_itself, &value), 0);
    wg_wait(&wg);
    CHECK(seen.arg == &value);
    CHECK(strcmp(seen.name, "left") == 0);
    CHECK(seen.id > 1 && seen.id != go_id());
}

TEST(sched, go_refuses_bad_options) {
    CHECK_EQ(go_with(&GO_OPTS(GO_PIN((int)go_num_cores())), looks_at_itself, NULL), -EINVAL);
    CHECK_EQ(go_with(&GO_OPTS(GO_PIN(-1)), looks_at_itself, NULL), -EINVAL);
    CHECK_EQ(go_with(&GO_OPTS(.stack = MB(9)), looks_at_itself, NULL), -EINVAL);
}

TEST(sched, go_name_may_be_missing) {
    wg_add(&wg, 1);
    start(looks_at_itself, NULL);
    wg_wait(&wg);
    CHECK_EQ(seen.name[0], 0);
}

static volatile bool stays_alive;

__attribute__((noinline)) static unsigned exits_at_depth(unsigned left) {
    if (left != 0) {
        return exits_at_depth(left - 1) + 1;
    }
    wg_done(&wg);
    if (!stays_alive) { /* volatile, or the compiler would see a recursion without an end */
        go_exit();
    }
    return 0;
}

static void exits_deep(void *arg) {
    (void)arg;
    FAIL("go_exit() returned, %u deep", exits_at_depth(20));
}

static void counts_pinned(void *arg) {
    atomic_fetch_add((_Atomic unsigned *)arg, hal_self()->pin != ANY_CORE);
    wg_done(&wg);
}

/* The dead are used again: what was pinned to a core is not in its next life. */
TEST(sched, go_is_not_pinned) {
    _Atomic unsigned pinned = 0;
    unsigned n = 50 * go_num_cores();
    for (int round = 0; round < 2; round++) {
        wg_add(&wg, (int)n);
        for (unsigned i = 0; i < n; i++) {
            if (round == 0) {
                start_on(i % go_num_cores(), counts_pinned, &pinned);
            } else {
                start(counts_pinned, &pinned);
            }
        }
        wg_wait(&wg);
        CHECK_EQ(pinned, n);
    }
}

TEST(sched, go_exit_from_any_depth) {
    wg_add(&wg, 1);
    start(exits_deep, NULL);
    wg_wait(&wg);
}

static struct sema release;

static void waits_for_release(void *arg) {
    (void)arg;
    sema_wait(&release);
    wg_done(&wg);
}

TEST(sched, TestNumGoroutine) {
    unsigned before = go_count();
    wg_add(&wg, 50);
    for (unsigned i = 1; i <= 50; i++) {
        start(waits_for_release, NULL);
        CHECK_EQ(go_count(), before + i);
    }
    for (unsigned i = 0; i < 50; i++) {
        sema_post(&release);
    }
    wg_wait(&wg);
    WAIT_FOR(go_count() == before);
}

static struct {
    _Atomic unsigned next;
    unsigned order[2000];
} log_;

static void notes_its_turn(void *arg) {
    log_.order[atomic_fetch_add(&log_.next, 1)] = (unsigned)(uintptr_t)arg;
    wg_done(&wg);
}

/* Go: with one processor the last go statement runs first, the others in order. */
TEST(sched, go_last_runs_first) {
    needs_gmp();
    if (CONFIG_SIM != 0) {
        SKIP("the seed says who is next");
    }
    use_cores(1);
    go_yield(); /* now this G begins a slice */
    go_set_slice(SEC(1));
    log_.next = 0;
    wg_add(&wg, 5);
    for (uintptr_t i = 0; i < 5; i++) {
        start(notes_its_turn, (void *)i);
    }
    wg_wait(&wg);
    static const unsigned want[] = {4, 0, 1, 2, 3};
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(log_.order[i], want[i]);
    }
}

/* ---- yield --------------------------------------------------------------------------------------- */

#define MANY 1500

static struct {
    unsigned turn; /* one core: nobody else counts at the same time */
    unsigned last[MANY];
    unsigned gap; /* the largest between two turns of one G */
    unsigned runs;
} fair;

ONE_CORE static void yields(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < fair.runs; i++) {
        unsigned turn = fair.turn++;
        if (i != 0 && turn - fair.last[me] > fair.gap) {
            fair.gap = turn - fair.last[me];
        }
        fair.last[me] = turn;
        go_yield();
    }
    wg_done(&wg);
}

/* HAZARDS 5: however many yield on one core, each runs once before any runs twice. One whose slice ends - which a
 * simulation draws, whatever go_set_slice() says - between its count and its yield gives up two turns for one. */
TEST(sched, yield_is_fair) {
    needs_order();
    static const unsigned sizes[] = {2, 100, RING, RING + 1, MANY};
    use_cores(1);
    go_set_slice(SEC(1));
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        unsigned n = sizes[s];
        fair.turn = fair.gap = 0;
        fair.runs = 12;
        uint64_t preempted = SUM(preempted);
        wg_add(&wg, (int)n);
        for (uintptr_t i = 0; i < n; i++) {
            start(yields, (void *)i);
        }
        wg_wait(&wg);
        CHECK_EQ(fair.turn, n * fair.runs);
        if (SUM(preempted) == preempted) {
            CHECK_EQ(fair.gap, n);
        }
    }
}

static struct {
    _Atomic bool stop;
    _Atomic unsigned steps;
} progress;

static void steps(void *arg) {
    (void)arg;
    while (!atomic_load(&progress.stop)) {
        atomic_fetch_add(&progress.steps, 1);
        go_yield();
    }
    wg_done(&wg);
}

static void yield_progress(void) {
    progress.stop = false;
    wg_add(&wg, 1);
    start(steps, NULL);
    for (unsigned i = 1; i <= 20; i++) {
        unsigned before = atomic_load(&progress.steps);
        WAIT_FOR(atomic_load(&progress.steps) != before);
    }
    progress.stop = true;
    wg_wait(&wg);
}

TEST(sched, TestYieldProgress) {
    use_cores(1);
    go_set_slice(SEC(1));
    yield_progress();
    go_set_cores(go_num_cores());
    yield_progress();
}

/* A yield with nobody else there comes back. */
TEST(sched, yield_alone) {
    settle();
    for (int i = 0; i < 1000; i++) {
        go_yield();
    }
}

/* ---- a word of its own ------------------------------------------------------------------------------ */

/* Not watched: the word has belonged to another G before. */
ONE_CORE static void has_its_own_word(void *arg) {
    CHECK(*go_local() == NULL);
    /* cleared before the end: the C library would take it for its struct _reent */
    *go_local() = arg;
    for (int i = 0; i < 20; i++) {
        go_yield();
        CHECK(*go_local() == arg);
    }
    *go_local() = NULL;
    wg_done(&wg);
}

TEST(sched, go_local_is_per_g) {
    static int words[40];
    wg_add(&wg, 40);
    for (int i = 0; i < 40; i++) {
        start(has_its_own_word, &words[i]);
    }
    wg_wait(&wg);
}
