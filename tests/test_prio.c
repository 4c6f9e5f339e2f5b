/* tests/test_prio.c - the policy of strict priorities: who runs, where, and what mutexes lend. */
#include <bareloom/policy.h>
#include <errno.h>
#include <string.h>

#include "sched/policy/lend.h"
#include "tests/test.h"

static struct wg wg;
static _Atomic bool stop;

/* Waits, letting all others run, whatever is lent to whom. */
#define SLEEP_UNTIL(cond)                                                                          \
    do {                                                                                           \
        go_sleep(MS(1));                                                                           \
    } while (!(cond))

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
    needs_preemption();
    use_policy("prio");
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
    needs_preemption();
    use_policy("prio");
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
}

/* ---- what is lent -------------------------------------------------------------------------------- */

static struct mutex first, second;
static struct sema may_go, holds;
static _Atomic(struct g *) holder;

static unsigned lent(const struct g *g) {
    hal_irq_t was = spin_lock(&prio_line.lock);
    unsigned n = lent_to(g);
    spin_unlock(&prio_line.lock, was);
    return n;
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

/* Who holds m, directly or not, waits by now, and goes on only after the caller has begun to wait. */
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
    SLEEP_UNTIL(g_state(holder) == G_WAITING);
}

/* Without, the hogs of the middle keep the lowest, and so the highest, from running: Pathfinder's case. */
TEST(sched, prio_is_lent) {
    needs_preemption();
    use_policy("prio");
    for (unsigned round = 0; round < test_rounds(8); round++) {
        start_holder(holds_first);
        wants(&first);
    }
}

TEST(sched, prio_is_lent_through_chains) {
    needs_preemption();
    use_policy("prio");
    for (unsigned round = 0; round < test_rounds(8); round++) {
        start_holder(holds_first);
        start_holder(holds_second);
        wants(&second);
    }
}

/* ---- and is not kept ----------------------------------------------------------------------------- */

struct waiter_of {
    unsigned p;
    bool gives_up; /* when canceled is */
    _Atomic(struct g *) g;
    _Atomic unsigned turn; /* 0: not over */
    int r;
};

static struct ctx *canceled;
static _Atomic unsigned turns;

/* Somebody ran while owes_it was displaced in its slice: not because that was over, which is after a second, or as a
 * simulation draws. */
static _Atomic(struct g *) owes_it;
static _Atomic bool at_once;

ONE_CORE static void ends(struct waiter_of *w) {
    if (owes_it != NULL && owes_it->slice_used != 0) {
        at_once = true;
    }
    w->turn = atomic_fetch_add(&turns, 1) + 1;
    wg_done(&wg);
}

static void waits(void *arg) {
    struct waiter_of *w = arg;
    CHECK_EQ(go_set_priority(w->p), 0);
    w->g = hal_self();
    int r = mutex_lock_until(&first, UNLESS(w->gives_up ? canceled : NULL));
    CHECK_EQ(r, w->gives_up ? -ECANCELED : 0);
    if (r == 0) {
        mutex_unlock(&first);
    }
    CHECK_EQ(lent(hal_self()), 0);
    ends(w);
}

static struct sema gate;

static void waits_later(void *arg) {
    struct waiter_of *w = arg;
    CHECK_EQ(go_set_priority(w->p), 0);
    w->g = hal_self();
    sema_wait(&gate);
    waits(w);
}

/* In the middle: it wants nothing but to run. */
static void runs(void *arg) {
    struct waiter_of *w = arg;
    CHECK_EQ(go_set_priority(w->p), 0);
    w->g = hal_self();
    sema_wait(&may_go);
    ends(w);
}

/* w waits, for first or to be called. */
static void start_waiter(go_fn *fn, struct waiter_of *w) {
    wg_add(&wg, 1);
    start(fn, w);
    SLEEP_UNTIL(w->g != NULL && g_state(w->g) == G_WAITING);
}

