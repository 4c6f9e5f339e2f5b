/*
 * tests/linear.c - the checker of linear.h: depth first over the orders, as Wing and Gong do it, remembering what was
 * tried, as Lowe does it.
 *
 * An operation may be next if no other that is still to come had returned before it was called. On a channel
 * without a buffer a send and the receive of its value are one step. Which operations are done, and what the
 * channel holds, is all that the rest depends on: a pair of these that led nowhere once is not tried again.
 */
#include "tests/linear.h"

#include <errno.h>
#include <string.h>

#include "hal/kprint.h"
#include "sched/sched.h"
#include "tests/test.h"

#define SEEN 65536u /* a power of two */

/* What a sequential channel or mutex remembers; zeroed padding, since states are compared as bytes. */
struct state {
    uint8_t count, closed, held;
    uint8_t queue[LINEAR_CAPACITY];
    uint64_t owner;
};

struct seen {
    uint64_t done;
    uint32_t history; /* whose it is: others' places are free */
    struct state state;
};

struct search {
    const struct history *h;
    unsigned n;
    unsigned seen_count;
};

static struct seen seen[SEEN];
static uint32_t histories; /* judged so far; one at a time */

struct op *linear_begin(struct history *h, enum linear_op what, uint8_t value) {
    unsigned at = atomic_fetch_add(&h->n, 1);
    if (at >= LINEAR_OPS) {
        atomic_fetch_sub(&h->n, 1);
        return NULL;
    }
    struct op *op = &h->ops[at];
    op->what = (uint8_t)what;
    op->value = value;
    op->g = hal_self()->id;
    op->called = atomic_fetch_add(&h->time, 1); /* last: the operation begins here */
    return op;
}

void linear_end(struct history *h, struct op *op, uint8_t value, int result) {
    op->returned = atomic_fetch_add(&h->time, 1); /* first: it was over by then */
    op->value = value;
    op->result = (int16_t)result;
}

/* ---- the sequential channel and mutex ------------------------------------------------------------ */

static bool push(struct state *s, unsigned capacity, uint8_t value) {
    if (s->closed || s->count == capacity) {
        return false;
    }
    s->queue[s->count++] = value;
    return true;
}

static bool pop(struct state *s, uint8_t value) {
    if (s->count == 0 || s->queue[0] != value) {
        return false;
    }
    s->count--;
    memmove(s->queue, s->queue + 1, s->count);
    s->queue[s->count] = 0;
    return true;
}

/* A channel without a buffer refuses a try for want of a partner, which is no part of its state. */
static bool may_refuse(const struct state *s, const struct history *h, uint8_t what) {
    if (h->capacity == 0) {
        return !s->closed;
    }
    return what == TRY_SEND ? s->count == h->capacity : s->count == 0 && !s->closed;
}

/* Whether a sequential object in state s would have answered op so; s is then what it is after it. */
static bool apply(struct state *s, const struct history *h, const struct op *op) {
    switch (op->what) {
    case SEND:
    case TRY_SEND:
        return op->result == 0 ? push(s, h->capacity, op->value) : may_refuse(s, h, op->what);
    case RECV:
    case TRY_RECV:
        if (op->result == -EPIPE) {
            return s->closed && s->count == 0;
        }
        return op->result == 0 ? pop(s, op->value) : may_refuse(s, h, op->what);
    case CLOSE:
        s->closed++;
        return s->closed == 1;
    case LOCK:
    case TRY_LOCK:
        if (op->result != 0) {
            return s->held;
        }
        s->owner = op->g;
        return !s->held++;
    default: {
        bool mine = s->held && s->owner == op->g;
        s->owner = 0;
        s->held = 0;
        return mine;
    }
    }
}

static bool sends(const struct op *op) {
    return (op->what == SEND || op->what == TRY_SEND) && op->result == 0;
}

static bool receives(const struct op *op) {
    return (op->what == RECV || op->what == TRY_RECV) && op->result == 0;
}

/* ---- the search ------------------------------------------------------------------------------------- */

/* True when this was tried before; else it is remembered, while there is room. */
static bool tried(struct search *s, uint64_t done, const struct state *state) {
    uint64_t hash = done * UINT64_C(0x9e3779b97f4a7c15) ^ state->owner;
    for (unsigned i = 0; i < LINEAR_CAPACITY; i++) {
        hash = (hash ^ state->queue[i]) * UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 29;
    struct seen *e = &seen[hash % SEEN];
    while (e->history == histories) {
        if (e->done == done && memcmp(&e->state, state, sizeof *state) == 0) {
            return true;
        }
        e = e + 1 < seen + SEEN ? e + 1 : seen;
    }
    if (s->seen_count < SEEN / 2) {
        s->seen_count++;
        *e = (struct seen){.done = done, .history = histories, .state = *state};
    }
    return false;
}

static bool search(struct search *s, uint64_t done, const struct state *state);

/* Takes op i as the next, on an unbuffered channel together with its receive. */
static bool take(struct search *s, uint64_t done, const struct state *state, unsigned i, uint32_t first) {
    const struct op *ops = s->h->ops;
    struct state after = *state;
    done |= UINT64_C(1) << i;
    if (s->h->capacity == 0 && receives(&ops[i])) {
        return false; /* as part of its send */
    }
    if (s->h->capacity == 0 && sends(&ops[i])) {
        for (unsigned j = 0; j < s->n; j++) {
            bool open = (done >> j & 1) == 0 && ops[j].called < first;
            if (open && receives(&ops[j]) && ops[j].value == ops[i].value) {
                return !state->closed && search(s, done | UINT64_C(1) << j, state);
            }
        }
        return false;
    }
    return apply(&after, s->h, &ops[i]) && search(s, done, &after);
}

static bool search(struct search *s, uint64_t done, const struct state *state) {
    uint32_t first = UINT32_MAX; /* return of an operation that is still to come */
    for (unsigned i = 0; i < s->n; i++) {
        if ((done >> i & 1) == 0 && s->h->ops[i].returned < first) {
            first = s->h->ops[i].returned;
        }
    }
    if (first == UINT32_MAX) {
        return true;
    }
    if (tried(s, done, state)) {
        return false;
    }
    for (unsigned i = 0; i < s->n; i++) {
        if ((done >> i & 1) == 0 && s->h->ops[i].called < first && take(s, done, state, i, first)) {
            return true;
        }
    }
    return false;
}

bool linear_explains(const struct history *h) {
    struct state nothing;
    memset(&nothing, 0, sizeof nothing);
    struct search s = {.h = h, .n = atomic_load(&h->n)};
    histories++;
    return search(&s, 0, &nothing);
}

void linear_print(const struct history *h) {
    static const char *const names[] = {"send",  "try_send", "recv",     "try_recv",
                                        "close", "lock",     "try_lock", "unlock"};
    kprintf("# history of a channel or mutex, capacity %u:\n", h->capacity);
    for (unsigned i = 0; i < atomic_load(&h->n); i++) {
        const struct op *op = &h->ops[i];
        kprintf("#   [%u, %u] goroutine %lu %s %u: %d\n", op->called, op->returned,
                (unsigned long)op->g, names[op->what], op->value, op->result);
    }
}
