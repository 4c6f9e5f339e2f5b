/* tests/test_go_chan.c - Go's tests of channels proper, under Go's names (docs/GO.md): runtime/chan_test.go,
 * chanbarrier_test.go, test/chan, test/closedchan.go. Those of select are in test_go_select.c. */
#include <errno.h>
#include <string.h>

#include "tests/test.h"
#include "tests/waiters.h"

static struct wg wg;

/* ---- TestNonblockRecvRace ---------------------------------------------------------------------------- */

static void receives_at_once(void *arg) {
    CHECK(chan_try_recv(arg, NULL) != -EAGAIN); /* there is a value, or the end */
    wg_done(&wg);
}

TEST(sched, TestNonblockRecvRace) {
    unsigned n = test_rounds(4000), one = 1;
    for (unsigned i = 0; i < n; i++) {
        struct chan *c = CHAN(unsigned, 1);
        CHECK_EQ(chan_send(c, &one), 0);
        wg_add(&wg, 1);
        start(receives_at_once, c);
        chan_close(c);
        CHECK(chan_recv(c, NULL) != -EAGAIN);
        wg_wait(&wg);
        chan_free(c);
    }
}

/* ---- TestChanSendInterface ----------------------------------------------------------------------------- */

struct packet {
    const void *type;
    uint64_t words[5];
    unsigned char last;
};

static struct packet packet_of(uint64_t i) {
    return (struct packet){&wg, {i, i + 1, i + 2, i + 3, i + 4}, (unsigned char)i};
}

static void check_packet(const struct packet *p, uint64_t i) {
    struct packet want = packet_of(i);
    CHECK(p->type == want.type);
    CHECK_EQ(memcmp(p->words, want.words, sizeof want.words), 0);
    CHECK_EQ(p->last, want.last);
}

static void sends_packets(void *arg) {
    for (uint64_t i = 0; i < 100; i++) {
        struct packet p = packet_of(i);
        if (i % 3 == 0) {
            CHECK_EQ(chan_send(arg, &p), 0);
        } else if (i % 3 == 1) {
            CHECK_EQ(chan_select(FOREVER, SEND(arg, &p)), 0);
        } else {
            CHECK(chan_select(FOREVER, SEND(arg, &p), SEND(arg, &p)) >= 0);
        }
        p = (struct packet){0}; /* it was copied */
    }
    wg_done(&wg);
}

/* Whole structures go over, by each way of sending. */
TEST(sched, TestChanSendInterface) {
    for (size_t capacity = 0; capacity < 3; capacity++) {
        struct chan *c = CHAN(struct packet, capacity);
        wg_add(&wg, 1);
        start(sends_packets, c);
        for (uint64_t i = 0; i < 100; i++) {
            struct packet p;
            CHECK_EQ(chan_recv(c, &p), 0);
            check_packet(&p, i);
        }
        wg_wait(&wg);
        chan_free(c);
    }
}

/* ---- TestChanSendBarrier, TestChanSendSelectBarrier ---------------------------------------------------- */

#define REQUESTERS 20

struct answer {
    unsigned number, twice;
};

struct request {
    struct chan *answers, *never;
    struct answer answer;
    unsigned number;
    bool by_select;
    struct wg over;
};

/* What is written before the pointer is sent can be seen by who receives it. */
static void answers(void *arg) {
    struct request *q = arg;
    struct answer *a = &q->answer;
    a->number = q->number;
    a->twice = 2 * q->number;
    if (q->by_select) {
        CHECK_EQ(chan_select(FOREVER, SEND(q->answers, &a), RECV(q->never, NULL)), 0);
    } else {
        CHECK_EQ(chan_send(q->answers, &a), 0);
    }
    wg_done(&q->over);
}

static struct {
    bool by_select;
    unsigned rounds;
} barrier;

static void requests(void *arg) {
    struct request q = {.by_select = barrier.by_select};
    unsigned me = (unsigned)(uintptr_t)arg;
    q.never = CHAN(int, 0);
    q.answers = CHAN(struct answer *, 0);
    for (unsigned i = 0; i < barrier.rounds; i++) {
        struct answer *a = NULL;
        q.number = me * 100000 + i;
        q.answer = (struct answer){0};
        wg_add(&q.over, 1);
        start(answers, &q);
        CHECK_EQ(chan_recv(q.answers, &a), 0);
        CHECK(a == &q.answer);
        CHECK_EQ(a->number, q.number);
        CHECK_EQ(a->twice, 2 * q.number);
        wg_wait(&q.over);
    }
    chan_free(q.answers);
    chan_free(q.never);
    wg_done(&wg);
}

