/*
 * tests/test_policies.c - what each policy is for: each test fails when GMP rules in its place.
 */
#include <bareloom/policy.h>
#include <errno.h>
#include <string.h>

#include "sched/policy/policy.h"
#include "tests/test.h"

static _Atomic bool stop, let_go, begins, all_wait;
static struct wg wg;

/* ---- fifo ------------------------------------------------------------------------------------------ */

static struct { unsigned order[8], n; } log_;

ONE_CORE static void notes(void *arg) {
    log_.order[log_.n++] = (unsigned)(uintptr_t)arg;
    wg_done(&wg);
}

/* Go's own lets the last one that was started run first. Once nobody's slice ends meanwhile - a simulation draws that -
 * who would tell its turn late then. */
TEST(sched, fifo_starts_in_order) {
    use_cores(1);
    use_policy("fifo");
    uint64_t preempted;
    do {
        log_.n = 0;
        preempted = SUM(preempted);
        wg_add(&wg, 8);
        for (uintptr_t i = 0; i < 8; i++) {
            start(notes, (void *)i);
        }
        wg_wait(&wg);
    } while (SUM(preempted) != preempted);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(log_.order[i], i);
    }
}

/* ---- nosteal --------------------------------------------------------------------------------------- */

static struct { _Atomic unsigned cores, n; } ran;

static void tells_core(void *arg) {
    (void)arg;
    atomic_fetch_or(&ran.cores, 1u << go_core());
    atomic_fetch_add(&ran.n, 1);
    go_yield();
    wg_done(&wg);
}

/* While their core is held the others idle: Go's own would have stolen them. */
TEST(sched, nosteal_leaves_cores_idle) {
    use_policy("nosteal");
    settle();
    ran.cores = ran.n = 0;
    wg_add(&wg, 16);
    go_preempt_off();
    unsigned core = go_core();
    for (unsigned i = 0; i < 16; i++) {
        start(tells_core, NULL);
    }
    ns_t until = go_now() + MS(5);
    SPIN_UNTIL(go_now() >= until);
    CHECK_EQ(ran.n, 0);
    go_preempt_on();
    wg_wait(&wg);
    CHECK_EQ(ran.cores, 1u << core);
}

/* ---- steal1 ---------------------------------------------------------------------------------------- */

static void is_there_before(void *arg) {
    (void)arg;
    go_preempt_off();
    begins = true;
    SPIN_UNTIL(all_wait);
    go_preempt_on();
    wg_done(&wg);
}

static void holds_its_core(void *arg) {
    (void)arg;
    go_preempt_off();
    if (atomic_fetch_add(&ran.n, 1) == 0) {
        SPIN_UNTIL(let_go);
    }
    go_preempt_on();
    wg_done(&wg);
}

/* Who has stolen one stays with it, and the rest is where it was: Go's own would have taken half of them along. The
 * other core comes for one only when all of them wait. */
TEST(sched, steal1_takes_one) {
    if (go_num_cores() == 1) {
        SKIP("needs two cores");
    }
    use_policy("steal1");
    use_cores(2);
    settle();
    ran.n = 0;
    let_go = begins = all_wait = false;
    wg_add(&wg, 17);
    go_preempt_off();
    start(is_there_before, NULL);
    SPIN_UNTIL(begins);
    for (unsigned i = 0; i < 16; i++) {
        start(holds_its_core, NULL);
    }
    all_wait = true;
    SPIN_UNTIL(ran.n == 1);
    go_preempt_on();
    WAIT_FOR(ran.n == 16);
    let_go = true;
    wg_wait(&wg);
}

/* ---- rr -------------------------------------------------------------------------------------------- */

/* Each core has been dealt four, and those of the core that is held wait for it: Go's own would have been stolen. */
TEST(sched, rr_deals_to_all_cores) {
    use_policy("rr");
    ran.cores = ran.n = 0;
    unsigned n = 4 * go_num_cores();
    wg_add(&wg, (int)n);
    go_preempt_off();
    for (unsigned i = 0; i < n; i++) {
        start(tells_core, NULL);
    }
    SPIN_UNTIL(ran.n >= n - 4);
    ns_t until = go_now() + MS(5);
    SPIN_UNTIL(go_now() >= until);
    CHECK_EQ(ran.n, n - 4);
    go_preempt_on();
    wg_wait(&wg);
    CHECK_EQ(ran.cores, (1u << go_num_cores()) - 1);
}

