/* tests/test_typed.c - typed channels do what the plain ones do; what they refuse is in tests/host/typed.sh. */
#include <errno.h>

#include "tests/test.h"

struct pair {
    int number;
    char letter;
};

typedef CHAN_OF(struct pair) pairs;
typedef SEND_ONLY(struct pair) pairs_out;
typedef RECV_ONLY(struct pair) pairs_in;
typedef CHAN_OF(int) ints;

static struct wg wg;

static void send_some(pairs_out out, int n) {
    for (int i = 0; i < n; i++) {
        const struct pair p = {i, (char)('a' + i)};
        CHECK_EQ(typed_send(out, &p), 0);
    }
    typed_close(out);
}

static void sender(void *arg) {
    pairs c = {.chan = arg};
    send_some(typed_send_only(pairs_out, c), 20);
    wg_done(&wg);
}

TEST(sched, typed_channel) {
    for (size_t capacity = 0; capacity < 3; capacity++) {
        pairs c = typed_make(pairs, capacity);
        CHECK(c.chan != NULL);
        CHECK_EQ(typed_cap(c), capacity);
        wg_add(&wg, 1);
        start(sender, c.chan);
        pairs_in in = typed_recv_only(pairs_in, c);
        struct pair p;
        typed_drop(in);
        for (int i = 1; i < 20; i++) {
            CHECK_EQ(typed_recv(in, &p), 0);
            CHECK(p.number == i && p.letter == 'a' + i);
        }
        CHECK_EQ(typed_recv(in, &p), -EPIPE);
        CHECK_EQ(p.number, 0);
        wg_wait(&wg);
        typed_free(c);
    }
}

TEST(sched, typed_forms) {
    ints c = typed_make(ints, 2);
    int v = 0, evaluated = 0;
    bool ok = true;
    CHECK_EQ(typed_try_recv(c, &v), -EAGAIN);
    CHECK_EQ(typed_recv_until(c, &v, WITHIN(NOWAIT)), -ETIMEDOUT);
    CHECK_EQ(typed_try_send(c, &(int){5}), 0);
    CHECK_EQ(typed_send_until(c, (evaluated++, &(const int){6}), WITHIN(NOWAIT)), 0);
    CHECK_EQ(evaluated, 1);
    CHECK_EQ(typed_len(c), 2);
    CHECK_EQ(typed_send_until(c, &v, WITHIN(NOWAIT)), -ETIMEDOUT);
    CHECK_EQ(typed_try_send(c, &v), -EAGAIN);
    int into[2], *at = into;
    CHECK_EQ(typed_recv(c, at++), 0);
    CHECK_EQ(typed_recv(c, at++), 0);
    CHECK(at == into + 2 && into[0] == 5 && into[1] == 6);
    CHECK_EQ(chan_select(NOWAIT, TYPED_RECV(c, &v)), -EAGAIN);
    CHECK_EQ(chan_select(NOWAIT, TYPED_RECV_OK(c, &v, &ok), TYPED_SEND(c, &into[1])), 1);
    CHECK_EQ(chan_select(NOWAIT, TYPED_RECV(c, &v)), 0);
    CHECK_EQ(v, 6);
    typed_close(c);
    CHECK_EQ(chan_select(NOWAIT, TYPED_RECV_OK(c, &v, &ok)), 0);
    CHECK(!ok);
    typed_free(c);
}