/* One core, which nobody leaves because of his slice, if that is not over; the caller has the lowest priority and first. */
static void set_alone(void) {
    needs_preemption();
    use_policy("prio");
    use_cores(1);
    go_set_slice(SEC(1));
    canceled = ctx_make(ctx_background());
    turns = 0;
    owes_it = NULL;
    at_once = false;
    CHECK_EQ(go_set_priority(0), 0);
    mutex_lock(&first);
}

static void unset_alone(void) {
    wg_wait(&wg);
    ctx_free(canceled);
}

/* The highest of those that wait counts, until it gives up; who unlocks first has nothing left of it, and goes at once. */
static bool is_taken_back(void) {
    set_alone();
    struct waiter_of stays = {.p = 10}, gives_up = {.p = 14, .gives_up = true}, middle = {.p = 12};
    start_waiter(runs, &middle);
    start_waiter(waits, &stays);
    CHECK_EQ(lent(hal_self()), 10);
    start_waiter(waits, &gives_up);
    CHECK_EQ(lent(hal_self()), 14);
    sema_post(&may_go);
    CHECK_EQ(middle.turn, 0);
    ctx_cancel(canceled);
    SPIN_UNTIL(gives_up.turn != 0 && middle.turn != 0);
    CHECK_EQ(lent(hal_self()), 10);
    CHECK_EQ(stays.turn, 0);
    owes_it = hal_self();
    mutex_unlock(&first);
    SPIN_UNTIL(stays.turn != 0);
    CHECK_EQ(lent(hal_self()), 0);
    unset_alone();
    return at_once;
}

TEST(sched, prio_is_taken_back) {
    while (!is_taken_back()) {
    }
}

static void holds_on(void *arg) {
    mutex_lock(&first);
    CHECK_EQ(go_set_priority(0), 0);
    struct waiter_of *w = arg;
    w->g = hal_self();
    sema_wait(&gate);
    mutex_unlock(&first);
    ends(w);
}

/* The same of one that is ready, and stands before middle as long as it is lent enough. */
TEST(sched, prio_is_taken_back_in_line) {
    set_alone();
    mutex_unlock(&first);
    struct waiter_of owner = {0}, gives_up = {.p = 14, .gives_up = true}, middle = {.p = 7};
    start_waiter(holds_on, &owner);
    start_waiter(runs, &middle);
    start_waiter(waits, &gives_up);
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    sema_post(&may_go);
    sema_post(&gate);
    CHECK_EQ(lent(owner.g), 14);
    ctx_cancel(canceled);
    CHECK_EQ(lent(owner.g), 0);
    CHECK_EQ(go_set_priority(3), 0);
    CHECK_EQ(gives_up.turn, 1);
    CHECK_EQ(middle.turn, 2);
    CHECK(owner.turn == 0);
    unset_alone();
}

/* Though what it waited for was free when it gave up, and another one was woken for that. */
TEST(sched, prio_is_not_kept_by_who_gave_up) {
    set_alone();
    struct waiter_of heir = {.p = 1}, gives_up = {.p = 2, .gives_up = true}, high = {.p = 12},
                     middle = {.p = 7};
    start_waiter(waits, &heir);
    start_waiter(waits, &gives_up);
    start_waiter(waits, &high);
    start_waiter(runs, &middle);
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    mutex_unlock(&first);
    CHECK_EQ(lent(hal_self()), 0);
    CHECK_EQ(lent(heir.g), 12);
    ctx_cancel(canceled);
    sema_post(&may_go);
    CHECK_EQ(turns, 0);
    CHECK_EQ(go_set_priority(0), 0);
    wg_wait(&wg);
    CHECK_EQ(high.turn, 1);
    CHECK_EQ(middle.turn, 2);
    CHECK_EQ(gives_up.turn, 3);
    CHECK_EQ(heir.turn, 4);
    unset_alone();
}

static _Atomic unsigned *middle_turn;