/* ---- mlfq ------------------------------------------------------------------------------------------ */

static _Atomic uint64_t turns;
static uint64_t turns_then;
static unsigned links;
static struct wg chain;

static void is_hog(void *arg) {
    (void)arg;
    while (!stop) {
        atomic_fetch_add(&turns, 1);
    }
    wg_done(&wg);
}

/* Until a hog has run: each has just been started when it is about to run, so it is at the top. */
ONE_CORE static void starts_the_next(void *arg) {
    (void)arg;
    if (turns != turns_then) {
        wg_done(&chain);
        return;
    }
    links++;
    start(starts_the_next, NULL);
}

/* What computes sinks below what has just been started; but ten times a second all rise. One queue would have a hog
 * run after each link of the chain; without the rise the chain had no end. */
TEST(sched, mlfq_sinks_who_computes) {
    needs_preemption();
    use_policy("mlfq");
    use_cores(1);
    stop = false;
    wg_add(&wg, 3);
    for (unsigned i = 0; i < 3; i++) {
        start(is_hog, NULL);
    }
    do {
        go_sleep(MS(30)); /* they sink to the bottom; perhaps all have just risen */
        links = 0;
        turns_then = turns;
        wg_add(&chain, 1);
        start(starts_the_next, NULL);
        wg_wait(&chain);
    } while (links < 8);
    stop = true;
    wg_wait(&wg);
}

/* ---- lottery --------------------------------------------------------------------------------------- */

static _Atomic unsigned rounds[2];

/* The second has nine tickets. */
static void draws(void *arg) {
    uintptr_t i = (uintptr_t)arg;
    CHECK_EQ(go_set_tickets(i == 0 ? 1 : 9), 0);
    while (!stop) {
        atomic_fetch_add(&rounds[i], 1);
        go_yield();
    }
    wg_done(&wg);
}

/* In a thousand draws with ten tickets the one has some hundred: 3 sigma are 28. */
TEST(sched, lottery_gives_shares) {
    CHECK_EQ(go_set_tickets(0), -EINVAL);
    CHECK_EQ(go_set_tickets(GO_TICKETS_MAX + 1), -EINVAL);
    use_policy("lottery");
    use_cores(1);
    stop = false;
    rounds[0] = rounds[1] = 0;
    wg_add(&wg, 2);
    start(draws, (void *)0);
    start(draws, (void *)1);
    WAIT_FOR(rounds[0] + rounds[1] >= 1000);
    stop = true;
    unsigned one = rounds[0], nine = rounds[1];
    wg_wait(&wg);
    CHECK(nine > 5 * one && nine < 20 * one);
}

/* The order in which eight are drawn when this core's numbers begin with seed. */
static void draw_eight(uint32_t seed, unsigned order[8]) {
    log_.n = 0;
    wg_add(&wg, 8);
    for (uintptr_t i = 0; i < 8; i++) {
        start(notes, (void *)i);
    }
    hal_irq_t was = hal_irq_save();
    this_core()->random = seed;
    hal_irq_restore(was);
    wg_wait(&wg);
    memcpy(order, log_.order, sizeof log_.order);
}

TEST(sched, lottery_draws_the_same_again) {
    if (CONFIG_SIM != 0) {
        SKIP("a simulation draws from the same numbers");
    }
    unsigned once[8], again[8], otherwise[8];
    use_policy("lottery");
    use_cores(1);
    go_set_slice(SEC(1));
    unsigned tries =
        20; /* on a busy computer another G's time may be up meanwhile, and a number is drawn for it */
    do {
        draw_eight(1234567, once);
        draw_eight(1234567, again);
        CHECK(tries-- > 0);
    } while (memcmp(once, again, sizeof once) != 0);
    draw_eight(7654321, otherwise);
    CHECK(memcmp(once, otherwise, sizeof once) != 0);
}
