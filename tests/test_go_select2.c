/* tests/test_go_select2.c - Go's tests of select in test/chan and test/fixedbugs, under Go's names (docs/GO.md). */
#include <errno.h>
#include <string.h>

#include "tests/test.h"
#include "tests/waiters.h"

static struct wg wg;

/* ---- test/chan/doubleselect.go --------------------------------------------------------------------------- */

#define DOUBLES 1000000u

static struct {
    struct chan *c[4], *mixed;
    unsigned n;
    _Atomic unsigned muxes;
    uint32_t seen[DOUBLES / 32];
} dbl;

static void sends_to_any(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < dbl.n; i++) {
        CHECK(chan_select(FOREVER, SEND(dbl.c[0], &i), SEND(dbl.c[1], &i), SEND(dbl.c[2], &i),
                          SEND(dbl.c[3], &i)) >= 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        chan_close(dbl.c[i]);
    }
    wg_done(&wg);
}

static void passes_on(void *arg) {
    unsigned v;
    while (chan_recv(arg, &v) == 0) {
        CHECK_EQ(chan_send(dbl.mixed, &v), 0);
    }
    if (atomic_fetch_sub(&dbl.muxes, 1) == 1) {
        chan_close(dbl.mixed);
    }
    wg_done(&wg);
}

/* One select never sends twice, although several of its cases can go on at the same time. */
TEST(stress, doubleselect) {
    unsigned n = test_rounds(8000), v, count = 0;
    dbl.n = n < DOUBLES ? n : DOUBLES;
    memset(dbl.seen, 0, sizeof dbl.seen);
    dbl.mixed = CHAN(unsigned, 0);
    dbl.muxes = 4;
    wg_add(&wg, 5);
    for (unsigned i = 0; i < 4; i++) {
        dbl.c[i] = CHAN(unsigned, 0);
        start(passes_on, dbl.c[i]);
    }
    start(sends_to_any, NULL);
    while (chan_recv(dbl.mixed, &v) == 0) {
        CHECK(v < dbl.n);
        CHECK((dbl.seen[v / 32] >> v % 32 & 1) == 0);
        dbl.seen[v / 32] |= 1u << v % 32;
        count++;
    }
    CHECK_EQ(count, dbl.n);
    wg_wait(&wg);
    for (unsigned i = 0; i < 4; i++) {
        chan_free(dbl.c[i]);
    }
    chan_free(dbl.mixed);
}

/* ---- test/chan/select.go, test/fixedbugs/issue4313.go ------------------------------------------------------ */

static struct { unsigned value, values, chans; } calls;

static const unsigned *next_value(void) {
    calls.values++;
    calls.value = 1u << calls.values;
    return &calls.value;
}

static struct chan *this_chan(struct chan *c) {
    calls.chans++;
    return c;
}

/* Sends what next_value() says on each of both, until neither can. */
static unsigned sends_on_both(struct chan *a, struct chan *b) {
    unsigned i = 0;
    for (;;) {
        int k =
            chan_select(NOWAIT, SEND(this_chan(a), next_value()), SEND(this_chan(b), next_value()));
        if (k < 0) {
            return i;
        }
        i++;
        if (k == 0) {
            a = NULL;
        } else {
            b = NULL;
        }
    }
}

/* Operands are evaluated once for each select, whether their case goes on or not (but in C in no prescribed order);
 * a channel that becomes NULL is out. */
TEST(sched, select) {
    struct chan *a = CHAN(unsigned, 1), *b = CHAN(unsigned, 1);
    unsigned v;
    memset(&calls, 0, sizeof calls);
    CHECK_EQ(sends_on_both(a, b), 2);
    CHECK_EQ(calls.values, 6);
    CHECK_EQ(calls.chans, 6);
    CHECK_EQ(chan_recv(a, &v), 0);
    CHECK_EQ(sends_on_both(a, NULL), 1);
    CHECK_EQ(calls.values, 10);
    CHECK_EQ(sends_on_both(a, NULL), 0);
    CHECK_EQ(calls.values, 12);
    CHECK_EQ(sends_on_both(NULL, NULL), 0);
    CHECK_EQ(calls.chans, 14);
    chan_free(a);
    chan_free(b);
}

TEST(sched, issue4313) {
    struct chan *c = CHAN(unsigned, 1);
    unsigned v[2] = {7, 7}, at = 0;
    CHECK_EQ(chan_select(NOWAIT, SEND(c, next_value())), 0);
    unsigned sent = calls.value;
    CHECK_EQ(chan_select(FOREVER, RECV(c, &v[at++])), 0);
    CHECK_EQ(at, 1); /* sizeof in the macro evaluates nothing */
    CHECK_EQ(v[0], sent);
    CHECK_EQ(v[1], 7);
    chan_free(c);
}

