/* tests/test_select.c - select. */
#include <errno.h>

#include "tests/test.h"
#include "tests/waiters.h"

static struct wg wg;

TEST(sched, select_without_waiting) {
    struct chan *a = CHAN(int, 1), *b = CHAN(int, 1);
    int v = 0, w = 7;
    CHECK_EQ(chan_select(NOWAIT, RECV(a, &v), RECV(b, &v)), -EAGAIN);
    CHECK_EQ(chan_select(NOWAIT, RECV(a, &v), SEND(b, &w)), 1);
    CHECK_EQ(chan_select(NOWAIT, RECV(a, &v), RECV(b, &v)), 1);
    CHECK_EQ(v, 7);
    CHECK_EQ(chan_select(NOWAIT, RECV(NULL, &v), SEND(NULL, &w)), -EAGAIN);
    chan_free(a);
    chan_free(b);
}

TEST(sched, select_times_out) {
    struct chan *a = CHAN(int, 0);
    int v;
    ns_t before = go_now();
    CHECK_EQ(chan_select(MS(1), RECV(a, &v), RECV(NULL, &v)), -ETIMEDOUT);
    CHECK(go_now() - before >= MS(1));
    CHECK_EQ(chan_select_until(NULL, 0, WITHIN(US(50))), -ETIMEDOUT);
    CHECK_EQ(chan_select_within(NULL, 0, NOWAIT), -EAGAIN);
    chan_free(a);
}

static void sends_seven(void *arg) {
    int v = 7;
    go_sleep(US(100));
    chan_send(arg, &v);
    wg_done(&wg);
}

static void closes(void *arg) {
    go_sleep(US(100));
    chan_close(arg);
    wg_done(&wg);
}

TEST(sched, select_waits) {
    struct chan *c[3] = {CHAN(int, 0), CHAN(int, 0), CHAN(int, 0)};
    for (int i = 0; i < 60; i++) {
        int v = 0;
        bool ok = false;
        wg_add(&wg, 1);
        start(sends_seven, c[i % 3]);
        CHECK_EQ(chan_select(FOREVER, RECV_OK(c[0], &v, &ok), RECV_OK(c[1], &v, &ok),
                             RECV_OK(c[2], &v, &ok)),
                 i % 3);
        CHECK_EQ(v, 7);
        CHECK(ok);
        wg_wait(&wg);
    }
    int v = 1;
    bool ok = true;
    wg_add(&wg, 1);
    start(closes, c[1]);
    CHECK_EQ(chan_select(FOREVER, RECV(c[0], &v), RECV_OK(c[1], &v, &ok), SEND(c[2], &v)), 1);
    CHECK_EQ(v, 0);
    CHECK(!ok);
    wg_wait(&wg);
    for (int i = 0; i < 3; i++) {
        chan_free(c[i]);
    }
}

static void cancels(void *arg) {
    go_sleep(US(100));
    ctx_cancel(arg);
    wg_done(&wg);
}

TEST(sched, select_is_canceled) {
    struct chan *c = CHAN(int, 0);
    struct ctx *ctx = ctx_make(ctx_background());
    int v;
    wg_add(&wg, 1);
    start(cancels, ctx);
    CHECK_EQ(chan_select_until((struct select_case[]){RECV(c, &v), SEND(c, &v)}, 2, UNLESS(ctx)),
             -ECANCELED);
    CHECK_EQ(chan_recv_until(c, &v, UNLESS(ctx)), -ECANCELED);
    wg_wait(&wg);
    ctx_free(ctx);
    chan_free(c);
}

/* A G alone with its channel can do nothing: it would have to meet itself. */
TEST(sched, select_does_not_meet_itself) {
    struct chan *c = CHAN(int, 0);
    int v = 1, w = 2;
    CHECK_EQ(chan_select(NOWAIT, SEND(c, &v), RECV(c, &w)), -EAGAIN);
    CHECK_EQ(chan_select(US(100), RECV(c, &w), SEND(c, &v), RECV(c, &w), SEND(c, &v)), -ETIMEDOUT);
    CHECK_EQ(w, 2);
    CHECK_EQ(chan_waiters(c, true) + chan_waiters(c, false), 0);
    chan_free(c);
}

static struct chan *two[2];
static _Atomic long had; /* sum of what came */