static void check_barrier(bool by_select) {
    barrier.by_select = by_select;
    barrier.rounds = test_rounds(400);
    wg_add(&wg, REQUESTERS);
    for (uintptr_t i = 0; i < REQUESTERS; i++) {
        start(requests, (void *)i);
    }
    wg_wait(&wg);
}

TEST(stress, TestChanSendBarrier) {
    check_barrier(false);
}

TEST(stress, TestChanSendSelectBarrier) {
    check_barrier(true);
}

/* ---- TestShrinkStackDuringBlockedSend ------------------------------------------------------------------- */

/* Stacks do not move here, but their pages come with the first touch: the place of a value is on a page that nobody
 * has touched, below what has been used, and the partner writes to it, or reads it, from another G. */
static __attribute__((noinline)) unsigned deep(struct chan *c, bool send, unsigned v, unsigned depth) {
    volatile unsigned place[700];
    volatile unsigned *p = &place[depth % 2]; /* the others are not touched */
    if (depth != 0) {
        *p = deep(c, send, v, depth - 1);
        return *p;
    }
    if (send) {
        *p = v;
    }
    CHECK_EQ(send ? chan_send(c, (const void *)p) : chan_recv(c, (void *)p), 0);
    return *p;
}

static void sends_from_below(void *arg) {
    for (unsigned i = 0; i < 12; i++) {
        CHECK_EQ(deep(arg, true, i, i), i);
    }
    wg_done(&wg);
}

static void receives_below(void *arg) {
    for (unsigned i = 0; i < 12; i++) {
        CHECK_EQ(deep(arg, false, 99, 12 - i), i);
    }
    wg_done(&wg);
}

TEST(sched, TestShrinkStackDuringBlockedSend) {
    unsigned n = test_rounds(40);
    struct chan *c = CHAN(unsigned, 0);
    for (unsigned i = 0; i < n; i++) {
        wg_add(&wg, 2);
        start(i % 2 == 0 ? sends_from_below : receives_below, c);
        start(i % 2 == 0 ? receives_below : sends_from_below, c);
        wg_wait(&wg);
    }
    chan_free(c);
}

/* ---- test/chan/nonblock.go --------------------------------------------------------------------------------- */

static struct {
    struct chan *c, *strobe;
    size_t size;
} nonblock;

static void check_value(const unsigned char *v, unsigned char want) {
    for (size_t i = 0; i < nonblock.size; i++) {
        CHECK_EQ(v[i], want);
    }
}

static void receives_123(void *arg) {
    (void)arg;
    unsigned char v[64];
    CHECK_EQ(chan_recv(nonblock.c, v), 0);
    check_value(v, 123);
    CHECK_EQ(chan_send(nonblock.strobe, NULL), 0);
}

static void sends_234(void *arg) {
    (void)arg;
    unsigned char v[64];
    memset(v, 234, sizeof v);
    CHECK_EQ(chan_send(nonblock.c, v), 0);
    CHECK_EQ(chan_send(nonblock.strobe, NULL), 0);
}

static void check_nonblock(size_t size, size_t capacity) {
    unsigned char v[64];
    nonblock.size = size;
    nonblock.c = chan_make(size, capacity);
    nonblock.strobe = chan_make(0, 0);
    CHECK_EQ(chan_try_recv(nonblock.c, v), -EAGAIN);
    memset(v, 123, sizeof v);
    if (capacity == 0) {
        CHECK_EQ(chan_try_send(nonblock.c, v), -EAGAIN);
    }
    start(receives_123, NULL);
    WAIT_FOR(chan_waiters(nonblock.c, false) == 1);
    CHECK_EQ(chan_try_send(nonblock.c, v), 0); /* it waits for that, buffer or not */
    CHECK_EQ(chan_len(nonblock.c), 0);
    CHECK_EQ(chan_recv(nonblock.strobe, NULL), 0);

    memset(v, 55, sizeof v);
    for (size_t i = 0; i < capacity; i++) {
        CHECK_EQ(chan_try_send(nonblock.c, v), 0);
    }
    CHECK_EQ(chan_try_send(nonblock.c, v), -EAGAIN);
    start(sends_234, NULL);
    WAIT_FOR(chan_waiters(nonblock.c, true) == 1);
    for (size_t i = 0; i < capacity; i++) {
        CHECK_EQ(chan_try_recv(nonblock.c, v), 0);
        check_value(v, 55);
    }
    CHECK_EQ(chan_try_recv(nonblock.c, v), 0);
    check_value(v, 234);
    CHECK_EQ(chan_try_recv(nonblock.c, v), -EAGAIN);
    CHECK_EQ(chan_recv(nonblock.strobe, NULL), 0);
    chan_free(nonblock.c);
    chan_free(nonblock.strobe);
}

