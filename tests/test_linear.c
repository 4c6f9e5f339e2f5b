/*
 * tests/test_linear.c - channels and mutexes are linearizable: what several Gs saw of one is what a sequential one
 * could have answered. And the checker rejects what no sequential one could (linear.h).
 */
#include <errno.h>
#include <string.h>

#include "tests/linear.h"
#include "tests/test.h"

/* ---- the checker itself ------------------------------------------------------------------------------ */

/* A history by hand: {what, value, result, called, returned, g}. */
static bool explained(unsigned capacity, unsigned n, const struct op *ops) {
    static struct history h;
    memset(&h, 0, sizeof h);
    h.capacity = capacity;
    h.n = n;
    memcpy(h.ops, ops, n * sizeof *ops);
    return linear_explains(&h);
}

#define OPS(...)                                                                                   \
    sizeof((struct op[]){__VA_ARGS__}) / sizeof(struct op), (struct op[]) {                        \
        __VA_ARGS__                                                                                \
    }
#define CAN(capacity, ...)    CHECK(explained(capacity, OPS(__VA_ARGS__)))
#define CANNOT(capacity, ...) CHECK(!explained(capacity, OPS(__VA_ARGS__)))

TEST(unit, linear_checker_knows_queues) {
    CAN(2, {SEND, 1, 0, 0, 1, 1}, {SEND, 2, 0, 2, 3, 1}, {RECV, 1, 0, 4, 5, 2}, {RECV, 2, 0, 6, 7, 2});
    /* not first in, first out */
    CANNOT(2, {SEND, 1, 0, 0, 1, 1}, {SEND, 2, 0, 2, 3, 1}, {RECV, 2, 0, 4, 5, 2},
           {RECV, 1, 0, 6, 7, 2});
    /* the same, but the sends overlap: either may have been first */
    CAN(2, {SEND, 1, 0, 0, 3, 1}, {SEND, 2, 0, 1, 2, 3}, {RECV, 2, 0, 4, 5, 2}, {RECV, 1, 0, 6, 7, 2});
    /* the receives overlap */
    CAN(2, {SEND, 1, 0, 0, 1, 1}, {SEND, 2, 0, 2, 3, 1}, {RECV, 2, 0, 4, 7, 2}, {RECV, 1, 0, 5, 6, 3});
    /* twice, never sent, before it was sent */
    CANNOT(2, {SEND, 1, 0, 0, 1, 1}, {RECV, 1, 0, 2, 3, 2}, {RECV, 1, 0, 4, 5, 2});
    CANNOT(2, {SEND, 1, 0, 0, 1, 1}, {RECV, 2, 0, 2, 3, 2});
    CANNOT(2, {RECV, 1, 0, 0, 1, 2}, {SEND, 1, 0, 2, 3, 1});
    /* the buffer holds no more than its capacity */
    CANNOT(1, {SEND, 1, 0, 0, 1, 1}, {SEND, 2, 0, 2, 3, 1}, {RECV, 1, 0, 4, 5, 2},
           {RECV, 2, 0, 6, 7, 2});
    CAN(1, {SEND, 1, 0, 0, 1, 1}, {SEND, 2, 0, 2, 5, 1}, {RECV, 1, 0, 4, 6, 2}, {RECV, 2, 0, 7, 8, 2});
}

TEST(unit, linear_checker_knows_tries) {
    CAN(1, {TRY_RECV, 0, -EAGAIN, 0, 1, 2}, {SEND, 1, 0, 2, 3, 1}, {TRY_SEND, 2, -EAGAIN, 4, 5, 1},
        {TRY_RECV, 1, 0, 6, 7, 2});
    /* refused although there was a value, or room, all the time */
    CANNOT(1, {SEND, 1, 0, 0, 1, 1}, {TRY_RECV, 0, -EAGAIN, 2, 3, 2}, {RECV, 1, 0, 4, 5, 2});
    CANNOT(2, {SEND, 1, 0, 0, 1, 1}, {TRY_SEND, 2, -EAGAIN, 2, 3, 1}, {RECV, 1, 0, 4, 5, 2});
}

