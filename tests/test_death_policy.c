/*
 * tests/test_death_policy.c - policies that break a rule each, and that the check names rule and goroutine.
 */
#include "sched/policy/lend.h"
#include "tests/test.h"

#define GS 200

static struct fifo all = FIFO, own[HAL_MAX_CORES] = FIFOS;
static _Atomic unsigned calls;
static struct wg wg;

static bool put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)c;
    (void)why;
    fifo_put(&all, g);
    return false;
}

static struct g *pick(struct core *c) NEEDS(irq_masked) {
    return fifo_take(&all, c);
}

static bool now_and_then(void) {
    return atomic_fetch_add(&calls, 1) % 20 == 19;
}

static void yields(void *arg) {
    (void)arg;
    for (int i = 0; i < 20; i++) {
        go_yield();
    }
    wg_done(&wg);
}

static const char victim[] = "victim";

static void start_all(const char *name, go_fn *fn) {
    for (unsigned i = 0; i < GS; i++) {
        CHECK_EQ(go_with(&GO_OPTS(.name = name), fn, NULL), 0);
    }
}

/* Under p, whose fault is told as text; then the machine has to end. */
static void dies_under(const struct policy *p, const char *text) {
    if (!CONFIG_TRACE) {
        SKIP("this build has GMP alone");
    }
    expect_status(2);
    expect_text(text);
    CHECK_EQ(policy_set(p), 0);
    for (;;) {
        wg_add(&wg, GS);
        start_all(victim, yields);
        wg_wait(&wg);
    }
}

/* ---- one is lost --------------------------------------------------------------------------------- */

static bool put_or_not(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    return why == WHY_YIELD && now_and_then() ? false : put(c, g, why);
}

TEST(death, policy_that_loses_one) {
    static const struct policy p = {.name = "leaky", .shares = true, .put = put_or_not, .pick = pick};
    dies_under(&p, "policy leaky has lost one: goroutine ");
}

/* The same where idle cores do not look at each other's. */
static bool put_own_or_not(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    if (why != WHY_YIELD || g->name != victim || !now_and_then()) {
        fifo_put(&own[c->hal.index], g);
    }
    return false;
}

static struct g *pick_own(struct core *c) NEEDS(irq_masked) {
    return fifo_take(&own[c->hal.index], c);
}

TEST(death, policy_that_loses_one_of_its_core) {
    static const struct policy p = {.name = "leaky", .put = put_own_or_not, .pick = pick_own};
    dies_under(&p, "policy leaky has lost one: goroutine ");
}

static void computes(void *arg) {
    (void)arg;
    for (;;) {
        hal_relax();
    }
}

static const char bystander[] = "bystander";

static unsigned place_bystanders(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)why;
    return g->name == bystander ? hal_core_count() - 1 : c->hal.index;
}

/* Those that wait on another core, which is busy, are not lost. */
TEST(death, policy_that_loses_one_beside_others) {
    unsigned last = go_num_cores() - 1;
    if (last == 0 || !CONFIG_TRACE) {
        SKIP("needs two cores, and another policy than GMP");
    }
    static const struct policy p = {
        .name = "leaky", .place = place_bystanders, .put = put_own_or_not, .pick = pick_own};
    expect_status(2);
    expect_text("policy leaky has lost one: goroutine ");
    use_cores(last);
    CHECK_EQ(policy_set(&p), 0);
    CHECK_EQ(go_set_cores(last + 1), 0);
    wg_add(&wg, GS);
    start_all(victim, yields);
    start_all(bystander, computes); /* later: the check meets them first */
    wg_wait(&wg);
    FAIL("nothing was missed");
}

static bool put_no_victim(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    return g->name == victim ? false : put(c, g, why);
}

static void yields_for_ever(void *arg) {
    (void)arg;
    for (;;) {
        go_yield();
    }
}

/* No core idles meanwhile: it is missed when another policy takes over. */
TEST(death, policy_that_loses_one_among_others) {
    static const struct policy p = {.name = "leaky", .shares = true, .put = put_no_victim, .pick = pick};
    if (!CONFIG_TRACE) {
        SKIP("this build has GMP alone");
    }
    expect_status(2);
    expect_text("policy leaky has lost one: goroutine ");
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, yields_for_ever, NULL);
    }
    CHECK_EQ(policy_set(&p), 0);
    CHECK_EQ(go_with(&GO_OPTS(.name = victim), yields_for_ever, NULL), 0);
    CHECK_EQ(policy_set(NULL), 0);
    FAIL("nothing was missed");
}

/* ---- one is given twice -------------------------------------------------------------------------- */

static _Atomic(struct g *) given;

static void waits_for_ever(void *arg) {
    (void)arg;
    static struct sema never;
    atomic_store(&given, hal_self());
    sema_wait(&never);
}

