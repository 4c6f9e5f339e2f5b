/* tests/test_ctx_stress.c - contexts canceled from several sides at once, while Gs wait for them, make children and stop
 * hooks. The first part are Go's. */
#include <errno.h>

#include "tests/test.h"

static struct wg wg;

static void waits_for_done(struct ctx *c) {
    CHECK_EQ(chan_recv(ctx_done(c), NULL), -EPIPE);
    CHECK(ctx_err(c) != 0);
}

static void cancels(void *arg) {
    ctx_cancel(arg);
    wg_done(&wg);
}

/* ---- Go's ---------------------------------------------------------------------------------------------- */

static struct { struct ctx *parent, *child; } locked;

static void cancels_child_after_parent(void *arg) {
    (void)arg;
    waits_for_done(locked.parent);
    ctx_cancel(locked.child);
    wg_done(&wg);
}

TEST(sched, TestInterlockedCancels) {
    for (unsigned i = 0; i < test_rounds(100); i++) {
        locked.parent = ctx_make(ctx_background());
        locked.child = ctx_make(locked.parent);
        wg_add(&wg, 2);
        start(cancels_child_after_parent, NULL);
        start(cancels, locked.parent);
        waits_for_done(locked.child);
        wg_wait(&wg);
        ctx_free(locked.parent);
        ctx_free(locked.child);
    }
}

#define NODES 1000

static struct ctx *nodes[NODES];

/* A tree in which each hangs under one that was made before it; some have a deadline that is far away. */
static void plant(unsigned n, uint32_t *random) {
    for (unsigned i = 0; i < n; i++) {
        struct ctx *parent = i == 0 ? ctx_background() : nodes[test_random(random) % i];
        nodes[i] = i % 5 == 4 ? ctx_with_timeout(parent, SEC(1000)) : ctx_make(parent);
        CHECK(nodes[i] != NULL);
    }
}

static void fell(unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        ctx_free(nodes[i * 7 % n]); /* parents before children, and after; n is no multiple of 7 */
    }
}

TEST(sched, TestSimultaneousCancels) {
    uint32_t random = 31;
    for (unsigned round = 0; round < test_rounds(8); round++) {
        enum { N = 100 };
        plant(N, &random);
        wg_add(&wg, N);
        for (unsigned i = 0; i < N; i++) {
            start(cancels, nodes[i]);
        }
        for (unsigned i = 0; i < N; i++) {
            waits_for_done(nodes[i]);
        }
        wg_wait(&wg);
        fell(N);
    }
}

/* One above the other, some with deadlines; the end comes from somewhere in the middle. */
static void layers(bool by_timeout) {
    uint32_t random = by_timeout ? 17 : 71;
    for (unsigned round = 0; round < test_rounds(40); round++) {
        enum { DEPTH = 30 };
        unsigned middle = test_random(&random) % DEPTH;
        for (unsigned i = 0; i < DEPTH; i++) {
            struct ctx *parent = i == 0 ? ctx_background() : nodes[i - 1];
            if (i == middle && by_timeout) {
                nodes[i] = ctx_with_timeout(parent, US(1 + test_random(&random) % 200));
            } else {
                nodes[i] = i % 2 == 0 ? ctx_make(parent) : ctx_with_timeout(parent, SEC(100));
            }
        }
        if (by_timeout) {
            waits_for_done(nodes[DEPTH - 1]);
        } else {
            ctx_cancel(nodes[middle]);
        }
        for (unsigned i = 0; i < DEPTH; i++) {
            int want = i < middle ? 0 : by_timeout ? -ETIMEDOUT : -ECANCELED;
            CHECK_EQ(ctx_err(nodes[i]), want);
        }
        for (unsigned i = 0; i < DEPTH; i++) {
            ctx_free(nodes[i]);
        }
    }
}

TEST(sched, TestLayersCancel) {
    layers(false);
}

TEST(sched, TestLayersTimeout) {
    layers(true);
}

/* ---- many at once ----------------------------------------------------------------------------------------- */

static _Atomic bool go_ahead;

/* When a cancel returns all below is done, also when another canceler was first somewhere. */
static void cancels_root(void *arg) {
    (void)arg;
    WAIT_FOR(atomic_load(&go_ahead));
    ctx_cancel_cause(nodes[0], (int)go_core() + 1);
    for (unsigned i = 0; i < NODES; i++) {
        CHECK_EQ(ctx_err(nodes[i]), -ECANCELED);
    }
    wg_done(&wg);
}

