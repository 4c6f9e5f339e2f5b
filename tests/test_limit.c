/* tests/test_limit.c - each call that blocks, with each kind of limit: a table of calls that cannot go on, walked
 * through. */
#include <errno.h>

#include "sched/pages.h"
#include "sched/sched.h"
#include "tests/test.h"

static struct wg wg;

/* What none of the calls can have: an empty channel, a full one, a held mutex, a group that is not done. */
static struct {
    struct chan *empty, *full;
    struct mutex held;
    struct wg busy;
    struct sema none;
    struct sema one;
    struct rwmutex written, read;
    struct cond cond;
    struct mutex cond_lock;
    struct event event;
    struct flags flags;
    struct join holder;
} no;

static int value;

static int sends(struct limit l) {
    return chan_send_until(no.full, &value, l);
}

static int receives(struct limit l) {
    return chan_recv_until(no.empty, &value, l);
}

static int selects(struct limit l) {
    struct select_case cases[] = {RECV(no.empty, &value), SEND(no.full, &value), RECV(NULL, NULL)};
    return chan_select_until(cases, 3, l);
}

static int selects_nothing(struct limit l) {
    return chan_select_until(NULL, 0, l);
}

static int locks(struct limit l) {
    return mutex_lock_until(&no.held, l);
}

static int waits_for_group(struct limit l) {
    return wg_wait_until(&no.busy, l);
}

static int takes(struct limit l) {
    return sema_wait_until(&no.none, l);
}

static int takes_two(struct limit l) {
    return sema_wait_n_until(&no.one, 2, l);
}

static int read_locks(struct limit l) {
    return rwmutex_rlock_until(&no.written, l);
}

static int write_locks(struct limit l) {
    return rwmutex_lock_until(&no.read, l);
}

static int waits_for_signal(struct limit l) {
    mutex_lock(&no.cond_lock);
    int r = cond_wait_until(&no.cond, &no.cond_lock, l);
    mutex_unlock(&no.cond_lock); /* which it has again, whatever ended the wait */
    return r;
}

static int waits_for_event(struct limit l) {
    return event_wait_until(&no.event, l);
}

static int waits_for_flags(struct limit l) {
    return flags_wait_until(&no.flags, 6, FLAGS_ANY, NULL, l);
}

static int joins(struct limit l) {
    return go_join_until(&no.holder, NULL, l);
}

static const struct {
    const char *name;
    int (*call)(struct limit l);
} calls[] = {
    {"chan_send_until", sends},
    {"chan_recv_until", receives},
    {"chan_select_until", selects},
    {"chan_select_until without cases", selects_nothing},
    {"mutex_lock_until", locks},
    {"wg_wait_until", waits_for_group},
    {"sema_wait_until", takes},
    {"sema_wait_n_until", takes_two},
    {"rwmutex_rlock_until", read_locks},
    {"rwmutex_lock_until", write_locks},
    {"cond_wait_until", waits_for_signal},
    {"event_wait_until", waits_for_event},
    {"flags_wait_until", waits_for_flags},
    {"go_join_until", joins},
};
#define CALLS (sizeof calls / sizeof calls[0])

static struct sema let_go;

static void *holds(void *arg) {
    mutex_lock(&no.held);
    rwmutex_lock(&no.written);
    rwmutex_rlock(&no.read);
    wg_done(&wg);
    sema_wait(&let_go);
    mutex_unlock(&no.held);
    rwmutex_unlock(&no.written);
    rwmutex_runlock(&no.read);
    return arg;
}

static void begin(void) {
    no.empty = CHAN(int, 0);
    no.full = CHAN(int, 1);
    CHECK_EQ(chan_send(no.full, &value), 0);
    flags_set(&no.flags, 1);
    wg_add(&no.busy, 1);
    sema_post(&no.one);
    wg_add(&wg, 1);
    CHECK_EQ(go_joinable(&no.holder, NULL, holds, &no), 0);
    wg_wait(&wg);
}

