/* memory.c - blocks of random sizes from malloc(), and Gs that only wait: what they cost, and how much memory. */
#include "work.h"

#include <bareloom/info.h>
#include <stdlib.h>

/* ---- malloc() ------------------------------------------------------------------------------------ */

#define BLOCKS 64u

static struct {
    struct wg over;
    long times;
} m;

static void replaces(void *arg) {
    void *block[BLOCKS] = {0};
    uint32_t x = (uint32_t)(uintptr_t)arg * 0x9e3779b9u + 1;
    for (long i = 0; i < m.times; i++) {
        x ^= x << 13; /* xorshift32 */
        x ^= x >> 17;
        x ^= x << 5;
        void **b = &block[x % BLOCKS];
        free(*b);
        *b = malloc(16 + x / BLOCKS % 500);
        if (*b == NULL) {
            PANIC("no memory for a block");
        }
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        free(block[i]);
    }
    wg_done(&m.over);
}

WORK(blocks, "a G on each core replaces blocks of up to 515 bytes --times=2000 times") {
    m.times = many("times", 2000);
    unsigned cores = go_cores();
    for (int warm = 1; warm >= 0; warm--) { /* once for what grows */
        struct sums before = sums_now();
        ns_t began = go_now();
        wg_add(&m.over, (int)cores);
        for (unsigned i = 0; i < cores; i++) {
            start_on(i, replaces, (void *)(uintptr_t)i);
        }
        wg_wait(&m.over);
        if (!warm) {
            tell("ns", go_now() - began);
            tell("times", m.times * cores);
            tell("lock_wait", sums_now().lock_wait - before.lock_wait);
        }
    }
}

/* ---- Gs that come and go --------------------------------------------------------------------------- */

static void ends(void *arg) {
    wg_done(arg);
}

static void starts(void *arg) {
    (void)arg;
    for (long i = 0; i < m.times; i += 8) {
        struct wg some = {0};
        wg_add(&some, 8);
        for (int k = 0; k < 8; k++) {
            start(ends, &some);
        }
        wg_wait(&some);
    }
    wg_done(&m.over);
}

WORK(lives, "a G on each core starts --times=800 others, eight at a time, which end at once") {
    m.times = many("times", 800);
    unsigned cores = go_cores();
    for (int warm = 1; warm >= 0; warm--) {
        struct sums before = sums_now();
        ns_t began = go_now();
        wg_add(&m.over, (int)cores);
        for (unsigned i = 0; i < cores; i++) {
            start_on(i, starts, NULL);
        }
        wg_wait(&m.over);
        if (!warm) {
            tell("ns", go_now() - began);
            tell("times", m.times * cores);
            tell("lock_wait", sums_now().lock_wait - before.lock_wait);
        }
    }
}

/* ---- Gs that wait ---------------------------------------------------------------------------------- */

static struct sema go_on;

static void waits(void *arg) {
    sema_wait(&go_on);
    wg_done(arg);
}

WORK(parked, "--gs=1000 wait at the same time; --small=1: on small stacks") {
    long gs = many("gs", 1000);
    size_t stack = option("small", 0) != 0 ? GO_SMALL_STACK : 0;
    struct wg over = {0};
    size_t pages, before, after;
    go_set_cores(1);
    info_memory(&pages, &before);
    ns_t began = go_now();
    wg_add(&over, (int)gs);
    for (long i = 0; i < gs; i++) {
        if (go_with(&GO_OPTS(.stack = stack), waits, &over) != 0) {
            PANIC("no memory for the G after %ld others", i);
        }
    }
    ns_t took = go_now() - began;
    go_sleep(US(10)); /* all of them run once */
    info_memory(&pages, &after);
    for (long i = 0; i < gs; i++) {
        sema_post(&go_on);
    }
    wg_wait(&over);
    tell("bytes", (int64_t)((before - after) * 4096 / (size_t)gs));
    tell("start_ns", took / gs);
}
