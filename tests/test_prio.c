/* tests/test_prio.c - the policy of strict priorities: who runs, where, and what mutexes lend. */
#include <bareloom/policy.h>
#include <errno.h>
#include <string.h>

#include "sched/sched.h"
#include "tests/test.h"

static const char *before;
static struct wg wg;
static _Atomic bool stop;

static void set(void) {
    needs_m_n();
    if (!CONFIG_TRACE) {
        SKIP("this build has GMP alone");
    }
    before = go_policy();
    CHECK_EQ(go_set_policy("prio"), 0);
}

static void unset(void) {
    CHECK_EQ(go_set_priority(GO_PRIORITY), 0);
    CHECK_EQ(go_set_policy(before), 0);
}

static void is_hog(void *arg) {
    (void)arg;
    while (!stop) {
        hal_relax();
    }
    wg_done(&wg);
}

/* One for each core, and one that waits for its turn: at the usual priority. */
static void start_hogs(void) {
    stop = false;
    for (unsigned i = 0; i < go_num_cores() + 1; i++) {
        wg_add(&wg, 1);
        start(is_hog, NULL);
    }
}

/* ---- who runs ------------------------------------------------------------------------------------ */

static struct {
    struct sema gate;
    _Atomic unsigned ready, n, order[8];
} line;

static void stands_in_line(void *arg) {
    unsigned p = (unsigned)(uintptr_t)arg;
    CHECK_EQ(go_set_priority(p), 0);
    atomic_fetch_add(&line.ready, 1);
    sema_wait(&line.gate);
    line.order[atomic_fetch_add(&line.n, 1)] = p;
    wg_done(&wg);
}

/* The highest first, though it was the last that was started. */
TEST(sched, prio_runs_the_highest) {
    CHECK_EQ(go_set_priority(GO_PRIORITIES), -EINVAL);
    set();
    use_cores(1);
    line.ready = line.n = 0;
    line.gate = (struct sema){0};
    CHECK_EQ(go_set_priority(0), 0);
    wg_add(&wg, 8);
    for (uintptr_t p = 1; p <= 8; p++) {
        start(stands_in_line, (void *)p);
    }
    WAIT_FOR(line.ready == 8);
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    for (unsigned i = 0; i < 8; i++) {
        sema_post(&line.gate);
    }
    CHECK_EQ(line.n, 0);
    wg_wait(&wg);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(line.order[i], 8 - i);
    }
    unset();
}

static _Atomic(struct g *) hogs[HAL_MAX_CORES];
static _Atomic unsigned spins;
static _Atomic bool ran, displaced;

static void spins_there(void *arg) {
    hogs[(uintptr_t)arg] = hal_self();
    atomic_fetch_add(&spins, 1);
    while (!stop) {
        hal_relax();
    }
    wg_done(&wg);
}

/* Whoever was before it has not come to the end of its slice. */
ONE_CORE static void looks_whom_it_displaced(void *arg) {
    (void)arg;
    CHECK_EQ(go_set_priority(12), 0);
    atomic_fetch_add(&line.ready, 1);
    sema_wait(&line.gate);
    for (unsigned i = 1; i < go_num_cores(); i++) {
        displaced = displaced || ((struct g *)hogs[i])->slice_used != 0;
    }
    ran = true;
    wg_done(&wg);
}

/* Who is woken here, where one of a higher priority goes on, takes another core from a lower one, which is in its
 * slice. A simulation ends slices at any moment. */
TEST(sched, prio_displaces_elsewhere) {
    if (go_num_cores() == 1) {
        SKIP("needs two cores");
    }
    set();
    CHECK_EQ(go_set_affinity(1), 0);
    do {
        CHECK_EQ(go_set_priority(0), 0);
        go_set_slice(SEC(1));
        stop = ran = displaced = false;
        spins = line.ready = 0;
        line.gate = (struct sema){0};
        wg_add(&wg, (int)go_num_cores());
        start(looks_whom_it_displaced, NULL);
        WAIT_FOR(line.ready == 1);
        for (unsigned i = 1; i < go_num_cores(); i++) {
            start_on(i, spins_there, (void *)(uintptr_t)i);
        }
        WAIT_FOR(spins == go_num_cores() - 1);
        CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
        sema_post(&line.gate);
        SPIN_UNTIL(ran);
        stop = true;
        wg_wait(&wg);
    } while (!displaced);
    unset();
}