/* What was not had was not touched either. */
static void end(void) {
    sema_post(&let_go);
    wg_done(&no.busy);
    void *result;
    CHECK_EQ(go_join_until(&no.holder, &result, AT(FOREVER)), 0);
    CHECK(result == &no); /* and joined for good by none of those that came back too early */
    CHECK_EQ(atomic_load(&no.held.word), 0);
    CHECK_EQ(atomic_load(&no.busy.word), 0);
    CHECK_EQ(rwmutex_trylock(&no.written), 0);
    CHECK_EQ(rwmutex_trylock(&no.read), 0);
    rwmutex_unlock(&no.written);
    rwmutex_unlock(&no.read);
    CHECK_EQ(sema_try(&no.one, 1), 0);
    CHECK_EQ(sema_try(&no.none, 1), -EAGAIN);
    CHECK_EQ(chan_len(no.full), 1);
    chan_free(no.empty); /* a panic if somebody were still on its list */
    chan_free(no.full);
}

static void comes_back(unsigned i, struct limit l, int want) {
    int r = calls[i].call(l);
    if (r != want) {
        FAIL("%s: %d instead of %d", calls[i].name, r, want);
    }
    CHECK(want != -ETIMEDOUT || l.ctx != NULL || go_now() >= l.when);
}

/* ---- time ------------------------------------------------------------------------------------------------- */

TEST(sched, limit_at_a_time) {
    begin();
    for (unsigned i = 0; i < CALLS; i++) {
        comes_back(i, AT(0), -ETIMEDOUT);
        comes_back(i, AT(go_now()), -ETIMEDOUT);
        comes_back(i, AT(go_now() + US(300)), -ETIMEDOUT);
        comes_back(i, WITHIN(NOWAIT), -ETIMEDOUT);
        comes_back(i, WITHIN(-SEC(1)), -ETIMEDOUT);
        comes_back(i, WITHIN(INT64_MIN), -ETIMEDOUT);
        comes_back(i, WITHIN(1), -ETIMEDOUT);
        comes_back(i, WITHIN(US(200)), -ETIMEDOUT);
    }
    end();
}

/* A deadline that is carried on: n periods end no sooner than n times the period, and the sum of what each was late
 * is not added. Only the lower bound can be asserted; that nothing is added is the arithmetic of AT. */
TEST(sched, absolute_deadlines_do_not_drift) {
    begin();
    ns_t base = go_now();
    for (unsigned i = 1; i <= 10 * CALLS; i++) {
        comes_back(i % CALLS, AT(base + i * US(100)), -ETIMEDOUT);
    }
    CHECK(go_now() >= base + (ns_t)(10 * CALLS) * US(100));
    end();
}

/* ---- contexts ------------------------------------------------------------------------------------------------- */

static void cancels_when_it_waits(void *arg) {
    go_sleep(US(200));
    ctx_cancel_cause(arg, 5);
    wg_done(&wg);
}

static void canceled(unsigned i, ns_t when) {
    struct ctx *c = ctx_make(ctx_background());
    wg_add(&wg, 1);
    start(cancels_when_it_waits, c);
    comes_back(i, (struct limit){.when = when, .ctx = c}, -ECANCELED);
    CHECK_EQ(ctx_cause(c), 5);
    comes_back(i, UNLESS(c), -ECANCELED); /* which it is already */
    comes_back(i, (struct limit){.when = when, .ctx = c}, -ECANCELED);
    ctx_free(c);
}

TEST(sched, limit_by_a_context) {
    begin();
    for (unsigned i = 0; i < CALLS; i++) {
        canceled(i, FOREVER);
        canceled(i, go_now() + SEC(1000));
        struct ctx *timed = ctx_with_timeout(ctx_background(), US(200));
        struct ctx *below = ctx_make(timed);
        comes_back(i, UNLESS(below), -ETIMEDOUT);
        CHECK(go_now() >= ctx_deadline(timed));
        comes_back(i, UNLESS(timed), -ETIMEDOUT);
        ctx_free(below);
        ctx_free(timed);
        struct ctx *never = ctx_make(ctx_background());
        comes_back(i, (struct limit){.when = go_now() + US(200), .ctx = never}, -ETIMEDOUT);
        comes_back(i, (struct limit){.when = go_now() + US(200), .ctx = ctx_background()}, -ETIMEDOUT);
        CHECK_EQ(ctx_err(never), 0);
        ctx_free(never);
    }
    end();
}

