/* tests/test_chan_programs.c - Go's small programs of many Gs that talk over channels. */
#include <errno.h>

#include "tests/test.h"

static struct wg wg;

/* ---- test/chan/goroutines.go -------------------------------------------------------------------------------- */

struct stage {
    struct chan *left, *right;
};

static void adds_one(void *arg) {
    struct stage *s = arg;
    int v;
    CHECK_EQ(chan_recv(s->right, &v), 0);
    v++;
    CHECK_EQ(chan_send(s->left, &v), 0);
    wg_done(&wg);
}

/* A chain of 10,000 Gs; a value goes in at one end and comes out at the other. */
TEST(sched, goroutines) {
    static struct stage stages[10000];
    unsigned n = test_gs(test_rounds(10000));
    struct chan *leftmost = CHAN(int, 0), *at = leftmost;
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        stages[i] = (struct stage){.left = at, .right = CHAN(int, 0)};
        CHECK(stages[i].right != NULL);
        start(adds_one, &stages[i]);
        at = stages[i].right;
    }
    int v = 0;
    CHECK_EQ(chan_send(at, &v), 0);
    CHECK_EQ(chan_recv(leftmost, &v), 0);
    CHECK_EQ(v, n);
    wg_wait(&wg);
    chan_free(leftmost);
    for (unsigned i = 0; i < n; i++) {
        chan_free(stages[i].right);
    }
}

/* ---- test/chan/sieve1.go --------------------------------------------------------------------------------------- */

#define PRIMES 25

static const int primes[PRIMES] = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29, 31, 37, 41,
                                   43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97};

struct sieve {
    struct chan *in, *out;
    int prime;
};

static void generates(void *arg) {
    for (int i = 2; i <= 100; i++) {
        CHECK_EQ(chan_send(arg, &i), 0);
    }
    chan_close(arg);
    wg_done(&wg);
}

static void filters(void *arg) {
    struct sieve *s = arg;
    int v;
    while (chan_recv(s->in, &v) == 0) {
        if (v % s->prime != 0) {
            CHECK_EQ(chan_send(s->out, &v), 0);
        }
    }
    chan_close(s->out);
    wg_done(&wg);
}

static void sieve(size_t capacity) {
    static struct sieve filter[PRIMES];
    struct chan *c = CHAN(int, capacity);
    struct chan *first = c;
    wg_add(&wg, PRIMES + 1);
    start(generates, c);
    for (int i = 0; i < PRIMES; i++) {
        int v;
        CHECK_EQ(chan_recv(c, &v), 0);
        CHECK_EQ(v, primes[i]);
        filter[i] = (struct sieve){.in = c, .out = CHAN(int, capacity), .prime = v};
        start(filters, &filter[i]);
        c = filter[i].out;
    }
    CHECK_EQ(chan_recv(c, NULL), -EPIPE);
    wg_wait(&wg);
    chan_free(first);
    for (int i = 0; i < PRIMES; i++) {
        chan_free(filter[i].out);
    }
}

TEST(sched, sieve1) {
    sieve(0);
    sieve(1);
    sieve(10);
}

/* ---- test/chan/sieve2.go --------------------------------------------------------------------------------- */

struct multiples {
    struct chan *c;
    struct ctx *ctx;
    unsigned prime, head;
};

static void counts_multiples(void *arg) {
    struct multiples *m = arg;
    unsigned v = m->prime * m->prime;
    while (chan_send_until(m->c, &v, UNLESS(m->ctx)) == 0) {
        v += m->prime;
    }
    wg_done(&wg);
}

static bool is_prime(unsigned n) {
    for (unsigned d = 2; d * d <= n; d++) {
        if (n % d == 0) {
            return false;
        }
    }
    return n > 1;
}

/* A G for each prime counts its multiples, over channels of all capacities; what is no multiple is prime. */
TEST(sched, sieve2) {
    static struct multiples all[40];
    unsigned n = 0, found = 0;
    struct ctx *ctx = ctx_make(ctx_background());
    for (unsigned v = 2; v < 10000; v++) {
        bool multiple = false;
        for (unsigned i = 0; i < n; i++) {
            while (all[i].head < v) {
                CHECK_EQ(chan_recv(all[i].c, &all[i].head), 0);
            }
            multiple |= all[i].head == v;
        }
        CHECK_EQ(!multiple, is_prime(v));
        found += !multiple;
        if (!multiple && v < 100) {
            all[n] = (struct multiples){CHAN(unsigned, n *n), ctx, v, 0};
            wg_add(&wg, 1);
            start(counts_multiples, &all[n]);
            n++;
        }
    }
    CHECK_EQ(n, 25);
    CHECK_EQ(found, 1229);
    ctx_cancel(ctx);
    wg_wait(&wg);
    for (unsigned i = 0; i < n; i++) {
        chan_free(all[i].c);
    }
    ctx_free(ctx);
}

/* ---- TestMultiConsumer ------------------------------------------------------------------------------------------ */

static struct { struct chan *in, *out; } work;

static void consumes(void *arg) {
    (void)arg;
    unsigned v;
    while (chan_recv(work.in, &v) == 0) {
        if (v % 11 == 0) {
            go_yield();
        }
        chan_send(work.out, &v);
    }
    wg_done(&wg);
}

static void feeds(void *arg) {
    unsigned n = *(unsigned *)arg;
    for (unsigned i = 0; i < n; i++) {
        unsigned v = (unsigned)primes[i % PRIMES];
        chan_send(work.in, &v);
    }
    chan_close(work.in);
    wg_wait(&wg);
    chan_close(work.out);
}

TEST(sched, TestMultiConsumer) {
    unsigned n = test_rounds(5000), expect = 0, sum = 0, count = 0, v;
    work.in = CHAN(unsigned, 100);
    work.out = CHAN(unsigned, 300);
    for (unsigned i = 0; i < n; i++) {
        expect += (unsigned)primes[i % PRIMES];
    }
    wg_add(&wg, 23);
    for (int i = 0; i < 23; i++) {
        start(consumes, NULL);
    }
    start(feeds, &n);
    while (chan_recv(work.out, &v) == 0) {
        sum += v;
        count++;
    }
    CHECK_EQ(count, n);
    CHECK_EQ(sum, expect);
    chan_free(work.in);
    chan_free(work.out);
}
