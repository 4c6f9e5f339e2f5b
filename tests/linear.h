/*
 * tests/linear.h - histories of operations on a channel or a mutex, and whether one order explains them.
 *
 * Each operation is noted when it is called and when it has returned, on one clock that only counts. A history is
 * linearizable if its operations can be put in an order that a simple sequential channel (a queue of that capacity)
 * or mutex would have answered in the same way, and in which no operation that had returned before another was
 * called comes behind it.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LINEAR_OPS      64u /* in one history: a set of them is a word */
#define LINEAR_CAPACITY 4u

enum linear_op { SEND, TRY_SEND, RECV, TRY_RECV, CLOSE, LOCK, TRY_LOCK, UNLOCK };

struct op {
    uint8_t what;   /* enum linear_op */
    uint8_t value;  /* sent or received; 1 and up, each sent once */
    int16_t result; /* 0 or -errno */
    uint32_t called, returned;
    uint64_t g;
};

struct history {
    unsigned capacity;         /* of the channel */
    _Atomic unsigned n;        /* anyone adds */
    _Atomic uint32_t time;     /* the clock */
    struct op ops[LINEAR_OPS]; /* each written by the G that added it; read when all have ended */
};

/* Called just before the operation, and just after it. begin: NULL when the history is full. */
struct op *linear_begin(struct history *h, enum linear_op what, uint8_t value);
void linear_end(struct history *h, struct op *op, uint8_t value, int result);

/* Whether one order explains h, which is complete: every operation has returned. */
bool linear_explains(const struct history *h);

/* Prints h, an operation a line. */
void linear_print(const struct history *h);