/* ---- test/chan/select2.go, test/fixedbugs/issue9110.go --------------------------------------------------------- */

static struct {
    struct chan *c, *never[12];
    unsigned n;
    bool heap; /* so many cases that they do not fit on the stack */
} leak;

static int selects_c(bool send, unsigned *v) {
    if (!leak.heap) {
        return chan_select(FOREVER, send ? SEND(leak.c, v) : RECV(leak.c, v), RECV(leak.never[0], NULL));
    }
    struct select_case cases[13];
    cases[0] = send ? SEND(leak.c, v) : RECV(leak.c, v);
    for (unsigned i = 0; i < 12; i++) {
        cases[i + 1] = i % 2 == 0 ? RECV(leak.never[i], NULL) : SEND(leak.never[i], v);
    }
    return chan_select_within(cases, 13, FOREVER);
}

static void selects_sends(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < leak.n; i++) {
        CHECK_EQ(selects_c(true, &i), 0);
    }
    wg_done(&wg);
}

static void selects_receives(void *arg) {
    (void)arg;
    for (unsigned i = 0, v; i < leak.n; i++) {
        CHECK_EQ(selects_c(false, &v), 0);
        CHECK_EQ(v, i);
    }
    wg_done(&wg);
}

static size_t free_pages_after(unsigned n) {
    size_t all, free;
    leak.n = n;
    wg_add(&wg, 2);
    start(selects_receives, NULL);
    start(selects_sends, NULL);
    wg_wait(&wg);
    info_memory(&all, &free);
    return free;
}

/* What the cores' own stocks of pages, stacks and frames may have grown by meanwhile: four magazines of stack pages go
 * up and down by 16 pages each. */
#define STOCKS 128

/* n selects take no more memory than one: a waiter left behind by each would be n / 64 pages, over 190 when short. */
static void check_leak(bool heap, unsigned n) {
    leak.heap = heap;
    leak.c = CHAN(unsigned, 0);
    for (unsigned i = 0; i < 12; i++) {
        leak.never[i] = CHAN(unsigned, 0);
    }
    size_t before = free_pages_after(50), after = free_pages_after(n);
    CHECK(after + STOCKS >= before);
    for (unsigned i = 0; i < 12; i++) {
        CHECK_EQ(chan_waiters(leak.never[i], i % 2 == 1), 0);
        chan_free(leak.never[i]);
    }
    chan_free(leak.c);
}

TEST(stress, select2) {
    check_leak(false, test_rounds(100000));
}

TEST(stress, issue9110) {
    check_leak(true, test_rounds(16000));
}

/* ---- test/chan/select4.go ---------------------------------------------------------------------------------------- */

/* The place of a case that does not go on is not written to (Go does not even evaluate it). */
TEST(sched, select4) {
    struct chan *c = CHAN(int, 1), *c1 = CHAN(int, 0);
    int v = 42, place = 0, other = 13;
    bool ok = false, other_ok = true;
    CHECK_EQ(chan_send(c, &v), 0);
    CHECK_EQ(chan_select(FOREVER, RECV_OK(c1, &other, &other_ok), RECV_OK(c, &place, &ok)), 1);
    CHECK_EQ(place, 42);
    CHECK(ok);
    CHECK_EQ(other, 13);
    CHECK(other_ok);
    chan_free(c);
    chan_free(c1);
}

/* ---- test/chan/select6.go ------------------------------------------------------------------------------------------ */

static struct chan *c1, *c2, *c3, *c4;

static void receives_c1(void *arg) {
    (void)arg;
    CHECK_EQ(chan_recv(c1, NULL), 0);
    wg_done(&wg);
}

static void sends_c1(void *arg) {
    (void)arg;
    CHECK_EQ(chan_send(c1, NULL), 0);
    wg_done(&wg);
}

static void gets_c2_instead(void *arg) {
    bool send = arg != NULL;
    CHECK_EQ(chan_select(FOREVER, send ? SEND(c1, NULL) : RECV(c1, NULL), RECV(c2, NULL)), 1);
    CHECK_EQ(chan_send(c3, NULL), 0);
    CHECK_EQ(send ? chan_send(c1, NULL) : chan_recv(c1, NULL), 0);
    wg_done(&wg);
}

