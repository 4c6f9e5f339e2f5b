/* tests/test_chan.c - channels as Go's own tests see them, as far as they need no select. */
#include <errno.h>

#include "tests/test.h"

static struct wg wg;

/* ---- what every capacity has in common ---------------------------------------------------------------- */

static struct {
    struct chan *c;
    _Atomic bool reached, got;
    int result;
} blocked;

static void receives_once(void *arg) {
    (void)arg;
    int v = 7;
    blocked.reached = true;
    blocked.result = chan_recv(blocked.c, &v);
    CHECK_EQ(v, blocked.result == 0 ? 42 : 0);
    blocked.got = true;
    wg_done(&wg);
}

static void sends_once(void *arg) {
    (void)arg;
    int v = 42;
    blocked.reached = true;
    blocked.result = chan_send(blocked.c, &v);
    blocked.got = true;
    wg_done(&wg);
}

static void start_blocked(go_fn *fn, struct chan *c) {
    blocked.c = c;
    blocked.reached = blocked.got = false;
    wg_add(&wg, 1);
    start(fn, NULL);
    WAIT_FOR(atomic_load(&blocked.reached));
    go_sleep(US(200));
    CHECK(!atomic_load(&blocked.got)); /* it waits */
}

static void fill(struct chan *c, int n) {
    for (int i = 0; i < n; i++) {
        CHECK_EQ(chan_len(c), i);
        CHECK_EQ(chan_try_send(c, &i), 0);
    }
}

static void check_blocking(struct chan *c, int capacity) {
    int v = 42;
    CHECK_EQ(chan_try_recv(c, &v), -EAGAIN);
    start_blocked(receives_once, c);
    CHECK_EQ(chan_send(c, &v), 0);
    wg_wait(&wg);
    CHECK_EQ(blocked.result, 0);

    fill(c, capacity);
    CHECK_EQ(chan_try_send(c, &v), -EAGAIN);
    start_blocked(sends_once, c);
    for (int i = 0; i < capacity; i++) {
        CHECK_EQ(chan_recv(c, &v), 0);
        CHECK_EQ(v, i);
    }
    CHECK_EQ(chan_recv(c, &v), 0);
    CHECK_EQ(v, 42);
    wg_wait(&wg);
}

static void check_close(struct chan *c, int capacity) {
    int v = 1;
    fill(c, capacity);
    chan_close(c);
    for (int i = 0; i < capacity; i++) {
        CHECK_EQ(chan_recv(c, &v), 0);
        CHECK_EQ(v, i);
    }
    for (int i = 0; i < 3; i++) {
        v = 9;
        CHECK_EQ(chan_recv(c, &v), -EPIPE);
        CHECK_EQ(v, 0);
        v = 9;
        CHECK_EQ(chan_try_recv(c, &v), -EPIPE);
        CHECK_EQ(v, 0);
        CHECK_EQ(chan_recv(c, NULL), -EPIPE);
    }
}

static void sends_row(void *arg) {
    for (int i = 0; i < 100; i++) {
        CHECK_EQ(chan_send(arg, &i), 0);
    }
    wg_done(&wg);
}

static void receives_row(struct chan *c) {
    for (int i = 0; i < 100; i++) {
        int v = -1;
        CHECK_EQ(chan_recv(c, &v), 0);
        CHECK_EQ(v, i);
    }
}

TEST(sched, TestChan) {
    unsigned step = 400 / test_rounds(400); /* 1, or 8 when short */
    for (unsigned capacity = 0; capacity < 200; capacity += step) {
        struct chan *c = CHAN(int, capacity);
        CHECK(c != NULL);
        CHECK_EQ(chan_cap(c), capacity);
        CHECK_EQ(chan_len(c), 0);
        if (capacity < 30) {
            check_blocking(c, (int)capacity);
        }
        wg_add(&wg, 1);
        start(sends_row, c);
        receives_row(c);
        wg_wait(&wg);
        check_close(c, (int)capacity);
        chan_free(c);
    }
}

TEST(sched, chan_close_wakes_receivers) {
    struct chan *c = CHAN(int, 0);
    start_blocked(receives_once, c);
    chan_close(c);
    wg_wait(&wg);
    CHECK_EQ(blocked.result, -EPIPE);
    chan_free(c);
}

static void receives_end(void *arg) {
    CHECK_EQ(chan_recv(arg, NULL), -EPIPE);
    wg_done(&wg);
}

/* More than close wakes in one go. */
TEST(sched, chan_close_wakes_many) {
    struct chan *c = CHAN(int, 0);
    wg_add(&wg, 100);
    for (int i = 0; i < 100; i++) {
        start(receives_end, c);
    }
    go_sleep(MS(2));
    chan_close(c);
    wg_wait(&wg);
    chan_free(c);
}

TEST(sched, chan_null) {
    int v = 0;
    CHECK_EQ(chan_try_send(NULL, &v), -EAGAIN);
    CHECK_EQ(chan_try_recv(NULL, &v), -EAGAIN);
    CHECK_EQ(chan_len(NULL), 0);
    CHECK_EQ(chan_cap(NULL), 0);
    chan_free(NULL);
}

