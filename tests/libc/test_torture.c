/*
 * tests/libc/test_torture.c - a thousand Gs that use the C library and the floating-point unit
 * while they are preempted all the time and move from core to core. Each checks every result of its
 * own: errno, strtok and rand fail when Gs share a struct _reent, what was written into a block
 * when the heap has no lock, the sums of doubles when a preemption does not save the FP registers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

#define GS         1000
#define MIGRATIONS 10000u
#define BLOCKS     4

static struct wg wg;
static _Atomic unsigned migrations, rounds;

/* What a G keeps from round to round. */
struct state {
    uint32_t random;
    int number;
    unsigned core; /* seen last */
    unsigned char *block[BLOCKS];
    size_t size[BLOCKS];
};

static void note_core(struct state *s) {
    unsigned core = go_core();
    if (core != s->core) {
        s->core = core;
        atomic_fetch_add_explicit(&migrations, 1, memory_order_relaxed);
    }
}

/* ---- the FP unit ----------------------------------------------------------------------------- */

/* Twelve sums at a time in registers, no call and no memory: a preemption finds all of them live.
 * Twice the same numbers must give the same bits. */
static double sums(double x, unsigned n) {
    double a = x, b = x + 1, c = x + 2, d = x + 3, e = x + 4, f = x + 5;
    double g = x + 6, h = x + 7, i = x + 8, j = x + 9, k = x + 10, l = x + 11;
    for (; n > 0; n--) {
        a = a * 0.5 + b, b = b * 0.25 + c, c = c * 0.75 + d, d = d * 0.125 + e, e = e * 0.5 + f;
        f = f * 0.25 + g, g = g * 0.75 + h, h = h * 0.125 + i, i = i * 0.5 + j, j = j * 0.25 + k;
        k = k * 0.75 + l, l = l * 0.125 + a * 0.0625;
        __asm__ volatile(""
                         : "+w"(a), "+w"(b), "+w"(c), "+w"(d), "+w"(e), "+w"(f), "+w"(g), "+w"(h),
                           "+w"(i), "+w"(j), "+w"(k), "+w"(l));
    }
    return a + b + c + d + e + f + g + h + i + j + k + l;
}

static void computes(struct state *s) {
    double x = s->number + 0.5;
    unsigned n = 100 + test_random(&s->random) % 400;
    CHECK(sums(x, n) == sums(x, n));
}

/* ---- text ------------------------------------------------------------------------------------ */

static void prints(struct state *s) {
    char out[80];
    double d = (double)test_random(&s->random) / 1024, back = 0;
    long long ll = 0;
    int n = 0, i = 0;
    int length =
        snprintf(out, sizeof out, "%d %.17g %lld %n", s->number, d, (long long)s->number << 33, &n);
    CHECK(length > 0 && length == n && (size_t)length == strlen(out));
    CHECK_EQ(sscanf(out, "%d %lf %lld", &i, &back, &ll), 3);
    CHECK(i == s->number && back == d && ll == (long long)s->number << 33);
    CHECK(strtod(strchr(out, ' '), NULL) == d);
}

static void cuts_into_words(struct state *s) {
    char text[64];
    snprintf(text, sizeof text, "%d,%d;%d", s->number, s->number + 1, s->number + 2);
    const char *word = strtok(text, ",");
    for (int i = 0; i < 3; i++) {
        CHECK(word != NULL);
        CHECK_EQ(strtol(word, NULL, 10), s->number + i);
        word = strtok(NULL, ",;");
    }
    CHECK(word == NULL);
}

/* ---- the heap: blocks live for some rounds --------------------------------------------------- */

static void check_block(const struct state *s, unsigned i) {
    for (size_t k = 0; k < s->size[i]; k++) {
        CHECK_EQ(s->block[i][k], (unsigned char)(s->number + (int)i));
    }
}

static void allocates(struct state *s) {
    unsigned i = test_random(&s->random) % BLOCKS;
    if (s->block[i] == NULL) {
        s->size[i] = 1 + test_random(&s->random) % 2000; /* from a core's stash, and under the lock */
        s->block[i] = malloc(s->size[i]);
        CHECK(s->block[i] != NULL);
        memset(s->block[i], s->number + (int)i, s->size[i]);
    } else {
        check_block(s, i);
        free(s->block[i]);
        s->block[i] = NULL;
    }
}

static void frees_all(struct state *s) {
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (s->block[i] != NULL) {
            check_block(s, i);
            free(s->block[i]);
        }
    }
}

/* ---- jumps ----------------------------------------------------------------------------------- */

__attribute__((noinline)) static int jumps(jmp_buf to, int depth, int value) {
    if (depth == 0) {
        longjmp(to, value);
    }
    return depth < 0 ? depth : jumps(to, depth - 1, value) + depth;
}

static void jumps_back(struct state *s) {
    jmp_buf here;
    volatile double kept = s->number * 0.25;
    int v = setjmp(here);
    if (v == 0) {
        v = jumps(here, 5, s->number + 1);
    }
    CHECK_EQ(v, s->number + 1);
    CHECK(kept == s->number * 0.25);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void (*const things[])(struct state *s) = {computes,        prints,     allocates,
                                                  cuts_into_words, jumps_back, allocates};
#define THINGS (sizeof things / sizeof things[0])

static void round_of_all(struct state *s) {
    int seed = s->number + 1;
    errno = seed;
    srand((unsigned)seed);
    int first = rand(), second = rand();
    srand((unsigned)seed);
    CHECK_EQ(rand(), first);
    for (unsigned i = 0; i < THINGS; i++) {
        things[i](s);
        note_core(s);
    }
    CHECK_EQ(rand(), second);
    CHECK_EQ(errno, seed);
}

static void tortured(void *arg) {
    struct state s = {.number = (int)(intptr_t)arg, .core = go_core()};
    s.random = 2463534242u + (uint32_t)s.number;
    unsigned least = test_rounds(8);
    unsigned wanted = go_cores() > 1 ? test_rounds(MIGRATIONS) : 0;
    for (unsigned i = 0; i < least || atomic_load(&migrations) < wanted; i++) {
        round_of_all(&s);
        atomic_fetch_add_explicit(&rounds, 1, memory_order_relaxed);
    }
    frees_all(&s);
    wg_done(&wg);
}

TEST(libc, torture) {
    migrations = rounds = 0;
    uint64_t preempted = SUM(preempted), stolen = SUM(stolen);
    go_set_slice(US(100));
    wg_add(&wg, GS);
    for (intptr_t i = 0; i < GS; i++) {
        start(tortured, (void *)i);
    }
    wg_wait(&wg);
    kprintf("# torture: %u rounds, %u migrations, %lu preemptions, %lu stolen\n",
            atomic_load(&rounds), atomic_load(&migrations),
            (unsigned long)(SUM(preempted) - preempted), (unsigned long)(SUM(stolen) - stolen));
    CHECK(go_cores() == 1 || atomic_load(&migrations) >= test_rounds(MIGRATIONS));
    CHECK(SUM(preempted) - preempted >= test_rounds(GS));
}
