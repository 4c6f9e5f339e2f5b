/* bench/heap.c - malloc() and free(): random sizes replaced by Gs that hand their blocks on, and blocks freed on
 * another core than they come from; and the same asked of newlib alone, without what each core keeps. */
#include <string.h>

#include "bench/bench.h"

struct heap {
    void *(*take)(size_t n);
    void (*give)(void *p);
};

static const struct heap ours = {malloc, free};

static struct wg wg;

static void *take(const struct heap *h, size_t n) {
    char *p = h->take(n);
    if (p == NULL) {
        PANIC("bench: no memory");
    }
    p[0] = 1;
    return p;
}

static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* ---- random sizes replaced --------------------------------------------------------------------- */
/*
 * As in Larson and Krishnan's benchmark of servers: each G replaces blocks of its set at random, ends, and the next one
 * goes on with the set; so a block is freed by another G than asked for it, mostly on another core.
 */
#define SETS    8u
#define BLOCKS  128u
#define REPLACE 500u
#define LIVES   10u

static struct set {
    const struct heap *heap;
    void *block[BLOCKS];
    uint32_t random;
    unsigned lives;
} * sets;

static void replaces(void *arg) {
    struct set *s = arg;
    for (unsigned i = 0; i < REPLACE; i++) {
        void **block = &s->block[next_random(&s->random) % BLOCKS];
        s->heap->give(*block);
        *block = take(s->heap, 16 + next_random(&s->random) % 500);
    }
    if (--s->lives != 0) {
        start(replaces, s);
    } else {
        wg_done(&wg);
    }
}

static void live(unsigned lives) {
    wg_add(&wg, (int)SETS);
    for (unsigned i = 0; i < SETS; i++) {
        sets[i].lives = lives;
        start(replaces, &sets[i]);
    }
    wg_wait(&wg);
}

static void larson(const struct heap *heap) {
    sets = take(heap, SETS * sizeof *sets);
    for (unsigned i = 0; i < SETS; i++) {
        sets[i] = (struct set){.heap = heap, .random = i + 1};
        for (unsigned k = 0; k < BLOCKS; k++) {
            sets[i].block[k] = take(heap, 16 + next_random(&sets[i].random) % 500);
        }
    }
    live(2); /* what grows has grown */
    bench_start();
    live(LIVES);
    bench_stop(SETS * LIVES * REPLACE);
    heap->give(sets);
}

BENCH(heap_larson, CORES(1) | CORES(4)) {
    larson(&ours);
}

/* ---- freed on another core --------------------------------------------------------------------- */
/*
 * Pairs of Gs, each pinned to a core: one takes blocks and sends them on by the row, the other frees them. On one core
 * both are there.
 */
#define ROW   64u
#define ROWS  300u
#define SIZES 8u

struct row {
    void *block[ROW];
};

static struct pair {
    const struct heap *heap;
    struct chan *rows;
    unsigned n;
} pairs[2];

static void produces(void *arg) {
    struct pair *p = arg;
    for (unsigned i = 0; i < p->n; i++) {
        struct row row;
        for (unsigned k = 0; k < ROW; k++) {
            row.block[k] = take(p->heap, 24 + (i + k) % SIZES * 16);
        }
        chan_send(p->rows, &row);
    }
    wg_done(&wg);
}

static void consumes(void *arg) {
    struct pair *p = arg;
    for (unsigned i = 0; i < p->n; i++) {
        struct row row;
        chan_recv(p->rows, &row);
        for (unsigned k = 0; k < ROW; k++) {
            p->heap->give(row.block[k]);
        }
    }
    wg_done(&wg);
}

static void pairs_run(unsigned rows) {
    wg_add(&wg, 4);
    for (unsigned i = 0; i < 2; i++) {
        pairs[i].n = rows;
        start_on(2 * i % go_cores(), produces, &pairs[i]);
        start_on((2 * i + 1) % go_cores(), consumes, &pairs[i]);
    }
    wg_wait(&wg);
}

static void handed(const struct heap *heap) {
    for (unsigned i = 0; i < 2; i++) {
        pairs[i] = (struct pair){.heap = heap, .rows = CHAN(struct row, 8)};
    }
    pairs_run(20);
    bench_start();
    pairs_run(ROWS);
    bench_stop(2 * ROWS * ROW);
    for (unsigned i = 0; i < 2; i++) {
        chan_free(pairs[i].rows);
    }
}

BENCH(heap_handed, CORES(1) | CORES(4)) {
    handed(&ours);
}

/* ---- newlib alone ------------------------------------------------------------------------------ */

#ifndef HAL_HOST

#include <reent.h>

void *__real__malloc_r(struct _reent *r, size_t n);
void __real__free_r(struct _reent *r, void *p);

static void *newlib_takes(size_t n) {
    return __real__malloc_r(_REENT, n);
}

static void newlib_gives(void *p) {
    __real__free_r(_REENT, p);
}

static const struct heap newlib = {newlib_takes, newlib_gives};

BENCH(heap_larson_newlib, CORES(1) | CORES(4)) {
    larson(&newlib);
}

BENCH(heap_handed_newlib, CORES(1) | CORES(4)) {
    handed(&newlib);
}

#endif
