/* tests/test_edf.c - periodic work, and the policy that has it done in time. */
#include <bareloom/policy.h>
#include <errno.h>

#include "sched/said.h"
#include "tests/test.h"

static struct wg wg;

/* ---- who runs ------------------------------------------------------------------------------------ */

static struct {
    struct sema gate;
    _Atomic unsigned ready, n, order[8];
} line;

static bool waits_in_line(void *arg) {
    atomic_fetch_add(&line.ready, 1);
    sema_wait(&line.gate);
    line.order[atomic_fetch_add(&line.n, 1)] = (unsigned)(uintptr_t)arg;
    return false;
}

static void is_due(void *arg) {
    unsigned n = (unsigned)(uintptr_t)arg;
    CHECK_EQ(go_periodic(SEC(100) * n, US(1), waits_in_line, arg), 0);
    wg_done(&wg);
}

/* All are woken before one of them runs: who has to be done first runs first, though it was started last. */
TEST(sched, edf_runs_the_earliest) {
    use_policy("edf");
    use_cores(1);
    line.ready = line.n = 0;
    line.gate = (struct sema){0};
    wg_add(&wg, 8);
    for (uintptr_t n = 8; n > 0; n--) {
        start(is_due, (void *)n);
    }
    WAIT_FOR(line.ready == 8);
    go_preempt_off();
    for (unsigned i = 0; i < 8; i++) {
        sema_post(&line.gate);
    }
    go_preempt_on();
    wg_wait(&wg);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(line.order[i], i + 1);
    }
}

static _Atomic bool ran;

static bool is_done(void *arg) {
    (void)arg;
    ran = true;
    return false;
}

static bool waits_to_be_done(void *arg) {
    atomic_fetch_add(&line.ready, 1);
    sema_wait(&line.gate);
    return is_done(arg);
}

static void is_due_later(void *arg) {
    CHECK_EQ(go_periodic(SEC(100), US(1), waits_to_be_done, arg), 0);
    wg_done(&wg);
}

/* One core, with one that is due in 100 s and waits for the gate. */
static void set_later(void) {
    use_policy("edf");
    use_cores(1);
    line.ready = 0;
    line.gate = (struct sema){0};
    ran = false;
    wg_add(&wg, 1);
    start(is_due_later, NULL);
    WAIT_FOR(line.ready == 1);
}

static bool calls_it(void *arg) {
    (void)arg;
    sema_post(&line.gate);
    CHECK(!ran);
    return false;
}

/* Who is through with what was due comes after all that is due, at once. */
TEST(sched, edf_ends_with_the_work) {
    set_later();
    CHECK_EQ(go_periodic(SEC(50), US(1), calls_it, NULL), 0);
    CHECK(ran);
    wg_wait(&wg);
}

/* And at the latest at its tick, by what is due then, though it was picked for something that was due before. */
TEST(sched, edf_tick_looks_at_who_runs) {
    needs_preemption();
    set_later();
    struct due soon = {.when = go_now() + SEC(1)};
    CHECK(say_due(&soon) == NULL);
    go_yield();
    sema_post(&line.gate);
    CHECK(!ran);
    say_due(NULL);
    SPIN_UNTIL(ran);
    wg_wait(&wg);
}

/* ---- what can be done ---------------------------------------------------------------------------- */

static bool once(void *arg) {
    (void)arg;
    return false;
}

static int of_tenths(unsigned n, bool (*job)(void *arg), void *arg) {
    return go_periodic(SEC(100), SEC(10) * n, job, arg);
}

static bool asks_for_one_more(void *arg) {
    *(int *)arg = of_tenths(6, once, NULL);
    return false;
}

static bool asks_for_two_more(void *arg) {
    CHECK_EQ(of_tenths(6, asks_for_one_more, arg), 0);
    return false;
}

/* Six tenths of a core twice are too much for one; three times are for two, where they leave 2 * 0.4 + 0.6 to all. */
TEST(sched, edf_admits_what_can_be_done) {
    CHECK_EQ(go_periodic(0, 0, once, NULL), -EINVAL);
    CHECK_EQ(go_periodic(MS(1), MS(2), once, NULL), -EINVAL);
    use_policy("edf");
    int r = 1;
    use_cores(1);
    for (unsigned round = 0; round < 2; round++) { /* what has ended counts no more */
        CHECK_EQ(of_tenths(6, asks_for_one_more, &r), 0);
        CHECK_EQ(r, -EBUSY);
        CHECK_EQ(of_tenths(10, once, NULL), 0);
    }
    if (go_num_cores() > 1) {
        use_cores(2);
        CHECK_EQ(of_tenths(6, asks_for_one_more, &r), 0);
        CHECK_EQ(r, 0);
        CHECK_EQ(of_tenths(6, asks_for_two_more, &r), 0);
        CHECK_EQ(r, -EBUSY);
    }
    CHECK_EQ(go_set_policy("fifo"), 0);
    use_cores(1);
    CHECK_EQ(of_tenths(6, asks_for_one_more, &r), 0);
    CHECK_EQ(r, 0); /* nothing is promised there */
}

/* ---- what was not -------------------------------------------------------------------------------- */

static unsigned calls;

static bool takes_too_long(void *arg) {
    (void)arg;
    ns_t when = due_of(hal_self());
    SPIN_UNTIL(go_now() > when);
    return ++calls < 3;
}

/* Under whichever policy. */
TEST(sched, deadlines_missed_are_counted) {
    needs_preemption();
    calls = 0;
    uint64_t missed = go_missed();
    CHECK_EQ(go_periodic(US(100), US(1), takes_too_long, NULL), 3);
    CHECK_EQ(go_missed() - missed, 3);
    CHECK_EQ(go_periodic(SEC(1000), US(1), once, NULL), 0);
    CHECK_EQ(go_missed() - missed, 3);
    CHECK_EQ(due_of(hal_self()), INT64_MAX);
}

TEST(death, schedtrace_counts_deadlines_missed) {
    needs_preemption();
    expect_status(0);
    expect_text("SCHED ");
    expect_text("  missed=3");
    use_cores(1); /* where all that is ready runs before settle() returns */
    calls = 0;
    CHECK_EQ(go_periodic(US(100), US(1), takes_too_long, NULL), 3);
    CHECK_EQ(go_option("schedtrace=5"), 0);
    settle();
    CHECK_EQ(go_option("schedtrace=0"), 0);
    machine_exit(0);
}

static void leaves(void *arg) {
    (void)arg;
    go_exit();
}

static bool leaves_in_its_job(void *arg) {
    leaves(arg);
    return true;
}

static void is_left(void *arg) {
    struct cleanup c;
    go_defer(&c, (void (*)(void *))wg_done, &wg);
    of_tenths(10, leaves_in_its_job, arg);
}

/* Who ends in the middle of its work asks for nothing any more. */
TEST(sched, edf_share_is_given_back) {
    use_policy("edf");
    use_cores(1);
    wg_add(&wg, 1);
    start(is_left, NULL);
    wg_wait(&wg);
    CHECK_EQ(of_tenths(10, once, NULL), 0);
}