static void cancels_some(void *arg) {
    uint32_t random = 1 + (uint32_t)(uintptr_t)arg;
    WAIT_FOR(atomic_load(&go_ahead));
    for (int i = 0; i < 5; i++) {
        struct ctx *c = nodes[1 + test_random(&random) % (NODES - 1)];
        ctx_cancel_cause(c, 100);
        CHECK(ctx_err(c) != 0);
    }
    wg_done(&wg);
}

TEST(stress, ctx_tree_canceled_by_all_cores) {
    uint32_t random = 5;
    for (unsigned round = 0; round < test_rounds(16); round++) {
        plant(NODES, &random);
        go_ahead = false;
        unsigned n = 2 * go_num_cores();
        wg_add(&wg, (int)(2 * n));
        for (unsigned i = 0; i < n; i++) {
            start(cancels_root, NULL);
            start(cancels_some, (void *)(uintptr_t)(round * n + i));
        }
        go_ahead = true;
        wg_wait(&wg);
        fell(NODES);
    }
}

static struct {
    struct ctx *root;
    _Atomic unsigned made, done;
} nursery;

static void makes_children(void *arg) {
    (void)arg;
    bool open = true;
    while (open) {
        struct ctx *a = ctx_make(nursery.root), *b = ctx_make(a);
        atomic_fetch_add(&nursery.made, 1);
        open = ctx_err(nursery.root) == 0;
        if (!open) {
            /* made before or after the cancel: done, though perhaps it is on its way here still */
            waits_for_done(b);
            waits_for_done(a);
        }
        ctx_free(a);
        CHECK(ctx_err(b) != 0);
        ctx_free(b);
    }
    atomic_fetch_add(&nursery.done, 1);
    wg_done(&wg);
}

/* Children that are made while their parent is canceled: found, or born done. */
TEST(stress, ctx_children_made_meanwhile) {
    for (unsigned round = 0; round < test_rounds(60); round++) {
        unsigned n = 2 * go_num_cores();
        nursery.root = ctx_make(ctx_background());
        nursery.made = nursery.done = 0;
        wg_add(&wg, (int)n);
        for (unsigned i = 0; i < n; i++) {
            start(makes_children, NULL);
        }
        WAIT_FOR(atomic_load(&nursery.made) > 4 * n);
        ctx_cancel(nursery.root);
        wg_wait(&wg);
        CHECK_EQ(atomic_load(&nursery.done), n);
        ctx_free(nursery.root);
    }
}

/* ---- waits and cancels ------------------------------------------------------------------------------------- */

static struct {
    struct sema sema;
    _Atomic unsigned canceled, got;
} waits;

static void waits_unless(void *arg) {
    int r = sema_wait_until(&waits.sema, UNLESS(arg));
    if (r == 0) {
        atomic_fetch_add(&waits.got, 1);
    } else {
        CHECK_EQ(r, -ECANCELED);
        CHECK_EQ(ctx_err(arg), -ECANCELED);
        atomic_fetch_add(&waits.canceled, 1);
    }
    wg_done(&wg);
}

/* A wait that begins as its context is canceled, and as somebody posts: it ends, once, and no post is lost. */
TEST(stress, ctx_cancel_races_with_waits) {
    uint32_t random = 23;
    for (unsigned round = 0; round < test_rounds(400); round++) {
        enum { N = 6 };
        struct ctx *c = ctx_make(ctx_background());
        waits.canceled = waits.got = 0;
        wg_add(&wg, N + 1);
        for (int i = 0; i < N / 2; i++) {
            start(waits_unless, c);
        }
        start(cancels, c);
        for (int i = 0; i < N / 2; i++) {
            start(waits_unless, c);
        }
        unsigned posts = test_random(&random) % 3;
        for (unsigned i = 0; i < posts; i++) {
            sema_post(&waits.sema);
        }
        wg_wait(&wg);
        unsigned left = 0;
        while (sema_try(&waits.sema, 1) == 0) {
            left++;
        }
        CHECK_EQ(atomic_load(&waits.canceled) + atomic_load(&waits.got), N);
        CHECK_EQ(atomic_load(&waits.got) + left, posts);
        ctx_free(c);
    }
}