TEST(unit, linear_checker_knows_closing) {
    CAN(1, {SEND, 1, 0, 0, 1, 1}, {CLOSE, 0, 0, 2, 3, 1}, {RECV, 1, 0, 4, 5, 2},
        {RECV, 0, -EPIPE, 6, 7, 2});
    /* the end before the close, before what was buffered; a send, or a refusal, behind it */
    CANNOT(1, {RECV, 0, -EPIPE, 0, 1, 2}, {CLOSE, 0, 0, 2, 3, 1});
    CANNOT(1, {SEND, 1, 0, 0, 1, 1}, {CLOSE, 0, 0, 2, 3, 1}, {RECV, 0, -EPIPE, 4, 5, 2},
           {RECV, 1, 0, 6, 7, 2});
    CANNOT(1, {CLOSE, 0, 0, 0, 1, 1}, {SEND, 1, 0, 2, 3, 1}, {RECV, 1, 0, 4, 5, 2});
    CANNOT(1, {CLOSE, 0, 0, 0, 1, 1}, {TRY_RECV, 0, -EAGAIN, 2, 3, 2});
}

TEST(unit, linear_checker_knows_meetings) {
    CAN(0, {SEND, 1, 0, 0, 2, 1}, {RECV, 1, 0, 1, 3, 2});
    /* a send without a buffer is not over before its receive has begun */
    CANNOT(0, {SEND, 1, 0, 0, 1, 1}, {RECV, 1, 0, 2, 3, 2});
    CANNOT(0, {SEND, 1, 0, 0, 9, 1}, {RECV, 2, 0, 1, 3, 2});
    CANNOT(0, {CLOSE, 0, 0, 0, 1, 1}, {SEND, 1, 0, 2, 5, 1}, {RECV, 1, 0, 3, 4, 2});
}

TEST(unit, linear_checker_knows_mutexes) {
    CAN(0, {LOCK, 0, 0, 0, 1, 1}, {LOCK, 0, 0, 2, 5, 2}, {UNLOCK, 0, 0, 3, 4, 1},
        {UNLOCK, 0, 0, 6, 7, 2});
    CAN(0, {LOCK, 0, 0, 0, 1, 1}, {TRY_LOCK, 0, -EBUSY, 2, 3, 2}, {UNLOCK, 0, 0, 4, 5, 1});
    /* two owners; busy although free; unlocked by another */
    CANNOT(0, {LOCK, 0, 0, 0, 1, 1}, {LOCK, 0, 0, 2, 3, 2}, {UNLOCK, 0, 0, 4, 5, 1},
           {UNLOCK, 0, 0, 6, 7, 2});
    CANNOT(0, {LOCK, 0, 0, 0, 1, 1}, {UNLOCK, 0, 0, 2, 3, 1}, {TRY_LOCK, 0, -EBUSY, 4, 5, 2});
    CANNOT(0, {LOCK, 0, 0, 0, 1, 1}, {UNLOCK, 0, 0, 2, 3, 2});
}

/* ---- channels ---------------------------------------------------------------------------------------- */

#define SENDERS 3u
#define EACH    4u /* values of each sender */
#define TRIES   3u /* failed ones of each G: a history has room for so many */

static struct history h;

static struct {
    struct chan *c;
    struct wg senders, all;
    uint32_t seed;
} run;

/* Its own numbers for each G: they would race for one state. */
static uint32_t own_random(unsigned me) {
    return (run.seed * 16 + me + 1) * 2654435761u | 1;
}

static void dawdle(uint32_t *random) {
    uint32_t r = test_random(random) % 8;
    if (r == 0) {
        go_sleep(US(1 + test_random(random) % 30));
    } else if (r < 4) {
        go_yield();
    }
}

static int note_try_send(unsigned *value) {
    struct op *op = linear_begin(&h, TRY_SEND, (uint8_t)*value);
    CHECK(op != NULL);
    int result = chan_try_send(run.c, value);
    linear_end(&h, op, (uint8_t)*value, result);
    return result;
}

