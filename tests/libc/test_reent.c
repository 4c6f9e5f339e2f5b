/* tests/libc/test_reent.c - what is the C library's and each G has for itself; time;
 * constructors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"

#define MANY 64

static struct wg wg;

/* ---- constructors ---------------------------------------------------------------------------- */

static struct {
    unsigned runs;
    uint64_t in_g;
    char text[8];
} constructed;

/* May do all that a program may. */
__attribute__((constructor)) static void constructs(void) {
    constructed.runs++;
    constructed.in_g = go_id();
    go_yield();
    snprintf(constructed.text, sizeof constructed.text, "%.1f", 0.5);
}

TEST(libc, constructors_ran_in_main) {
    CHECK_EQ(constructed.runs, 1);
    CHECK_EQ(constructed.in_g, 1);
    CHECK(strcmp(constructed.text, "0.5") == 0);
}

/* ---- one for each G that asks ---------------------------------------------------------------- */

static void asks_late(void *arg) {
    (void)arg;
    go_yield();
    CHECK(*go_local() == NULL);
    CHECK_EQ(errno, 0);
    CHECK(*go_local() != NULL);
    CHECK(*go_local() == *go_local());
    wg_done(&wg);
}

TEST(libc, reent_is_made_by_the_first_call) {
    wg_add(&wg, MANY);
    for (int i = 0; i < MANY; i++) {
        start(asks_late, NULL);
    }
    wg_wait(&wg);
}

static void keeps_errno(void *arg) {
    int mine = 1000 + (int)(uintptr_t)arg;
    errno = mine;
    for (unsigned i = 0; i < test_rounds(200); i++) {
        go_yield();
        CHECK_EQ(errno, mine);
    }
    CHECK(fopen("/nope", "r") == NULL);
    CHECK_EQ(errno, ENOENT);
    go_yield();
    CHECK_EQ(errno, ENOENT);
    wg_done(&wg);
}

TEST(libc, errno_is_per_g) {
    wg_add(&wg, MANY);
    for (uintptr_t i = 0; i < MANY; i++) {
        start(keeps_errno, (void *)i);
    }
    wg_wait(&wg);
}

static void keeps_strtok(void *arg) {
    char text[64], want[16];
    int mine = (int)(uintptr_t)arg * 10;
    snprintf(text, sizeof text, "a%d b%d c%d d%d", mine, mine + 1, mine + 2, mine + 3);
    char *word = strtok(text, " ");
    for (int i = 0; i < 4; i++) {
        snprintf(want, sizeof want, "%c%d", 'a' + i, mine + i);
        CHECK(word != NULL && strcmp(word, want) == 0);
        go_yield();
        word = strtok(NULL, " ");
    }
    CHECK(word == NULL);
    wg_done(&wg);
}

TEST(libc, strtok_is_per_g) {
    wg_add(&wg, MANY);
    for (uintptr_t i = 0; i < MANY; i++) {
        start(keeps_strtok, (void *)i);
    }
    wg_wait(&wg);
}

static void keeps_rand(void *arg) {
    unsigned seed = 1 + (unsigned)(uintptr_t)arg;
    int first[8];
    srand(seed);
    for (int i = 0; i < 8; i++) {
        first[i] = rand();
        go_yield();
    }
    srand(seed);
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(rand(), first[i]);
        go_yield();
    }
    wg_done(&wg);
}

TEST(libc, rand_is_per_g) {
    wg_add(&wg, MANY);
    for (uintptr_t i = 0; i < MANY; i++) {
        start(keeps_rand, (void *)i);
    }
    wg_wait(&wg);
}

/* ---- nothing stays --------------------------------------------------------------------------- */

static void leaves_state(void *arg) {
    char text[40];
    (void)arg;
    snprintf(text, sizeof text, "%.20f",
             strtod("0.1234567890123456789", NULL)); /* big numbers hang on the reent */
    go_yield();
    wg_done(&wg);
}

static void run_batch(void) {
    wg_add(&wg, MANY);
    for (int i = 0; i < MANY; i++) {
        start(leaves_state, NULL);
    }
    wg_wait(&wg);
    go_sleep(MS(1)); /* they are done, but may not have ended */
}

/* The first rounds fill the caches of dead Gs, which keep two pages each. */
TEST(libc, reent_is_given_back) {
    size_t all, before, after;
    for (int i = 0; i < 20; i++) {
        run_batch();
    }
    settle();
    const char *heap = sbrk(0);
    info_memory(&all, &before);
    for (unsigned i = 0; i < 100; i++) {
        run_batch();
    }
    settle();
    info_memory(&all, &after);
    CHECK((const char *)sbrk(0) - heap < (ptrdiff_t)KB(256));
    /* Three blocks make a page: half of what they would take. */
    CHECK(after + 100 * MANY / 6 >= before);
}

static go_key_t late;

static void prints_late(void *value) {
    char text[40];
    snprintf(text, sizeof text, "%.20f", strtod("0.1234567890123456789", NULL));
    wg_done(value);
}

static void leaves_late_state(void *arg) {
    CHECK_EQ(go_key_set(late, arg), 0);
}

/* The destructor of a value of the G's own is called while the G still has its part of the library. */
TEST(libc, reent_outlives_destructors) {
    size_t all, before, after;
    CHECK_EQ(go_key_make(&late, prints_late), 0);
    for (int round = 0; round < 120; round++) {
        if (round == 20) {
            settle();
            info_memory(&all, &before);
        }
        wg_add(&wg, MANY);
        for (int i = 0; i < MANY; i++) {
            start(leaves_late_state, &wg);
        }
        wg_wait(&wg);
        go_sleep(MS(1));
    }
    settle();
    info_memory(&all, &after);
    CHECK(after + 100 * MANY / 6 >= before); /* as above */
    go_key_free(late);
}

/* ---- time ------------------------------------------------------------------------------------ */

TEST(libc, clocks_agree) {
    ns_t last = 0;
    for (int i = 0; i < 50; i++) {
        struct timeval tv;
        struct tms tms;
        ns_t before = go_now();
        CHECK_EQ(gettimeofday(&tv, NULL), 0);
        ns_t between = tv.tv_sec * SEC(1) + tv.tv_usec * US(1);
        CHECK(before - US(1) < between && between <= go_now());
        CHECK(between >= last);
        last = between;
        clock_t ticks = times(&tms), c = clock();
        CHECK((ns_t)ticks * (SEC(1) / CLOCKS_PER_SEC) <= go_now());
        CHECK(c >= ticks && tms.tms_utime == ticks);
        time_t t = time(NULL);
        CHECK(t >= tv.tv_sec && t <= go_now() / SEC(1));
        go_sleep(US(100));
    }
    time_t t = 86400 + 3600 + 61;
    CHECK(strcmp(asctime(gmtime(&t)), "Fri Jan  2 01:01:01 1970\n") == 0);
}