static void gives_up_and_looks(void *arg) {
    struct waiter_of *w = arg;
    CHECK_EQ(go_set_priority(w->p), 0);
    w->g = hal_self();
    CHECK_EQ(mutex_lock_until(&first, UNLESS(canceled)), -ECANCELED);
    SPIN_UNTIL(*middle_turn != 0);
    ends(w);
}

/* The same where another one holds it: middle takes the core from who has just come out of its wait. */
static bool ends_with_the_wait(void) {
    set_alone();
    mutex_unlock(&first);
    struct waiter_of owner = {0}, gives_up = {.p = 2}, high = {.p = 12}, middle = {.p = 7};
    middle_turn = &middle.turn;
    start_waiter(holds_on, &owner);
    start_waiter(gives_up_and_looks, &gives_up);
    start_waiter(waits, &high);
    start_waiter(runs, &middle);
    CHECK_EQ(lent(owner.g), 12);
    owes_it = gives_up.g;
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    sema_post(&may_go);
    ctx_cancel(canceled);
    CHECK_EQ(go_set_priority(0), 0);
    WAIT_FOR(gives_up.turn != 0);
    bool was = at_once;
    sema_post(&gate);
    unset_alone();
    return was;
}

TEST(sched, prio_ends_with_the_wait) {
    while (!ends_with_the_wait()) {
    }
}

/* It was unlocked, one was woken, and we are before that one and have it again: the others lend to both, and so does who
 * comes now. So that one waits for both, and not for middle. */
static bool barges(int (*lock)(struct mutex *m)) {
    set_alone();
    struct waiter_of heir = {.p = 1}, high = {.p = 12}, higher = {.p = 14}, middle = {.p = 13};
    start_waiter(waits, &heir);
    start_waiter(waits_later, &higher);
    start_waiter(runs, &middle);
    start_waiter(waits, &high);
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    mutex_unlock(&first);
    CHECK_EQ(lent(hal_self()), 0);
    CHECK_EQ(lock(&first), 0);
    CHECK_EQ(lent(hal_self()), 12);
    CHECK_EQ(lent(heir.g), 12);
    CHECK_EQ(go_set_priority(13), 0);
    sema_post(&gate);
    CHECK_EQ(lent(hal_self()), 14);
    CHECK_EQ(lent(heir.g), 14);
    sema_post(&may_go);
    CHECK_EQ(turns, 0);
    owes_it = hal_self();
    mutex_unlock(&first);
    SPIN_UNTIL(higher.turn != 0);
    bool was = at_once;
    CHECK_EQ(go_set_priority(0), 0);
    wg_wait(&wg);
    CHECK_EQ(higher.turn, 1);
    CHECK_EQ(middle.turn, 2);
    CHECK_EQ(high.turn, 3);
    CHECK_EQ(heir.turn, 4);
    unset_alone();
    return was;
}

static int locks(struct mutex *m) {
    mutex_lock(m);
    return 0;
}

TEST(sched, prio_is_lent_to_who_barges) {
    while (!barges(mutex_trylock) || !barges(locks)) {
    }
}

/* Holds first on another core, at what is lent to it. */
static void holds_there(void *arg) {
    mutex_lock(&first);
    CHECK_EQ(go_set_priority(0), 0);
    *(_Atomic(struct g *) *)arg = hal_self();
    SPIN_UNTIL(stop);
    mutex_unlock(&first);
    wg_done(&wg);
}

static void start_here(go_fn *fn, struct waiter_of *w) {
    wg_add(&wg, 1);
    start_on(0, fn, w);
    SLEEP_UNTIL(w->g != NULL && g_state(w->g) == G_WAITING);
}

/* Two cores. What is lent to owner on the other one ends: the lowest of all takes that one from it, though the others that
 * wait are before it and may run only here. */
