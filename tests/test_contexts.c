/*
 * tests/test_contexts.c - every call that may block says so, with its name, where nothing may: in an interrupt handler
 * and with preemption off; and every call that is not for handlers says that there.
 *
 * All of them in one boot: the panic is caught before it is one. The linker gives the runtime's calls of
 * must_not_block() and check_g() to the functions below (app.mk, APP_WRAP), which note the name and jump back. That
 * the real ones end the machine is shown by death tests. tests/host/contexts.py sees that no public function is missing
 * here.
 */
#include <setjmp.h>
#include <string.h>

#include "tests/raise.h"
#include "tests/test.h"

static struct {
    jmp_buf back;
    volatile bool on;
    const char *volatile said;
} caught;

_Noreturn void __real_must_not_block(const char *what);
_Noreturn void __wrap_must_not_block(const char *what);
void __real_check_g(const char *what);
void __wrap_check_g(const char *what);

_Noreturn void __wrap_must_not_block(const char *what) {
    if (caught.on) {
        caught.said = what;
        longjmp(caught.back, 1);
    }
    __real_must_not_block(what);
}

void __wrap_check_g(const char *what) {
    if (caught.on && hal_on_core_stack()) {
        caught.said = what;
        longjmp(caught.back, 1);
    }
    __real_check_g(what);
}

/* What the calls are made with; nothing of it may change. */
static struct objects {
    struct mutex mutex;
    struct rwmutex rw;
    struct cond cond;
    struct wg wg;
    struct sema sema;
    struct event event;
    struct flags flags;
} o;

static struct {
    struct chan *chan;
    struct timer *timer;
    struct ticker *ticker;
    struct ctx *ctx;
    struct ctx_hook *hook;
    struct join join;
    struct wg wg;
    struct once once;
    struct once_value value;
    struct barrier barrier;
    struct group group, limited;
    struct flight flight;
} made;

static int v;

/* Results are kept for the test: a CHECK in a handler would end what it interrupted. */
static struct {
    unsigned calls;
    const char *volatile wanted;
    const char *let_through, *other, *instead;
} seen;

static void nothing(void *arg) {
    (void)arg;
}

static void *no_result(void *arg) {
    return arg;
}

static int no_error(struct group *g, void *arg) {
    (void)g;
    (void)arg;
    return 0;
}

static int no_value(void *arg, void **value) {
    *value = arg;
    return 0;
}

/* One call: the name that it is to say, and itself. */
#define CALL(says, ...)                                                                            \
    if (i == n++) {                                                                                \
        seen.wanted = (says);                                                                      \
        __VA_ARGS__;                                                                               \
        return true;                                                                               \
    }