/* ---- test/chan/fifo.go ------------------------------------------------------------------------------------ */

TEST(sched, fifo_async) {
    struct chan *c = CHAN(int, 10);
    fill(c, 10);
    for (int i = 0, v; i < 10; i++) {
        CHECK_EQ(chan_recv(c, &v), 0);
        CHECK_EQ(v, i);
    }
    chan_free(c);
}

struct link_ {
    struct chan *c, *in, *out;
    int value;
};

static void passes_in_turn(void *arg) {
    struct link_ *l = arg;
    int v;
    CHECK_EQ(chan_recv(l->in, NULL), 0);
    CHECK_EQ(chan_recv(l->c, &v), 0);
    CHECK_EQ(v, l->value);
    v = 0;
    CHECK_EQ(chan_send(l->out, &v), 0);
    wg_done(&wg);
}

/* Ten receivers, each of which starts to wait after the one before it was served. */
TEST(sched, fifo_sync) {
    static struct link_ links[10];
    struct chan *c = CHAN(int, 0), *first = CHAN(int, 0), *in = first;
    wg_add(&wg, 10);
    for (int i = 0; i < 10; i++) {
        links[i] = (struct link_){.c = c, .in = in, .out = CHAN(int, 0), .value = i};
        start(passes_in_turn, &links[i]);
        in = links[i].out;
    }
    int v = 0;
    CHECK_EQ(chan_send(first, &v), 0);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(chan_send(c, &i), 0);
    }
    CHECK_EQ(chan_recv(in, &v), 0);
    wg_wait(&wg);
    for (int i = 0; i < 10; i++) {
        chan_free(links[i].out);
    }
    chan_free(first);
    chan_free(c);
}

static struct {
    struct chan *c;
    _Atomic int waiting;
} queue;

static void sends_its_number(void *arg) {
    int me = (int)(intptr_t)arg;
    atomic_fetch_add(&queue.waiting, 1);
    CHECK_EQ(chan_send(queue.c, &me), 0);
    wg_done(&wg);
}

/* Senders that wait are served in the order in which they came. */
TEST(sched, chan_senders_are_fifo) {
    use_cores(1);
    queue.c = CHAN(int, 0);
    queue.waiting = 0;
    wg_add(&wg, 20);
    for (int i = 0; i < 20; i++) {
        start(sends_its_number, (void *)(intptr_t)i);
        WAIT_FOR(atomic_load(&queue.waiting) == i + 1);
        go_yield();
    }
    for (int i = 0, v; i < 20; i++) {
        CHECK_EQ(chan_recv(queue.c, &v), 0);
        CHECK_EQ(v, i);
    }
    wg_wait(&wg);
    chan_free(queue.c);
}

/* ---- values --------------------------------------------------------------------------------------------------- */

TEST(sched, zerosize) {
    struct chan *c = chan_make(0, 2);
    CHECK_EQ(chan_send(c, NULL), 0);
    CHECK_EQ(chan_send(c, NULL), 0);
    CHECK_EQ(chan_try_send(c, NULL), -EAGAIN);
    CHECK_EQ(chan_len(c), 2);
    CHECK_EQ(chan_recv(c, NULL), 0);
    chan_close(c);
    CHECK_EQ(chan_recv(c, NULL), 0);
    CHECK_EQ(chan_recv(c, NULL), -EPIPE);
    chan_free(c);
}

static struct {
    struct chan *c;
    size_t size;
    unsigned char out[KB(64)], in[KB(64)];
} large;

static void sends_large(void *arg) {
    (void)arg;
    for (unsigned k = 0; k < 4; k++) {
        for (size_t i = 0; i < large.size; i++) {
            large.out[i] = (unsigned char)(i * 31 + k + large.size);
        }
        CHECK_EQ(chan_send(large.c, large.out), 0);
    }
    wg_done(&wg);
}

/* All the sizes at which something changes: the small copy, what handlers may send, more than a page. */
TEST(sched, chan_element_sizes) {
    static const size_t sizes[] = {1,  2,   7,    8,    9,    16,    63,    64,
                                   65, 100, 4095, 4096, 4097, 12345, KB(64)};
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (size_t capacity = 0; capacity < 3; capacity++) {
            large.size = sizes[s];
            large.c = chan_make(large.size, capacity);
            CHECK(large.c != NULL);
            wg_add(&wg, 1);
            start(sends_large, NULL);
            for (unsigned k = 0; k < 4; k++) {
                CHECK_EQ(chan_recv(large.c, large.in), 0);
                for (size_t i = 0; i < large.size; i++) {
                    CHECK_EQ(large.in[i], (unsigned char)(i * 31 + k + large.size));
                }
            }
            wg_wait(&wg);
            chan_free(large.c);
        }
    }
}

TEST(sched, chan_without_memory) {
    CHECK(chan_make(KB(64), (size_t)1 << 30) == NULL);
}
