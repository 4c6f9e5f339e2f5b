/*
 * tests/model/select_model.c - channels, select, limits and contexts: who ends a shared wait.
 * sources: sched/chan.c sched/select.c sched/ctx.c
 * machine: port
 *
 * A wait that several may end - partners on several channels, a deadline, a context - is ended by exactly one of them:
 * no value is lost or doubled, nobody waits for ever, and a deadline left over from one wait does not end the next.
 */
#include <bareloom/ctx.h>
#include <bareloom/defer.h>
#include <bareloom/select.h>

#include "hal/errno.h"
#include "sched/chan.h"
#include "sched/timer.h"
#include "tests/model/port.h"

static struct chan *a, *b;
static struct ctx *ctx;
static uint64_t sent;     /* sums of values; by one G alone */
static uint64_t received; /* by the selecting G alone */
static unsigned timed_out, canceled;

/* ---- what Gs do ------------------------------------------------------------------------------------ */

static void came(int r, uint64_t value, struct limit l) {
    if (r >= 0) {
        MODEL_CHECK(value != 0);
        received += value;
    } else if (r == -ETIMEDOUT) {
        MODEL_CHECK(port_clock() >= l.when);
        timed_out++;
    } else {
        MODEL_CHECK(r == -ECANCELED);
        canceled++;
    }
}

static void selects_until(struct limit l) {
    uint64_t from_a = 0, from_b = 0;
    const struct select_case cases[] = {RECV(a, &from_a), RECV(b, &from_b)};
    int r = chan_select_until(cases, 2, l);
    MODEL_CHECK((from_a != 0) == (r == 0) && (from_b != 0) == (r == 1));
    came(r, from_a + from_b, l);
}

static void selects(void *arg) {
    (void)arg;
    selects_until(AT(FOREVER));
}

static void selects_twice(void *arg) {
    selects(arg);
    selects(arg);
}

static void selects_within(void *arg) {
    (void)arg;
    selects_until(AT(MS(1)));
}

static void receives_until(struct limit l) {
    uint64_t v = 0;
    int r = chan_recv_until(a, &v, l);
    came(r, v, l);
}

/* The first wait's deadline must not end the second. */
static void receives_twice_within(void *arg) {
    (void)arg;
    receives_until(AT(MS(1)));
    receives_until(AT(MS(50)));
}

static void receives_unless(void *arg) {
    (void)arg;
    receives_until((struct limit){.when = MS(1), .ctx = ctx});
}

static void sends(void *arg) {
    uint64_t v = arg == a ? 1 : 2;
    chan_send(arg, &v);
}

static void sends_b_then_a(void *arg) {
    (void)arg;
    sends(b);
    sends(a);
}

static void tries_to_send(void *arg) {
    uint64_t v = 1;
    if (chan_try_send(arg, &v) == 0) {
        sent += v;
    }
}

static void sends_in_the_end(void *arg) {
    uint64_t v = 1;
    if (chan_try_send(arg, &v) != 0) {
        chan_send(arg, &v);
    }
}

static void tries_to_send_twice(void *arg) {
    tries_to_send(arg);
    tries_to_send(arg);
}

/* The second one is over at once: it writes where the first one was. */
static void selects_nothing_twice(void *arg) {
    (void)arg;
    for (int i = 0; i < 2; i++) {
        MODEL_CHECK(chan_select_until(NULL, 0, UNLESS(ctx)) == -ECANCELED);
    }
}

static void cancels(void *arg) {
    (void)arg;
    ctx_cancel(ctx);
}

static void swaps(void *arg) {
    uint64_t in = 0, out = 1;
    struct chan *first = arg, *second = arg == a ? b : a;
    const struct select_case cases[] = {RECV(first, &in), SEND(second, &out)};
    int r = chan_select_until(cases, 2, AT(FOREVER));
    MODEL_CHECK((in != 0) == (r == 0));
    if (in != 0) {
        received += in; /* one of the two */
    }
}

/* ---- what ctx.c could call, and does not here: no context has a deadline of its own, or a hook -------- */

int go(go_fn *fn, void *arg) {
    (void)fn, (void)arg;
    model_fail("a G is started");
    return 0;
}

struct timer *timer_after_func(ns_t d, go_fn *fn, void *arg) {
    (void)d, (void)fn, (void)arg;
    model_fail("a timer is made");
    return NULL;
}

bool timer_stop(struct timer *t) {
    (void)t;
    return false;
}

void timer_free(struct timer *t) {
    (void)t;
}

void timer_free_chan(struct timer *t) {
    (void)t;
}

/* ---- and select.c, with more cases than are here ------------------------------------------------------ */

void go_defer(struct cleanup *c, void (*fn)(void *), void *arg) {
    (void)c, (void)fn, (void)arg;
    model_fail("a select of many cases");
}

void go_undefer(struct cleanup *c, bool run) {
    (void)c, (void)run;
}

/* ---- scenarios ------------------------------------------------------------------------------------- */

static void begin_with(unsigned n, size_t capacity) {
    sent = received = 0;
    timed_out = canceled = 0;
    port_begin(n);
    a = chan_make(sizeof(uint64_t), capacity);
    b = chan_make(sizeof(uint64_t), capacity);
    model_watch(&a->lock);
    model_watch(&b->lock);
}

static void begin(unsigned n) {
    begin_with(n, 0);
}

static void watch_wait_of(struct g *g) {
    model_watch(&g->wait);
}