static void selects_from_two(void *arg) {
    for (long left = (long)arg; left > 0; left--) {
        long v = 0;
        CHECK(chan_select(FOREVER, RECV(two[0], &v), RECV(two[1], &v)) >= 0);
        atomic_fetch_add(&had, v);
    }
    wg_done(&wg);
}

static void send_word(struct chan *c, long v) {
    chan_send(c, &v);
}

static void sends_word(void *arg) {
    send_word(arg, 7);
    wg_done(&wg);
}

static void start_selects(long each, unsigned n) {
    two[0] = CHAN(long, 0);
    two[1] = CHAN(long, 0);
    had = 0;
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(selects_from_two, (void *)each);
    }
    WAIT_FOR(chan_waiters(two[0], false) == n && chan_waiters(two[1], false) == n);
}

static void end_selects(long sum) {
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&had), sum);
    chan_free(two[0]);
    chan_free(two[1]);
}

/* One goes on by one channel, and leaves the list of the other; who waits there still is found. */
TEST(sched, select_leaves_others_waiting) {
    start_selects(1, 2);
    send_word(two[1], 10);
    WAIT_FOR(atomic_load(&had) == 10);
    CHECK_EQ(chan_waiters(two[0], false), 1);
    send_word(two[0], 7);
    end_selects(17);
}

/* A sender finds nobody but one that goes on by the other channel, and has not left yet: it waits, and is found by the
 * next select, or by a receiver. */
TEST(sched, select_has_not_left_yet) {
    for (unsigned i = 0; i < test_rounds(50); i++) {
        start_selects(2, 1);
        send_word(two[1], 10);
        send_word(two[0], 7);
        end_selects(17);
        start_selects(1, 1);
        wg_add(&wg, 1);
        send_word(two[1], 10);
        start(sends_word, two[0]);
        long v = 0;
        CHECK_EQ(chan_recv(two[0], &v), 0);
        CHECK_EQ(v, 7);
        end_selects(10);
    }
}

/* ---- all ways at once ----------------------------------------------------------------------------------- */

static struct chan *three[3];
static atomic_uint came, ended;

/* By select, for ever or not for long, by one channel with a limit, or plainly; until they are closed. */
static void receives_somehow(void *arg) {
    unsigned how = (unsigned)(uintptr_t)arg, one = how % 3;
    for (bool open = true; open;) {
        long v;
        int r = 0;
        switch (how % 4) {
        case 0:
            r = chan_select(FOREVER, RECV_OK(three[0], &v, &open), RECV_OK(three[1], &v, &open),
                            RECV_OK(three[2], &v, &open));
            break;
        case 1:
            r = chan_select(US(20), RECV_OK(three[2], &v, &open), RECV_OK(three[one], &v, &open));
            break;
        case 2:
            r = chan_recv_until(three[one], &v, WITHIN(US(10)));
            break;
        default:
            r = chan_recv(three[one], &v);
        }
        open = open && r != -EPIPE;
        came += open && r >= 0;
    }
    ended++;
}

static void sends_to_each(void *arg) {
    for (unsigned i = 0, n = test_rounds(400); i < n; i++) {
        send_word(three[(i + (uintptr_t)arg) % 3], i);
    }
    wg_done(&wg);
}

/* Each value comes once. With SAN=race: and what they hand each other through the channels' locks is seen to be handed. */
TEST(sched, select_beside_all_others) {
    enum { SENDERS = 6, RECEIVERS = 12 };
    came = ended = 0;
    for (unsigned i = 0; i < 3; i++) {
        three[i] = CHAN(long, i / 2 * 2);
    }
    wg_add(&wg, SENDERS);
    for (uintptr_t i = 0; i < RECEIVERS; i++) {
        start(receives_somehow, (void *)i);
    }
    for (uintptr_t i = 0; i < SENDERS; i++) {
        start(sends_to_each, (void *)i);
    }
    wg_wait(&wg);
    for (unsigned i = 0; i < 3; i++) {
        chan_close(three[i]);
    }
    WAIT_FOR(ended == RECEIVERS);
    CHECK_EQ(came, SENDERS * test_rounds(400));
    for (unsigned i = 0; i < 3; i++) {
        chan_free(three[i]);
    }
}
