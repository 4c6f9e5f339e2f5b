/*
 * tests/test_policy.c - policies: choosing one, and what all of them have in common. test_policies.c: what each is for.
 */
#include <bareloom/policy.h>
#include <errno.h>
#include <string.h>

#include "sched/policy/policy.h"
#include "tests/test.h"

static struct wg wg;

/* ---- all of them --------------------------------------------------------------------------------- */

TEST(sched, policies_have_names) {
    const char *does;
    CHECK(strcmp(go_policies(0, &does), "gmp") == 0);
    unsigned n = 0;
    for (const char *name; (name = go_policies(n, &does)) != NULL; n++) {
        CHECK(name[0] != '\0' && does[0] != '\0');
    }
    CHECK(n > 1);
    CHECK_EQ(go_set_policy("none"), -EINVAL);
    CHECK_EQ(go_set_policy(""), -EINVAL);
    CHECK_EQ(go_option("policy=none"), -EINVAL);
    CHECK_EQ(go_option("policy"), -EINVAL);
}

static struct {
    _Atomic bool stop;
    _Atomic unsigned lives, rounds;
    struct chan *c;
} churn;

static void short_life(void *arg) {
    (void)arg;
    go_yield();
    atomic_fetch_add(&churn.lives, 1);
    wg_done(&wg);
}

static void starts_lives(void *arg) {
    (void)arg;
    while (!churn.stop) {
        wg_add(&wg, 1);
        start(short_life, NULL);
        go_yield();
    }
    wg_done(&wg);
}

static void sleeps(void *arg) {
    (void)arg;
    while (!churn.stop) {
        go_sleep(US(100));
        atomic_fetch_add(&churn.rounds, 1);
    }
    wg_done(&wg);
}

static void talks(void *arg) {
    bool first = arg != NULL;
    int v = 0;
    for (;;) {
        if (first && churn.stop) {
            chan_close(churn.c);
            break;
        }
        if (first) {
            chan_send(churn.c, &v);
        } else if (chan_recv(churn.c, &v) != 0) {
            break;
        }
        atomic_fetch_add(&churn.rounds, 1);
    }
    wg_done(&wg);
}