static struct g *pick_again(struct core *c) NEEDS(irq_masked) {
    struct g *g = atomic_load(&given);
    return g != NULL && g_state(g) == G_WAITING && now_and_then() ? g : pick(c);
}

TEST(death, policy_that_gives_one_twice) {
    static const struct policy p = {.name = "generous", .shares = true, .put = put, .pick = pick_again};
    CHECK_EQ(policy_set(&p), 0);
    CHECK_EQ(go_with(&GO_OPTS(.name = "given"), waits_for_ever, NULL), 0);
    dies_under(&p, "policy generous gives one that does not wait: goroutine ");
}

static _Atomic(struct g *) hog;

static void never_stops(void *arg) {
    (void)arg;
    go_preempt_off();
    atomic_store(&hog, hal_self());
    for (;;) {
        hal_relax();
    }
}

static struct g *pick_running(struct core *c) NEEDS(irq_masked) {
    struct g *g = atomic_load(&hog);
    return g != NULL && now_and_then() ? g : pick(c);
}

TEST(death, policy_that_runs_one_on_two_cores) {
    if (go_num_cores() == 1) {
        SKIP("needs two cores");
    }
    static const struct policy p = {.name = "twofold", .shares = true, .put = put, .pick = pick_running};
    CHECK_EQ(policy_set(&p), 0);
    CHECK_EQ(go_with(&GO_OPTS(.name = "hog"), never_stops, NULL), 0);
    dies_under(&p, "policy twofold runs one on two cores: goroutine ");
}

/* ---- one is given to the wrong core -------------------------------------------------------------- */

static struct g *pick_any(struct core *c) NEEDS(irq_masked) {
    (void)c;
    spin_lock_masked(&all.lock);
    struct g *g = gqueue_pop(&all.q);
    spin_unlock_masked(&all.lock);
    return g;
}

TEST(death, policy_that_forgets_pins) {
    if (go_num_cores() == 1) {
        SKIP("needs two cores");
    }
    static const struct policy p = {.name = "restless", .shares = true, .put = put, .pick = pick_any};
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, yields_for_ever, NULL);
    }
    dies_under(&p, "policy restless gives one to a core that it may not run on: goroutine ");
}

static unsigned place_beyond(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)c;
    (void)g;
    (void)why;
    return HAL_MAX_CORES;
}

TEST(death, policy_that_places_beyond) {
    static const struct policy p = {
        .name = "lofty", .shares = true, .place = place_beyond, .put = put, .pick = pick};
    dies_under(&p, "policy lofty places one on a core that is not there: goroutine ");
}

/* ---- cores idle ------------------------------------------------------------------------------------ */

static bool put_own(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)why;
    fifo_put(&own[c->hal.index], g);
    return false;
}

TEST(death, policy_that_claims_to_share) {
    if (go_num_cores() == 1) {
        SKIP("needs two cores");
    }
    static const struct policy p = {.name = "miser", .shares = true, .put = put_own, .pick = pick_own};
    dies_under(&p, "policy miser lets a core idle while one waits that it may run: goroutine ");
}

/* ---- the order is another one -------------------------------------------------------------------- */

static uintptr_t rank_changes(const struct g *g) {
    (void)g;
    return atomic_fetch_add(&calls, 1);
}

static const struct policy fickle;
static struct ranked line = {.lock = SPINLOCK(RANK_GLOBAL), .of = &fickle, .rank = rank_changes};

static bool put_ranked(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    return ranked_put(&line, c, g, why);
}

static struct g *pick_ranked(struct core *c) NEEDS(irq_masked) {
    return ranked_pick(&line, c);
}

static const struct policy fickle = {
    .name = "fickle", .shares = true, .put = put_ranked, .pick = pick_ranked};

TEST(death, policy_that_changes_its_mind) {
    dies_under(&fickle, "policy fickle has one in the wrong place: goroutine ");
}

static void hears_nothing(struct core *c, struct g *g) NEEDS(irq_masked) {
    (void)c;
    (void)g;
}

static struct mutex mutex;

static void contends(void *arg) {
    (void)arg;
    mutex_lock(&mutex);
    go_yield();
    mutex_unlock(&mutex);
    wg_done(&wg);
}

TEST(death, policy_that_is_deaf) {
    if (!CONFIG_TRACE) {
        SKIP("this build has GMP alone");
    }
    static struct policy_mutexes deaf;
    static struct policy p;
    deaf = lending;
    deaf.is_woken = hears_nothing;
    p = policy_prio;
    p.name = "deaf";
    p.mutexes = &deaf;
    expect_status(2);
    expect_text("policy deaf thinks that one waits for a mutex which was woken: goroutine ");
    use_cores(1); /* whose list goes wrong at the first one */
    CHECK_EQ(policy_set(&p), 0);
    wg_add(&wg, GS);
    start_all("contends", contends);
    wg_wait(&wg);
    FAIL("nothing was missed");
}