TEST(sched, nonblock) {
    static const size_t sizes[] = {0, 1, 4, 8, 16, 64};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t capacity = 0; capacity < 4; capacity++) {
            check_nonblock(sizes[i], capacity);
        }
    }
}

/* ---- test/closedchan.go -------------------------------------------------------------------------------------- */

/* Each way to receive. */
static int way_of_receiving(int way, struct chan *c, int *v) {
    bool ok = false;
    int r;
    switch (way) {
    case 0:
        return chan_recv(c, v);
    case 1:
        return chan_try_recv(c, v);
    case 2:
        return chan_recv_until(c, v, WITHIN(SEC(1000)));
    case 3:
        r = chan_select(FOREVER, RECV_OK(c, v, &ok));
        break;
    case 4:
        r = chan_select(NOWAIT, RECV_OK(c, v, &ok));
        break;
    case 5:
        r = chan_select(FOREVER, RECV_OK(NULL, NULL, NULL), RECV_OK(c, v, &ok));
        r = r == 1 ? 0 : -1;
        break;
    default:
        r = chan_select(NOWAIT, RECV_OK(c, v, &ok), SEND(NULL, NULL));
        break;
    }
    CHECK_EQ(r, 0);
    return ok ? 0 : -EPIPE;
}

#define WAYS 7

TEST(sched, closedchan) {
    for (int way = 0; way < WAYS; way++) {
        for (int capacity = 0; capacity < 3; capacity++) {
            struct chan *c = CHAN(int, (size_t)capacity);
            for (int i = 1; i <= capacity; i++) {
                CHECK_EQ(chan_send(c, &i), 0);
            }
            chan_close(c);
            CHECK_EQ(chan_len(c), capacity);
            for (int i = 1, v; i <= capacity; i++) {
                CHECK_EQ(way_of_receiving(way, c, &v), 0);
                CHECK_EQ(v, i);
            }
            for (int i = 0; i < 2; i++) {
                int v = 77;
                CHECK_EQ(way_of_receiving(way, c, &v), -EPIPE);
                CHECK_EQ(v, 0);
                CHECK_EQ(way_of_receiving(way, c, NULL), -EPIPE);
            }
            chan_free(c);
        }
    }
}

/* ---- test/chancap.go, test/fixedbugs/bug234.go ------------------------------------------------------------------ */

TEST(sched, chancap) {
    struct chan *c = CHAN(int, 10), *none = CHAN(int, 0), *large = chan_make(0, UINT32_MAX);
    int v = 0;
    CHECK_EQ(chan_cap(c), 10);
    CHECK_EQ(chan_len(c), 0);
    CHECK_EQ(chan_send(c, &v), 0);
    CHECK_EQ(chan_len(c), 1);
    CHECK_EQ(chan_cap(c), 10);
    CHECK_EQ(chan_cap(none), 0);
    CHECK_EQ(chan_cap(NULL), 0);
    CHECK_EQ(chan_cap(large), UINT32_MAX); /* values of no size need no memory */
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(chan_send(large, NULL), 0);
    }
    CHECK_EQ(chan_len(large), 1000);
    chan_free(c);
    chan_free(none);
    chan_free(large);
}

/* What was sent comes before the end, all of it. */
TEST(sched, bug234) {
    struct chan *c = CHAN(int, 100);
    int v, next = 0;
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(chan_send(c, &i), 0);
    }
    chan_close(c);
    while (chan_recv(c, &v) == 0) {
        CHECK_EQ(v, next);
        next++;
    }
    CHECK_EQ(next, 100);
    chan_free(c);
}