static void sender(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg, tries = TRIES;
    uint32_t random = own_random(me);
    for (unsigned i = 0; i < EACH; i++) {
        unsigned value = 1 + me * EACH + i;
        bool sent = false;
        dawdle(&random);
        while (!sent && tries != 0 && test_random(&random) % 2 == 0) {
            sent = note_try_send(&value) == 0;
            tries -= !sent;
        }
        if (!sent) {
            struct op *op = linear_begin(&h, SEND, (uint8_t)value);
            CHECK(op != NULL);
            linear_end(&h, op, (uint8_t)value, chan_send(run.c, &value));
        }
    }
    wg_done(&run.senders);
    wg_done(&run.all);
}

static void receiver(void *arg) {
    uint32_t random = own_random(SENDERS + (unsigned)(uintptr_t)arg);
    unsigned tries = TRIES;
    int result = 0;
    while (result != -EPIPE) {
        unsigned value = 0;
        dawdle(&random);
        bool try = tries != 0 && test_random(&random) % 2 == 0;
        struct op *op = linear_begin(&h, try ? TRY_RECV : RECV, 0);
        CHECK(op != NULL);
        result = try ? chan_try_recv(run.c, &value) : chan_recv(run.c, &value);
        linear_end(&h, op, (uint8_t)value, result);
        tries -= result == -EAGAIN;
    }
    wg_done(&run.all);
}

static void channel_round(unsigned capacity, unsigned receivers) {
    memset(&h, 0, sizeof h);
    h.capacity = capacity;
    run.c = CHAN(unsigned, capacity);
    run.seed++;
    wg_add(&run.senders, SENDERS);
    wg_add(&run.all, (int)(SENDERS + receivers));
    for (uintptr_t i = 0; i < SENDERS || i < receivers; i++) {
        if (i < SENDERS) {
            start(sender, (void *)i);
        }
        if (i < receivers) {
            start(receiver, (void *)i);
        }
    }
    wg_wait(&run.senders);
    struct op *op = linear_begin(&h, CLOSE, 0);
    CHECK(op != NULL);
    chan_close(run.c);
    linear_end(&h, op, 0, 0);
    wg_wait(&run.all);
    chan_free(run.c);
}

static void judge(void) {
    if (!linear_explains(&h)) {
        linear_print(&h);
        FAIL("no order explains what was seen");
    }
}

TEST(stress, linear_channels) {
    go_set_slice(US(20));
    for (unsigned round = 0; round < test_rounds(400); round++) {
        channel_round(round % 4, 1 + round / 4 % 3);
        judge();
    }
}

/* ---- mutexes -------------------------------------------------------------------------------------------- */

#define LOCKERS 5u

static struct mutex mutex;

static int note_lock(bool try) {
    struct op *op = linear_begin(&h, try ? TRY_LOCK : LOCK, 0);
    CHECK(op != NULL);
    int result = 0;
    if (try) {
        result = mutex_trylock(&mutex);
    } else {
        mutex_lock(&mutex);
    }
    linear_end(&h, op, 0, result);
    return result;
}

static void locker(void *arg) {
    uint32_t random = own_random((unsigned)(uintptr_t)arg);
    for (unsigned i = 0; i < 6; i++) {
        dawdle(&random);
        if (note_lock(test_random(&random) % 2 == 0) == 0) {
            dawdle(&random);
            struct op *op = linear_begin(&h, UNLOCK, 0);
            CHECK(op != NULL);
            mutex_unlock(&mutex);
            linear_end(&h, op, 0, 0);
        }
    }
    wg_done(&run.all);
}

TEST(stress, linear_mutexes) {
    go_set_slice(US(20));
    for (unsigned round = 0; round < test_rounds(200); round++) {
        memset(&h, 0, sizeof h);
        memset(&mutex, 0, sizeof mutex);
        run.seed++;
        wg_add(&run.all, LOCKERS);
        for (uintptr_t i = 0; i < LOCKERS; i++) {
            start(locker, (void *)i);
        }
        wg_wait(&run.all);
        judge();
    }
}