static void two_senders(void) {
    begin(3);
    watch_wait_of(port_pinned_g(0, selects_twice, NULL));
    port_pinned_g(1, sends, a);
    port_pinned_g(2, sends, b);
}

/* Whose try takes the select off the list, in vain, and who then waits there alone while the select still goes. */
static void sender_alone(void) {
    begin(3);
    watch_wait_of(port_pinned_g(0, selects_twice, NULL));
    port_pinned_g(1, sends, b);
    port_pinned_g(2, sends_in_the_end, a);
}

static void check_lists(void) {
    port_check_rest();
    MODEL_CHECK(a->receivers.head == NULL && a->senders.head == NULL);
    MODEL_CHECK(b->receivers.head == NULL && b->senders.head == NULL);
}

static void check_two(void) {
    check_lists();
    MODEL_CHECK(received == 3);
}

/* Its partner's core takes it over while its own still opens the locks. */
static void select_moves(void) {
    begin(2);
    watch_wait_of(port_g(0, selects_twice, NULL));
    port_pinned_g(1, sends_b_then_a, NULL);
}

static void sender_and_deadline(void) {
    begin(2);
    port_early_timers(1);
    watch_wait_of(port_pinned_g(0, selects_within, NULL));
    port_pinned_g(1, tries_to_send, b);
}

static void old_deadline(void) {
    begin(2);
    port_early_timers(1);
    watch_wait_of(port_pinned_g(0, receives_twice_within, NULL));
    port_pinned_g(1, tries_to_send_twice, a);
}

static void check_sent(void) {
    check_lists();
    MODEL_CHECK(received == sent);
}

/* Woken by the sender it goes on there, and waits again while its first core's handler has the first deadline in its
 * hands. */
static void old_deadline_moves(void) {
    begin(2);
    port_early_timers(1);
    watch_wait_of(port_g(0, receives_twice_within, NULL));
    port_pinned_g(1, tries_to_send, a);
}

static void canceled_and_sent(void) {
    begin(3);
    port_early_timers(1);
    ctx = ctx_make(ctx_background());
    struct g *g = port_pinned_g(0, receives_unless, NULL);
    watch_wait_of(g);
    model_watch(&g->status); /* so that a cancel may come just before it waits */
    port_pinned_g(1, tries_to_send, a);
    port_pinned_g(2, cancels, NULL);
}

static void check_canceled(void) {
    check_sent();
    MODEL_CHECK(sent + timed_out + canceled == 1);
}

static void nothing_canceled(void) {
    begin(2);
    ctx = ctx_make(ctx_background());
    watch_wait_of(port_g(0, selects_nothing_twice, NULL));
    port_pinned_g(1, cancels, NULL);
}

static void two_selects(void) {
    begin(2);
    watch_wait_of(port_pinned_g(0, swaps, a));
    watch_wait_of(port_pinned_g(1, swaps, b));
}

static void check_one(void) {
    check_lists();
    MODEL_CHECK(received == 1);
}

/* The first values go through the buffer, until somebody waits; who waits must be seen there. */
static void sends_twice(void *arg) {
    sends(arg);
    sends(arg);
}

static void receives_twice(void *arg) {
    for (int i = 0; i < 2; i++) {
        uint64_t v = 0;
        MODEL_CHECK(chan_recv(arg, &v) == 0);
        received += v;
    }
}

static void buffer_of_one(void) {
    begin_with(2, 1);
    port_pinned_g(0, sends_twice, a);
    port_pinned_g(1, receives_twice, a);
}

static void buffer_and_select(void) {
    begin_with(3, 1);
    watch_wait_of(port_pinned_g(0, selects_twice, NULL));
    port_pinned_g(1, sends, a);
    port_pinned_g(2, sends, a);
}

/* At each moment since its send one of the two has a value. */
static void sends_and_polls(void *arg) {
    uint64_t from_a = 0, from_b = 0;
    sends(arg);
    const struct select_case cases[] = {RECV(a, &from_a), RECV(b, &from_b)};
    MODEL_CHECK(chan_select_within(cases, 2, NOWAIT) >= 0);
}

static void sends_b_and_takes_a(void *arg) {
    uint64_t v;
    sends(b);
    chan_try_recv(arg, &v);
}

static void polls_two(void) {
    begin_with(2, 1);
    model_watch(&a->open);
    model_watch(&b->open);
    port_pinned_g(0, sends_and_polls, a);
    port_pinned_g(1, sends_b_and_takes_a, a);
}

static void check_buffer(void) {
    check_lists();
    MODEL_CHECK(received == 2 && chan_len(a) == 0);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"a select, two senders", two_senders, check_two, 1, 0},
        {"a select, a sender, one that tries and then sends", sender_alone, check_two, 1, 0},
        {"a select, a sender, a deadline", sender_and_deadline, check_sent, 2, 1},
        {"a select that moves", select_moves, check_two, 2, 1},
        {"two receives, each with a deadline", old_deadline, check_sent, 2, 1},
        {"two receives that move", old_deadline_moves, check_sent, 2, 0},
        {"a receive, a sender, a deadline, a cancel", canceled_and_sent, check_canceled, 1, 0},
        {"a buffer of one, full and empty", buffer_of_one, check_buffer, 3, 1},
        {"a buffer of one, a select, two senders", buffer_and_select, check_buffer, 1, 0},
        {"a select that does not wait, and always could", polls_two, check_lists, 3, 1},
        {"a select of nothing, canceled", nothing_canceled, port_check_rest, 2, 1},
        {"two selects meet", two_selects, check_one, 2, 1},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