static void computes(void *arg) {
    (void)arg;
    while (!churn.stop) {
        hal_relax();
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

/* A core that has the new one already, and would idle, does not look for what others still put to the old one: an
 * interrupt does so as it wakes a G. */
TEST(sched, policies_that_share_follow_each_other) {
    use_policy("fifo");
    churn.stop = false;
    wg_add(&wg, 12);
    for (unsigned i = 0; i < 12; i++) {
        start(sleeps, NULL);
    }
    for (unsigned round = 0; round < test_rounds(100); round++) {
        CHECK_EQ(go_set_policy(round % 2 == 0 ? "skeleton" : "fifo"), 0);
        unsigned rounds = churn.rounds;
        WAIT_FOR(churn.rounds > rounds);
    }
    churn.stop = true;
    wg_wait(&wg);
}

/* Whatever Gs do goes on while one policy follows the other, and none is lost: the check of each policy looks on. */
TEST(sched, policies_follow_each_other) {
    needs_preemption();
    needs_m_n();
    churn.stop = false;
    churn.c = chan_make(sizeof(int), 2);
    CHECK(churn.c != NULL);
    go_set_slice(MS(1));
    unsigned all = go_num_cores();
    wg_add(&wg, (int)(6 + all));
    start(starts_lives, NULL);
    start(sleeps, NULL);
    start(sleeps, NULL);
    start(talks, churn.c);
    start(talks, NULL);
    start(computes, NULL);
    for (unsigned i = 0; i < all; i++) {
        start_on(i, stays, (void *)(uintptr_t)i);
    }
    const char *name, *does;
    for (unsigned round = 0; round < test_rounds(8); round++) {
        for (unsigned i = 0; CONFIG_TRACE && (name = go_policies(i, &does)) != NULL; i++) {
            CHECK_EQ(go_set_policy(name), 0);
            unsigned lives = churn.lives, rounds = churn.rounds;
            WAIT_FOR(churn.lives > lives && churn.rounds > rounds);
            CHECK_EQ(go_set_cores(1 + (round + i) % all), 0);
        }
    }
    CHECK_EQ(go_set_cores(all), 0);
    churn.stop = true;
    wg_wait(&wg);
    chan_free(churn.c);
}

static _Atomic bool has_run;

static void runs(void *arg) {
    (void)arg;
    has_run = true;
    wg_done(&wg);
}

static void starts_and_retires(void *arg) {
    start(runs, arg);
    CHECK_EQ(go_set_cores(1), 0);
    wg_done(&wg);
}

/* What waits on a core that retires comes to the others, also if none of them ever idles. */
TEST(sched, policies_leave_nothing_on_a_retired_core) {
    needs_m_n();
    if (go_num_cores() == 1) {
        SKIP("needs two cores");
    }
    const char *name, *does;
    for (unsigned i = 0; CONFIG_TRACE && (name = go_policies(i, &does)) != NULL; i++) {
        CHECK_EQ(go_set_policy(name), 0);
        use_cores(2);
        has_run = false;
        wg_add(&wg, 2);
        start_on(1, starts_and_retires, NULL);
        WAIT_FOR(has_run);
        wg_wait(&wg);
    }
}

/* Nobody calls idle cores for what waits, but they find it. */
static _Atomic unsigned here;

static void meets(void *arg) {
    atomic_fetch_add(&here, 1);
    SPIN_UNTIL(here == (unsigned)(uintptr_t)arg);
    wg_done(&wg);
}

/* As many as there are cores meet, none letting others run: under a policy that shares, each has its own. */
TEST(sched, policies_that_share_use_all_cores) {
    needs_m_n();
    const char *name, *does;
    unsigned all = go_num_cores();
    go_set_slice(SEC(1));
    for (unsigned i = 0; CONFIG_TRACE && (name = go_policies(i, &does)) != NULL; i++) {
        CHECK_EQ(go_set_policy(name), 0);
        const struct policy *p = policy_wanted();
        if (p != NULL && !p->shares) {
            continue;
        }
        for (unsigned round = 0; round < test_rounds(16); round++) {
            settle();
            here = 0;
            wg_add(&wg, (int)all);
            for (unsigned n = 0; n < all; n++) {
                start(meets, (void *)(uintptr_t)all);
            }
            wg_wait(&wg);
        }
    }
}

/* ---- one that displaces ---------------------------------------------------------------------------- */

static struct fifo newest_first = FIFO;
static _Atomic unsigned displaced;

static bool put_before_all(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)c;
    displaced += why == WHY_DISPLACED;
    spin_lock_masked(&newest_first.lock);
    gqueue_push_front(&newest_first.q, g);
    spin_unlock_masked(&newest_first.lock);
    return true;
}

static struct g *pick_newest(struct core *c) NEEDS(irq_masked) {
    return fifo_take(&newest_first, c);
}

/* Whoever is put is before the one that runs, which is put back so, too: the others' cores are called all the same. Where
 * the interrupt comes a moment late, as a simulation lets it, the one that runs may wait for them by then: another round. */
TEST(sched, policy_that_displaces_uses_all_cores) {
    static const struct policy p = {
        .name = "newest", .shares = true, .put = put_before_all, .pick = pick_newest};
    needs_m_n();
    if (!CONFIG_TRACE) {
        SKIP("this build has GMP alone");
    }
    unsigned all = go_num_cores();
    go_set_slice(SEC(1));
    displaced = 0;
    CHECK_EQ(policy_set(&p), 0);
    for (unsigned round = 0; round < test_rounds(16) || (displaced == 0 && round < 1000); round++) {
        here = 0;
        wg_add(&wg, (int)all);
        for (unsigned n = 0; n < all; n++) {
            start(meets, (void *)(uintptr_t)all);
        }
        wg_wait(&wg);
    }
    CHECK(displaced != 0);
}