/* The i-th of the calls that may block; false: there are no more. True: it was let through. */
static bool call_blocking(unsigned i) {
    struct limit l = WITHIN(NOWAIT);
    unsigned n = 0;
    CALL("mutex_lock", mutex_lock(&o.mutex))
    CALL("mutex_lock", mutex_lock_until(&o.mutex, l))
    CALL("mutex_trylock", mutex_trylock(&o.mutex))
    CALL("mutex_unlock", mutex_unlock(&o.mutex))
    CALL("rwmutex_rlock", rwmutex_rlock(&o.rw))
    CALL("rwmutex_rlock", rwmutex_rlock_until(&o.rw, l))
    CALL("rwmutex_tryrlock", rwmutex_tryrlock(&o.rw))
    CALL("rwmutex_runlock", rwmutex_runlock(&o.rw))
    CALL("rwmutex_lock", rwmutex_lock(&o.rw))
    CALL("rwmutex_lock", rwmutex_lock_until(&o.rw, l))
    CALL("rwmutex_trylock", rwmutex_trylock(&o.rw))
    CALL("rwmutex_unlock", rwmutex_unlock(&o.rw))
    CALL("cond_wait", cond_wait(&o.cond, &o.mutex))
    CALL("cond_wait", cond_wait_until(&o.cond, &o.mutex, l))
    CALL("wg_wait", wg_wait(&o.wg))
    CALL("wg_wait", wg_wait_until(&o.wg, l))
    CALL("sema_wait", sema_wait(&o.sema))
    CALL("sema_wait", sema_wait_until(&o.sema, l))
    CALL("sema_wait", sema_wait_n(&o.sema, 0))
    CALL("sema_wait", sema_wait_n_until(&o.sema, 0, l))
    CALL("event_wait", event_wait(&o.event))
    CALL("event_wait", event_wait_until(&o.event, l))
    CALL("flags_wait", flags_wait(&o.flags, 0, FLAGS_ALL))
    CALL("flags_wait", flags_wait_until(&o.flags, 0, FLAGS_ALL, NULL, l))
    CALL("chan_send", chan_send(made.chan, &v))
    CALL("chan_send", chan_send_until(made.chan, &v, l))
    CALL("chan_recv", chan_recv(made.chan, &v))
    CALL("chan_recv", chan_recv_until(made.chan, &v, l))
    CALL("chan_select", chan_select(NOWAIT, RECV(made.chan, &v)))
    CALL("chan_select", chan_select_within(NULL, 0, NOWAIT))
    CALL("chan_select", chan_select_until(NULL, 0, l))
    CALL("go_sleep", go_sleep(1))
    CALL("go_sleep", go_sleep_until(FOREVER))
    CALL("go_sleep_unless", go_sleep_unless(1, made.ctx))
    CALL("timer_make", timer_make(1))
    CALL("timer_make", timer_after_func(1, nothing, NULL))
    CALL("timer_make", timer_after(1))
    CALL("timer_stop", timer_stop(made.timer))
    CALL("timer_reset", timer_reset(made.timer, 1))
    CALL("timer_free", timer_free(made.timer))
    CALL("timer_make", ticker_make(1))
    CALL("timer_stop", ticker_stop(made.ticker))
    CALL("ticker_reset", ticker_reset(made.ticker, 1))
    CALL("timer_free", ticker_free(made.ticker))
    CALL("ctx_make", ctx_make(ctx_background()))
    CALL("ctx_make", ctx_with_deadline(ctx_background(), FOREVER))
    CALL("ctx_make", ctx_with_timeout(ctx_background(), SEC(1)))
    CALL("ctx_cancel", ctx_cancel(made.ctx))
    CALL("ctx_cancel", ctx_cancel_cause(made.ctx, 1))
    CALL("ctx_cancel", ctx_free(made.ctx))
    CALL("ctx_done", ctx_done(made.ctx))
    CALL("ctx_after_func", ctx_after_func(made.ctx, nothing, NULL))
    CALL("ctx_hook_stop", ctx_hook_stop(made.hook))
    CALL("go_join", go_join(&made.join, NULL))
    CALL("go_join", go_join_until(&made.join, NULL, l))
    /* What is made of the others says which of them it is. */
    void *p;
    bool b;
    CALL("mutex_lock", once_do(&made.once, nothing, NULL))
    CALL("mutex_lock", once_do_until(&made.once, nothing, NULL, l))
    CALL("mutex_lock", once_value(&made.value))
    CALL("mutex_lock", once_value_until(&made.value, &p, l))
    CALL("mutex_lock", barrier_wait(&made.barrier))
    CALL("mutex_lock", barrier_wait_until(&made.barrier, l))
    CALL("mutex_lock", barrier_reset(&made.barrier))
    CALL("ctx_make", group_init(&made.group, ctx_background()))
    CALL("sema_wait", group_go(&made.limited, no_error, NULL))
    CALL("sema_wait", group_go_until(&made.limited, no_error, NULL, l))
    CALL("wg_wait", group_wait(&made.limited))
    CALL("wg_wait", group_wait_until(&made.limited, NULL, l))
    CALL("ctx_make", nursery_run(ctx_background(), no_error, NULL))
    CALL("mutex_lock", flight_do(&made.flight, "key", no_value, NULL, &p, &b))
    CALL("mutex_lock", flight_do_until(&made.flight, "key", no_value, NULL, &p, &b, l))
    CALL("mutex_lock", flight_forget(&made.flight, "key"))
    CALL("go_exit", go_exit())
    CALL("go_set_cores", go_set_cores(1))
    CALL("irq_detach", irq_detach(1))
    return false;
}

/* The same of those that do not block, and are for Gs alone. */
static bool call_g_only(unsigned i) {
    go_key_t key = {0};
    unsigned n = 0;
    CALL("go", go(nothing, NULL))
    CALL("go", go_with(&GO_OPTS(0), nothing, NULL))
    CALL("go", go_joinable(&made.join, &GO_OPTS(0), no_result, NULL))
    CALL("go", wg_go(&made.wg, nothing, NULL))
    CALL("chan_make", chan_make(4, 1))
    CALL("chan_close", chan_close(made.chan))
    CALL("chan_free", chan_free(made.chan))
    CALL("cond_signal", cond_signal(&o.cond))
    CALL("cond_broadcast", cond_broadcast(&o.cond))
    CALL("go_key_make", go_key_make(&key, NULL))
    CALL("go_key_free", go_key_free(key))
    CALL("go_key_get", go_key_get(key))
    CALL("go_key_set", go_key_set(key, NULL))
    return false;
}