/* A case that was not chosen leaves the middle, the beginning or the end of its queue, and the others stay there. */
static void check_leaving(unsigned before, unsigned after, bool send) {
    go_fn *plain = send ? sends_c1 : receives_c1;
    unsigned n = before + after + 1;
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(i == before ? gets_c2_instead : plain, send ? &wg : NULL);
        WAIT_FOR(chan_waiters(c1, send) == i + 1);
    }
    CHECK_EQ(chan_send(c2, NULL), 0);
    CHECK_EQ(chan_recv(c3, NULL), 0);
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(send ? chan_recv(c1, NULL) : chan_send(c1, NULL), 0);
    }
    wg_wait(&wg);
}

TEST(sched, select6) {
    c1 = chan_make(0, 0);
    c2 = chan_make(0, 0);
    c3 = chan_make(0, 0);
    for (unsigned before = 0; before < 3; before++) {
        for (unsigned after = 0; after < 3; after++) {
            check_leaving(before, after, false);
            check_leaving(before, after, true);
        }
    }
    chan_free(c1);
    chan_free(c2);
    chan_free(c3);
}

/* ---- test/chan/select7.go, bug067, bug069, bug147 -------------------------------------------------------------------- */

static void drops_one(void *arg) {
    CHECK_EQ(chan_recv(arg, NULL), 0);
    wg_done(&wg);
}

static void selects_and_drops_one(void *arg) {
    CHECK_EQ(chan_select(FOREVER, RECV(arg, NULL)), 0);
    wg_done(&wg);
}

static void selects_of_two_and_drops_one(void *arg) {
    CHECK_EQ(chan_select(FOREVER, RECV(c4, NULL), RECV(arg, NULL)), 1);
    wg_done(&wg);
}

static void sends_by(int way, struct chan *c) {
    int v = 1, r = 0;
    switch (way) {
    case 0:
        r = chan_send(c, &v);
        break;
    case 1:
        r = chan_select(FOREVER, SEND(c, &v));
        break;
    case 2:
        r = chan_select(FOREVER, SEND(c, &v), SEND(NULL, &v));
        break;
    default: /* again and again, letting others run: bug067, bug069 */
        while (chan_select(NOWAIT, SEND(c, &v), RECV(c4, NULL)) == -EAGAIN) {
            go_yield();
        }
        break;
    }
    CHECK_EQ(r, 0);
}

/* The value is dropped on the other side: by each way to receive, before and after the send, with a buffer and without. */
TEST(sched, select7) {
    static go_fn *const ways[] = {drops_one, selects_and_drops_one, selects_of_two_and_drops_one};
    c4 = CHAN(int, 0);
    for (unsigned i = 0; i < 3 * 4 * 4; i++) {
        struct chan *c = CHAN(int, i % 2 * 10);
        bool early = i / 2 % 2 == 0;
        wg_add(&wg, 1);
        start(ways[i / 4 % 3], c);
        if (early) {
            WAIT_FOR(chan_waiters(c, false) == 1);
        }
        sends_by((int)(i / 12), c);
        wg_wait(&wg);
        CHECK_EQ(chan_len(c), 0);
        chan_free(c);
    }
    chan_free(c4);
}

/* ---- test/fixedbugs/issue13169.go --------------------------------------------------------------------------------------- */

struct five {
    uint64_t a, b, c, d, e;
};

static void sends_fives(void *arg) {
    for (uint64_t i = 0; i < 64; i++) {
        struct five v = {i, 2 * i, 3 * i, 4 * i, 5 * i};
        CHECK_EQ(chan_send(arg, &v), 0);
    }
    wg_done(&wg);
}

/* A select over many channels copies the value of the chosen one, and to its place alone. */
TEST(sched, issue13169) {
    struct chan *c[16];
    struct five got[16];
    struct select_case cases[16];
    uint64_t next[16] = {0};
    memset(got, 0, sizeof got);
    wg_add(&wg, 16);
    for (unsigned i = 0; i < 16; i++) {
        c[i] = CHAN(struct five, i % 3);
        cases[i] = RECV(c[i], &got[i]);
        start(sends_fives, c[i]);
    }
    for (unsigned i = 0; i < 16 * 64; i++) {
        int k = chan_select_within(cases, 16, FOREVER);
        CHECK(k >= 0 && k < 16);
        for (int j = 0; j < 16; j++) {
            uint64_t want = j == k ? next[k]++ : 0;
            CHECK_EQ(got[j].a, want);
            CHECK_EQ(got[j].e, 5 * want);
        }
        got[k] = (struct five){0};
    }
    wg_wait(&wg);
    for (unsigned i = 0; i < 16; i++) {
        chan_free(c[i]);
    }
}