static bool passes_pinned(void) {
    struct waiter_of gives_up = {.p = 14, .gives_up = true}, pinned = {.p = 12}, middle = {.p = 7};
    _Atomic(struct g *) owner = NULL;
    go_set_slice(SEC(1));
    canceled = ctx_make(ctx_background());
    stop = at_once = false;
    turns = 0;
    wg_add(&wg, 1);
    start_on(1, holds_there, (void *)&owner);
    SLEEP_UNTIL(owner != NULL);
    start_here(waits, &gives_up);
    start_here(runs, &pinned);
    start_waiter(runs, &middle);
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    sema_post(&may_go);
    sema_post(&may_go);
    CHECK_EQ(turns, 0);
    owes_it = owner;
    ctx_cancel(canceled);
    SPIN_UNTIL(middle.turn != 0);
    CHECK_EQ(middle.turn, 1);
    bool was = at_once;
    stop = true;
    CHECK_EQ(go_set_priority(GO_PRIORITY), 0);
    unset_alone();
    return was;
}

TEST(sched, prio_passes_pinned) {
    if (go_num_cores() == 1) {
        SKIP("needs two cores");
    }
    needs_preemption();
    use_policy("prio");
    use_cores(2);
    CHECK_EQ(go_set_affinity(1), 0);
    while (!passes_pinned()) {
    }
}

/* ---- from one policy to the next ----------------------------------------------------------------- */

/* What was lent under this policy is not when it comes again: who waited meanwhile is not known. */
TEST(sched, prio_is_not_kept_by_the_policy) {
    set_alone();
    struct waiter_of owner = {0}, high = {.p = 12}, again = {.p = 12};
    start_waiter(waits, &high);
    CHECK_EQ(lent(hal_self()), 12);
    CHECK_EQ(go_set_policy("gmp"), 0);
    CHECK_EQ(go_set_policy("prio"), 0);
    CHECK_EQ(lent(hal_self()), 0);
    mutex_unlock(&first);
    start_waiter(holds_on, &owner);
    start_waiter(waits, &again);
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    sema_post(&gate); /* to the line, at what it is lent */
    CHECK_EQ(lent(owner.g), 12);
    CHECK_EQ(go_set_policy("fifo"), 0);
    unset_alone();
}

/* The other way around: who holds it, and who waits first, since before the policy, is lent what those lend that come. */
TEST(sched, prio_is_lent_to_who_was_before) {
    set_alone();
    mutex_unlock(&first);
    CHECK_EQ(go_set_policy("gmp"), 0);
    struct waiter_of owner = {0}, high = {.p = 12}, middle = {.p = 7};
    start_waiter(holds_on, &owner);
    CHECK_EQ(go_set_policy("prio"), 0);
    go_set_slice(SEC(1));
    start_waiter(waits, &high);
    start_waiter(runs, &middle);
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    sema_post(&may_go);
    sema_post(&gate);
    CHECK_EQ(lent(owner.g), 12);
    CHECK_EQ(go_set_priority(0), 0);
    wg_wait(&wg);
    CHECK_EQ(high.turn, 1);
    CHECK_EQ(middle.turn, 2);
    unset_alone();
}

TEST(sched, prio_is_lent_behind_who_was_before) {
    needs_preemption();
    use_policy("prio");
    CHECK_EQ(go_set_policy("gmp"), 0);
    struct waiter_of heir = {.p = 1}, high = {.p = 14};
    use_cores(1);
    canceled = ctx_make(ctx_background());
    mutex_lock(&first);
    start_waiter(waits, &heir);
    CHECK_EQ(go_set_policy("prio"), 0);
    CHECK_EQ(go_set_priority(0), 0);
    start_waiter(waits, &high);
    CHECK_EQ(lent(hal_self()), 14);
    CHECK_EQ(go_set_priority(GO_PRIORITIES - 1), 0);
    mutex_unlock(&first);
    CHECK_EQ(lent(hal_self()), 0);
    CHECK_EQ(lent(heir.g), 14);
    unset_alone();
}