/* Makes the i-th call, in whatever context this is. False: there is none. */
static bool try_call(bool (*call)(unsigned i), unsigned i) {
    caught.said = NULL;
    caught.on = true;
    if (setjmp(caught.back) != 0) {
        if (strcmp(caught.said, seen.wanted) != 0) {
            seen.other = seen.wanted;
            seen.instead = caught.said;
        }
    } else if (call(i)) {
        seen.let_through = seen.wanted;
    } else {
        caught.on = false;
        return false;
    }
    caught.on = false;
    seen.calls++;
    return true;
}

static void try_all(bool (*call)(unsigned i)) {
    for (unsigned i = 0; try_call(call, i); i++) {
    }
}

static void prepare(void) {
    seen.calls = 0;
    seen.let_through = seen.other = seen.instead = NULL;
    made.value = (struct once_value)ONCE_VALUE(no_result, NULL);
    made.barrier = (struct barrier)BARRIER(2);
    group_limit(&made.limited, 1);
    made.chan = chan_make(sizeof(int), 1);
    made.timer = timer_make(FOREVER / 2);
    made.ticker = ticker_make(FOREVER / 2);
    made.ctx = ctx_make(ctx_background());
    made.hook = ctx_after_func(made.ctx, nothing, NULL);
}

/* All said what they had to, and none did anything before. */
static void look_back(unsigned at_least) {
    static const struct objects untouched;
    if (seen.let_through != NULL) {
        FAIL("%s went on", seen.let_through);
    }
    if (seen.other != NULL) {
        FAIL("%s said that it was %s", seen.other, seen.instead);
    }
    CHECK(seen.calls >= at_least);
    CHECK(memcmp(&o, &untouched, sizeof o) == 0);
    CHECK_EQ(chan_len(made.chan), 0);
    CHECK_EQ(ctx_err(made.ctx), 0);
    CHECK(ctx_hook_stop(made.hook));
    ctx_free(made.ctx);
    CHECK(timer_stop(made.timer));
    timer_free(made.timer);
    ticker_free(made.ticker);
    chan_free(made.chan);
}

TEST(sched, no_call_blocks_with_preemption_off) {
    prepare();
    go_preempt_off();
    try_all(call_blocking);
    go_preempt_on();
    look_back(71);
}

static struct sema came;

static void handler(void *arg) {
    (void)arg;
    if (!clear_pending(RAISED_LINE)) {
        return;
    }
    try_all(call_blocking);
    try_all(call_g_only);
    sema_post(&came);
}

TEST(sched, no_call_blocks_in_a_handler) {
    NEED_RAISE();
    prepare();
    CHECK_EQ(irq_attach(RAISED_LINE, handler, NULL), 0);
    set_pending(RAISED_LINE);
    sema_wait(&came);
    CHECK_EQ(irq_detach(RAISED_LINE), 0);
    look_back(81);
}

/* ---- and what is for any context is let through --------------------------------------------------------------------- */

static void calls_any_context(void) {
    static struct sema sema;
    static struct event event;
    static struct flags flags;
    static struct wg wg;
    static int in;
    int out;
    sema_post(&sema);
    sema_post_n(&sema, 2);
    seen.calls += sema_try(&sema, 3) == 0;
    event_set(&event);
    seen.calls += event_is_set(&event);
    flags_set(&flags, 6);
    seen.calls += flags_clear(&flags, 2) == 6 && flags_get(&flags) == 4;
    wg_add(&wg, 2);
    wg_add(&wg, -1);
    wg_done(&wg);
    seen.calls += chan_try_send(made.chan, &in) == 0 && chan_len(made.chan) == 1 &&
                  chan_cap(made.chan) == 1 && chan_try_recv(made.chan, &out) == 0;
    seen.calls += go_now() > 0 && ctx_err(made.ctx) == 0 && ctx_cause(made.ctx) == 0 &&
                  ctx_deadline(made.ctx) == FOREVER && limit_within(1).when > 0;
}

static void handler_of_any(void *arg) {
    (void)arg;
    if (!clear_pending(RAISED_LINE)) {
        return;
    }
    calls_any_context();
    sema_post(&came);
}

TEST(sched, calls_for_any_context) {
    prepare();
    go_preempt_off();
    calls_any_context();
    go_preempt_on();
    CHECK_EQ(seen.calls, 5);
    if (can_raise()) {
        seen.calls = 0;
        CHECK_EQ(irq_attach(RAISED_LINE, handler_of_any, NULL), 0);
        set_pending(RAISED_LINE);
        sema_wait(&came);
        CHECK_EQ(irq_detach(RAISED_LINE), 0);
        CHECK_EQ(seen.calls, 5);
    }
    look_back(5);
}

TEST(death, yields_with_preemption_off) {
    expect_status(2);
    expect_text("panic: go_yield: would block with preemption off");
    go_preempt_off();
    go_yield();
}