static struct {
    struct ctx *ctx;
    _Atomic unsigned waiter, canceler; /* the round that each is in */
} meeting;

static void meets_cancel(void *arg) {
    (void)arg;
    for (unsigned round = 1; round <= test_rounds(4000); round++) {
        meeting.ctx = ctx_make(ctx_background());
        atomic_store(&meeting.waiter, round);
        SPIN_UNTIL(atomic_load(&meeting.canceler) == round);
        CHECK_EQ(sema_wait_until(&waits.sema, UNLESS(meeting.ctx)), -ECANCELED);
        ctx_free(meeting.ctx); /* and waits for the cancel that is under way */
    }
    wg_done(&wg);
}

static void meets_wait(void *arg) {
    uint32_t random = *(uint32_t *)arg;
    for (unsigned round = 1; round <= test_rounds(4000); round++) {
        SPIN_UNTIL(atomic_load(&meeting.waiter) == round);
        struct ctx *root = meeting.ctx;
        atomic_store(&meeting.canceler, round);
        for (unsigned i = test_random(&random) % 64; i != 0; i--) {
            hal_relax();
        }
        ctx_cancel(root);
    }
    wg_done(&wg);
}

/* The same in close combat, on two cores: the wait begins as the cancel comes by. Nobody is woken before it is off its
 * stack. */
TEST(stress, ctx_cancel_meets_wait) {
    static uint32_t seed = 77;
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    meeting.waiter = meeting.canceler = 0;
    wg_add(&wg, 2);
    start_on(0, meets_cancel, NULL);
    start_on(1, meets_wait, &seed);
    wg_wait(&wg);
}

static void waits_at_many(void *arg) {
    for (;;) {
        struct ctx *c = ctx_with_timeout(arg, US(1 + go_id() % 97));
        int r = sema_wait_until(&waits.sema, UNLESS(c));
        CHECK(r == -ECANCELED || r == -ETIMEDOUT);
        CHECK_EQ(r, ctx_err(c));
        ctx_free(c);
        if (ctx_err(arg) != 0) {
            break;
        }
    }
    wg_done(&wg);
}

/* Deadlines of contexts, freed as they fire. */
TEST(stress, ctx_deadlines_race_with_free) {
    for (unsigned round = 0; round < test_rounds(20); round++) {
        struct ctx *root = ctx_make(ctx_background());
        wg_add(&wg, 8);
        for (int i = 0; i < 8; i++) {
            start(waits_at_many, root);
        }
        go_sleep(MS(2));
        ctx_cancel(root);
        wg_wait(&wg);
        ctx_free(root);
    }
}

/* ---- hooks --------------------------------------------------------------------------------------------------- */

#define HOOKS 40

static struct {
    struct ctx_hook *hooks[HOOKS];
    _Atomic unsigned ran, stopped;
} hooked;

static void hook_runs(void *arg) {
    (void)arg;
    atomic_fetch_add(&hooked.ran, 1);
}

static void stops_hooks(void *arg) {
    unsigned from = (unsigned)(uintptr_t)arg;
    for (unsigned i = from; i < HOOKS; i += 4) {
        if (ctx_hook_stop(hooked.hooks[i])) {
            atomic_fetch_add(&hooked.stopped, 1);
        }
    }
    wg_done(&wg);
}

/* Stopped as they are started: each of them runs, or was stopped, never both nor neither. */
TEST(stress, ctx_hooks_stopped_as_they_run) {
    for (unsigned round = 0; round < test_rounds(150); round++) {
        struct ctx *c = ctx_make(ctx_background());
        hooked.ran = hooked.stopped = 0;
        for (int i = 0; i < HOOKS; i++) {
            hooked.hooks[i] = ctx_after_func(c, hook_runs, NULL);
        }
        wg_add(&wg, 5);
        for (uintptr_t i = 0; i < 4; i++) {
            start((i == round % 4) ? cancels : stops_hooks, i == round % 4 ? (void *)c : (void *)i);
        }
        start(stops_hooks, (void *)(uintptr_t)(round % 4));
        wg_wait(&wg);
        WAIT_FOR(atomic_load(&hooked.ran) + atomic_load(&hooked.stopped) == HOOKS);
        ctx_free(c);
    }
}