/* ---- what can be had is had ------------------------------------------------------------------------------------- */

static void all_are_had(struct limit l) {
    struct chan *c = CHAN(int, 1);
    struct mutex m = {0};
    struct wg done = {0};
    struct sema s = {.count = 3};
    int sent = 7, got = 0;
    CHECK_EQ(chan_send_until(c, &sent, l), 0);
    CHECK_EQ(chan_recv_until(c, &got, l), 0);
    CHECK_EQ(got, 7);
    struct select_case cases[] = {RECV(c, &got), SEND(c, &sent)};
    CHECK_EQ(chan_select_until(cases, 2, l), 1);
    CHECK_EQ(mutex_lock_until(&m, l), 0);
    mutex_unlock(&m);
    CHECK_EQ(wg_wait_until(&done, l), 0);
    CHECK_EQ(sema_wait_until(&s, l), 0);
    CHECK_EQ(sema_wait_n_until(&s, 2, l), 0);
    chan_close(c);
    CHECK_EQ(chan_recv_until(c, &got, l), 0);
    CHECK_EQ(chan_recv_until(c, &got, l), -EPIPE);
    chan_free(c);
}

TEST(sched, limit_that_is_over_takes_what_is_there) {
    struct ctx *done = ctx_make(ctx_background());
    ctx_cancel(done);
    all_are_had(AT(0));
    all_are_had(WITHIN(NOWAIT));
    all_are_had(UNLESS(done));
    all_are_had((struct limit){.when = 0, .ctx = done});
    ctx_free(done);
}

/* ---- no page for a deadline ----------------------------------------------------------------------------------------- */

static struct {
    struct timer *timers[16384];
    unsigned set, made; /* those after the first set are stopped */
    void *pages;
} filled;

/* No page is left, and no place in this core's heap. What has come back since the last time is taken again: pages of Gs
 * that ended before may be given back late. */
static void fill(void) {
    struct alarm_heap *h = &cores[0].alarms;
    void *page;
    while ((page = page_alloc()) != NULL) {
        *(void **)page = filled.pages;
        filled.pages = page;
    }
    while (h->n < h->capacity) {
        CHECK(filled.set < filled.made);
        CHECK_EQ(timer_reset(filled.timers[filled.set++], SEC(10000)), 0);
    }
}

static void empty(void) {
    while (filled.pages != NULL) {
        void *page = filled.pages;
        filled.pages = *(void **)page;
        page_free(page);
    }
    while (filled.made != 0) {
        timer_free(filled.timers[--filled.made]);
    }
}

/* A deadline that cannot be remembered: each call says so. A limit that needs no alarm is as good as ever. */
TEST(stress, limit_without_memory) {
    use_cores(1);
    begin();
    struct ctx *done = ctx_make(ctx_background());
    ctx_cancel(done);
    filled.set = filled.made = 0;
    while (filled.made < cores[0].alarms.capacity + 1024) {
        CHECK(filled.made < sizeof filled.timers / sizeof filled.timers[0]);
        struct timer *t = timer_make(SEC(10000));
        CHECK(t != NULL);
        timer_stop(t);
        filled.timers[filled.made++] = t;
    }
    int r[CALLS], over[CALLS], ended[CALLS];
    for (unsigned i = 0; i < CALLS; i++) {
        do {
            fill();
            r[i] = calls[i].call(WITHIN(MS(1)));
        } while (r[i] == -ETIMEDOUT);
        over[i] = calls[i].call(WITHIN(NOWAIT));
        ended[i] = calls[i].call(UNLESS(done));
    }
    go_sleep(US(100));                                     /* late perhaps, never lost */
    int reset = timer_reset(filled.timers[0], SEC(20000)); /* has a place already */
    empty();
    CHECK_EQ(reset, 1);
    for (unsigned i = 0; i < CALLS; i++) {
        CHECK_EQ(r[i], -ENOMEM);
        CHECK_EQ(over[i], -ETIMEDOUT);
        CHECK_EQ(ended[i], -ECANCELED);
    }
    ctx_free(done);
    end();
}
