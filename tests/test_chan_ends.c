/* tests/test_chan_ends.c - how channels end, with others at work on them: closes that race, channels that are freed at
 * once; and values of every size on the way. */
#include <errno.h>
#include <string.h>

#include "tests/test.h"
#include "tests/waiters.h"

static struct wg wg;

/* ---- closed and freed under those who wait --------------------------------------------------------------- */

static void ends_plain(void *arg) {
    int v = 7;
    CHECK_EQ(chan_recv(arg, &v), -EPIPE);
    CHECK_EQ(v, 0);
    wg_done(&wg);
}

static void ends_in_select(void *arg) {
    int v = 7;
    bool ok = true;
    CHECK_EQ(chan_select(FOREVER, RECV(NULL, &v), RECV_OK(arg, &v, &ok)), 1);
    CHECK_EQ(v, 0);
    CHECK(!ok);
    wg_done(&wg);
}

static void ends_in_select_of_twice(void *arg) {
    int v = 7, w = 8, k = chan_select(FOREVER, RECV(arg, &v), RECV(NULL, NULL), RECV(arg, &w));
    CHECK(k == 0 || k == 2);
    CHECK_EQ(v, k == 0 ? 0 : 7);
    CHECK_EQ(w, k == 2 ? 0 : 8);
    wg_done(&wg);
}

/* What a freed channel's memory is used for next: a lock that is held for ever, were it still a channel. */
#define SPOILED 4

static void spoil(struct chan **c) {
    for (unsigned i = 0; i < SPOILED; i++) {
        c[i] = CHAN(int, 0);
        memset(c[i], 0xff, sizeof *c[i]);
    }
}

static void spoil_no_more(struct chan **c) {
    for (unsigned i = 0; i < SPOILED; i++) {
        memset(c[i], 0, sizeof *c[i]);
        *c[i] = (struct chan){.elem = sizeof(int)};
        chan_free(c[i]);
    }
}

/* Nobody whom a close has woken touches the channel again: it may be freed as soon as chan_close() is over. More waiters
 * than are taken in one go. */
static void check_close_and_free(go_fn *fn, unsigned n, unsigned each) {
    struct chan *c = CHAN(int, 0);
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(fn, c);
    }
    WAIT_FOR(chan_waiters(c, false) == n * each);
    chan_close(c);
    chan_free(c);
    struct chan *spoiled[SPOILED];
    spoil(spoiled);
    wg_wait(&wg);
    spoil_no_more(spoiled);
}

TEST(sched, chan_free_after_close) {
    unsigned rounds = test_rounds(24);
    for (unsigned i = 0; i < rounds; i++) {
        check_close_and_free(ends_plain, 1 + i * 3, 1);
        check_close_and_free(ends_in_select, 1 + i * 3, 1);
        check_close_and_free(ends_in_select_of_twice, 1 + i * 3, 2);
    }
}

/* ---- the last receiver frees while the close is still on its way ------------------------------------------- */

static struct {
    struct chan *c, *spoiled[SPOILED];
    _Atomic int users;
} shared;

static void receives_and_frees(void *arg) {
    (void)arg;
    while (chan_recv(shared.c, NULL) == 0) {
    }
    if (atomic_fetch_sub(&shared.users, 1) == 1) {
        chan_free(shared.c);
        spoil(shared.spoiled);
    }
    wg_done(&wg);
}

static void closes_soon(void *arg) {
    for (volatile uintptr_t i = (uintptr_t)arg; i != 0; i--) {
    }
    chan_close(shared.c);
    wg_done(&wg);
}

TEST(stress, receivers_free_what_is_closed) {
    unsigned rounds = test_rounds(400);
    uint32_t random = test_seed(0);
    for (unsigned i = 0; i < rounds; i++) {
        int receivers = 1 + (int)(i % 5) * 20;
        shared.c = CHAN(int, i % 2);
        shared.users = receivers;
        wg_add(&wg, receivers + 1);
        for (int k = 0; k < receivers; k++) {
            start(receives_and_frees, NULL);
        }
        start(closes_soon, (void *)(uintptr_t)(test_random(&random) % 2000));
        wg_wait(&wg);
        spoil_no_more(shared.spoiled);
    }
}

/* ---- a close races receivers, selects and limits -------------------------------------------------------------- */

static struct {
    struct chan *c, *other;
    unsigned n;
    _Atomic unsigned got, ends;
} end;