/* ---- what is lent -------------------------------------------------------------------------------- */

static struct mutex first, second;
static struct sema may_go, holds; /* holds: and is about to lend */
static _Atomic unsigned got;
static _Atomic(struct g *) holder;

ONE_CORE static unsigned lent(const struct g *g) {
    return (unsigned)g->policy[1];
}

/* At the lowest priority: it runs beside the hogs only at somebody else's. */
static void holds_first(void *arg) {
    (void)arg;
    CHECK_EQ(go_set_priority(0), 0);
    mutex_lock(&first);
    holder = hal_self();
    sema_post(&holds);
    sema_wait(&may_go);
    CHECK_EQ(lent(hal_self()), GO_PRIORITIES - 1);
    mutex_unlock(&first);
    CHECK_EQ(lent(hal_self()), 0);
    wg_done(&wg);
}

static void holds_second(void *arg) {
    (void)arg;
    CHECK_EQ(go_set_priority(1), 0);
    mutex_lock(&second);
    sema_post(&holds);
    mutex_lock(&first);
    mutex_unlock(&first);
    CHECK_EQ(lent(hal_self()), GO_PRIORITIES - 1);
    mutex_unlock(&second);
    CHECK_EQ(lent(hal_self()), 0);
    wg_done(&wg);
}

/* Who holds m, directly or not, goes on only after the caller has begun to wait. */
static void wants(struct mutex *m) {
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    start_hogs();
    sema_post(&may_go);
    mutex_lock(m);
    mutex_unlock(m);
    stop = true;
    CHECK_EQ(go_set_priority(GO_PRIORITY), 0);
    wg_wait(&wg);
}

static void start_holder(go_fn *fn) {
    wg_add(&wg, 1);
    start(fn, NULL);
    sema_wait(&holds);
}

/* Without, the hogs of the middle keep the lowest, and so the highest, from running: Pathfinder's case. */
TEST(sched, prio_is_lent) {
    set();
    for (unsigned round = 0; round < test_rounds(8); round++) {
        start_holder(holds_first);
        wants(&first);
    }
    unset();
}

TEST(sched, prio_is_lent_through_chains) {
    set();
    for (unsigned round = 0; round < test_rounds(8); round++) {
        start_holder(holds_first);
        start_holder(holds_second);
        wants(&second);
    }
    unset();
}

static struct ctx *given_up;

/* Lends p, until it has it or gives up. */
static void lends(void *arg) {
    unsigned p = (unsigned)(uintptr_t)arg;
    CHECK_EQ(go_set_priority(p), 0);
    sema_post(&holds);
    if (p == 10) {
        mutex_lock(&first);
        mutex_unlock(&first);
    } else {
        CHECK_EQ(mutex_lock_until(&first, UNLESS(given_up)), -ECANCELED);
    }
    atomic_fetch_add(&got, 1);
    wg_done(&wg);
}

static void start_lender(unsigned p) {
    wg_add(&wg, 1);
    start(lends, (void *)(uintptr_t)p);
    sema_wait(&holds); /* until it has a higher one than this G, whatever is lent to it */
}

static void cancels(void *arg) { /* not the one that was lent something */
    (void)arg;
    ctx_cancel(given_up);
    sema_post(&holds);
}

/* The highest of those that wait counts; who gives up takes back what it lent. */
TEST(sched, prio_is_taken_back) {
    set();
    CHECK_EQ(go_set_priority(1), 0);
    mutex_lock(&first);
    given_up = ctx_make(ctx_background());
    got = 0;
    start_lender(10);
    WAIT_FOR(lent(hal_self()) == 10);
    start_lender(14);
    WAIT_FOR(lent(hal_self()) == 14);
    start(cancels, NULL);
    sema_wait(&holds);
    WAIT_FOR(got == 1);
    CHECK_EQ(lent(hal_self()), 10);
    mutex_unlock(&first);
    CHECK_EQ(lent(hal_self()), 0);
    wg_wait(&wg);
    ctx_free(given_up);
    unset();
}