static void receives_to_the_end(void *arg) {
    uint32_t random = test_seed((uint32_t)(uintptr_t)arg);
    unsigned v;
    for (;;) {
        uint32_t way = test_random(&random);
        bool ok = true;
        int r = 0;
        if (way % 3 == 0) {
            r = chan_recv_until(end.c, &v, WITHIN(US(way / 3 % 20)));
        } else if (way % 3 == 1) {
            r = chan_recv(end.c, &v);
        } else {
            r = chan_select(FOREVER, RECV(end.other, NULL), RECV_OK(end.c, &v, &ok));
            CHECK_EQ(r, 1);
            r = ok ? 0 : -EPIPE;
        }
        if (r == -EPIPE) {
            break;
        }
        CHECK(r == 0 || r == -ETIMEDOUT);
        if (r == 0) {
            atomic_fetch_add(&end.got, 1);
        }
    }
    atomic_fetch_add(&end.ends, 1);
    wg_done(&wg);
}

static void sends_and_closes(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < end.n; i++) {
        CHECK_EQ(chan_send(end.c, &i), 0);
    }
    chan_close(end.c);
    wg_done(&wg);
}

/* All that was sent arrives, and then everyone learns of the end. */
TEST(stress, close_races_receivers) {
    unsigned rounds = test_rounds(200);
    end.other = CHAN(int, 0);
    for (unsigned i = 0; i < rounds; i++) {
        end.n = i % 40;
        end.got = end.ends = 0;
        end.c = CHAN(unsigned, i % 3);
        wg_add(&wg, 13);
        for (uintptr_t k = 0; k < 12; k++) {
            start(receives_to_the_end, (void *)(i * 12 + k));
        }
        start(sends_and_closes, NULL);
        wg_wait(&wg);
        CHECK_EQ(end.got, end.n);
        CHECK_EQ(end.ends, 12);
        CHECK_EQ(chan_waiters(end.other, false), 0);
        chan_free(end.c);
    }
    chan_free(end.other);
}

/* ---- values of 0 to 64 KiB ---------------------------------------------------------------------------------------- */

static struct {
    struct chan *c;
    size_t size;
    unsigned char from[KB(64)], to[2][KB(64)];
} sized;

static unsigned char byte_at(size_t at, unsigned round) {
    return (unsigned char)(at * 7 + at / 251 + round);
}

static void sends_sized(void *arg) {
    (void)arg;
    for (unsigned round = 0; round < 3; round++) {
        for (size_t at = 0; at < sized.size; at++) {
            sized.from[at] = byte_at(at, round);
        }
        int k = round % 2 == 0 ? chan_select(FOREVER, SEND(sized.c, sized.from), SEND(NULL, NULL))
                               : chan_send_until(sized.c, sized.from, WITHIN(SEC(1000)));
        CHECK_EQ(k, 0);
    }
    chan_close(sized.c);
    wg_done(&wg);
}

/* Received by a select with two places: one has the value, the other what it had; nothing is written behind. */
static void receive_sized(unsigned round) {
    memset(sized.to, 0xee, sizeof sized.to);
    bool ok[2] = {true, true};
    int k = chan_select(FOREVER, RECV_OK(sized.c, sized.to[0], &ok[0]),
                        RECV_OK(sized.c, sized.to[1], &ok[1]));
    CHECK(k == 0 || k == 1);
    CHECK(ok[1 - k]);
    CHECK_EQ(ok[k], round < 3);
    for (size_t at = 0; at < KB(64); at++) {
        unsigned char want = at >= sized.size ? 0xee : round < 3 ? byte_at(at, round) : 0;
        CHECK_EQ(sized.to[k][at], want);
        CHECK_EQ(sized.to[1 - k][at], 0xee);
    }
}

TEST(sched, select_element_sizes) {
    static const size_t sizes[] = {0, 1, 3, 8, 63, 64, 65, 4095, 4097, KB(64) - 1, KB(64)};
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (size_t capacity = 0; capacity < 2; capacity++) {
            sized.size = sizes[s];
            sized.c = chan_make(sized.size, capacity);
            wg_add(&wg, 1);
            start(sends_sized, NULL);
            for (unsigned round = 0; round < 4; round++) {
                receive_sized(round);
            }
            wg_wait(&wg);
            chan_free(sized.c);
        }
    }
}
