/* tests/libc/test_malloc.c - the heap: contents, alignment, its end, and what comes after that. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/test.h"

static struct wg wg;

/* Where a compiler must not guess what an allocation gives. */
static void *volatile got;

static size_t free_pages(void) {
    size_t all, free;
    info_memory(&all, &free);
    return free;
}

TEST(libc, malloc_keeps_contents) {
    enum { N = 200 };
    static unsigned char *block[N];
    static size_t size[N];
    uint32_t random = 1234567u;
    for (unsigned i = 0; i < N; i++) {
        size[i] = 1 + test_random(&random) % 20000;
        block[i] = malloc(size[i]);
        CHECK(block[i] != NULL);
        CHECK_EQ((uintptr_t)block[i] % 16, 0);
        memset(block[i], (int)i, size[i]);
    }
    for (unsigned i = 0; i < N; i++) {
        size_t more = size[i] + test_random(&random) % 20000;
        block[i] = realloc(block[i], more);
        CHECK(block[i] != NULL);
        for (size_t k = 0; k < size[i]; k++) {
            CHECK_EQ(block[i][k], (unsigned char)i);
        }
        free(block[i]);
    }
}

/* A compiler may take an allocation out that is only compared with NULL, and say it succeeded. */
static void *volatile got;

TEST(libc, calloc_is_zero) {
    for (size_t n = 1; n < 100000; n *= 3) {
        unsigned char *p = malloc(n);
        CHECK(p != NULL);
        memset(p, 0xff, n);
        free(p);
        p = calloc(n, 1);
        CHECK(p != NULL);
        for (size_t i = 0; i < n; i++) {
            CHECK_EQ(p[i], 0);
        }
        free(p);
    }
    volatile size_t too_many = SIZE_MAX / 2;
    got = calloc(too_many, 4);
    CHECK(got == NULL);
}

TEST(libc, aligned_memory) {
    for (size_t a = 16; a <= KB(64); a *= 2) {
        void *p = memalign(a, 100);
        CHECK(p != NULL);
        CHECK_EQ((uintptr_t)p % a, 0);
        free(p);
        p = aligned_alloc(a, a);
        CHECK(p != NULL);
        CHECK_EQ((uintptr_t)p % a, 0);
        free(p);
    }
}

TEST(libc, malloc_of_too_much) {
    static const volatile size_t sizes[] = {SIZE_MAX, PTRDIFF_MAX, (size_t)1 << 40, (size_t)1 << 31};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        errno = 0;
        got = malloc(sizes[i]);
        CHECK(got == NULL);
        CHECK_EQ(errno, ENOMEM);
    }
    free(NULL);
}

/* ---- to the end ------------------------------------------------------------------------------ */

struct link {
    struct link *next;
};

/* Blocks of size until there is no more; how many. */
static size_t take_all(struct link **all, size_t size) {
    size_t n = 0;
    struct link *l;
    while ((l = malloc(size)) != NULL) {
        l->next = *all;
        *all = l;
        n++;
    }
    CHECK_EQ(errno, ENOMEM);
    return n;
}

static void give_all(struct link **all) {
    while (*all != NULL) {
        struct link *next = (*all)->next;
        free(*all);
        *all = next;
    }
}

static void prints_a_number(void *arg) {
    snprintf(arg, 16, "%.3f", 2.5);
    wg_done(&wg);
}

/* Down to the last byte, twice: the heap says ENOMEM, Gs go on, and all of it comes back. */
TEST(libc, malloc_to_exhaustion) {
    size_t before = free_pages();
    size_t blocks[2];
    for (int round = 0; round < 2; round++) {
        struct link *all = NULL;
        errno = 0;
        blocks[round] = take_all(&all, MB(1));
        CHECK(blocks[round] > 20);
        CHECK(take_all(&all, KB(1)) > 0);
        go_sleep(US(100)); /* switching needs no memory */
        give_all(&all);
        malloc_trim(0);
        char text[16] = "";
        wg_add(&wg, 1);
        start(prints_a_number, text);
        wg_wait(&wg);
        CHECK(strcmp(text, "2.500") == 0);
    }
    CHECK(blocks[1] + 2 >= blocks[0]);
    /* Translation tables stay, one page for 512, and a sanitizer's shadow, one for 8. */
    size_t stay = test_sanitized ? before / 8 : before / 256;
    CHECK(free_pages() + stay + 64 >= before);
}

/* ---- many at once ---------------------------------------------------------------------------- */

static void churns(void *arg) {
    uint32_t random = 77 + (uint32_t)(uintptr_t)arg;
    unsigned char *own[8] = {0};
    size_t size[8] = {0};
    for (unsigned turn = 0; turn < test_rounds(2000); turn++) {
        unsigned i = test_random(&random) % 8;
        if (own[i] == NULL) {
            size[i] = 1 + test_random(&random) % 3000;
            own[i] = malloc(size[i]);
            CHECK(own[i] != NULL);
            memset(own[i], (int)(random & 0xff), size[i]);
        } else {
            for (size_t k = 1; k < size[i]; k++) {
                CHECK_EQ(own[i][k], own[i][0]);
            }
            free(own[i]);
            own[i] = NULL;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        free(own[i]);
    }
    wg_done(&wg);
}

static void churn_on_all_cores(void) {
    unsigned n = 4 * go_num_cores();
    wg_add(&wg, (int)n);
    for (uintptr_t i = 0; i < n; i++) {
        start(churns, (void *)i);
    }
    wg_wait(&wg);
}

/* No byte is ever in two blocks, and none is lost: the heap ends where it ended after the first
 * round. */
TEST(libc, malloc_on_all_cores) {
    go_set_slice(US(200));
    churn_on_all_cores();
    const char *end = sbrk(0);
    for (int i = 0; i < 4; i++) {
        churn_on_all_cores();
    }
    CHECK((const char *)sbrk(0) - end < (ptrdiff_t)KB(256));
}

/* ---- what cores keep (libc/malloc.c) --------------------------------------------------------- */

/* Each size a stash knows and those beyond: aligned, as large as it says, and kept through realloc(). */
TEST(libc, malloc_of_each_size) {
    for (size_t n = 0; n <= 1400; n++) {
        unsigned char *first = malloc(n);
        CHECK(first != NULL);
        CHECK_EQ((uintptr_t)first % 16, 0);
        CHECK(malloc_usable_size(first) >= n);
        memset(first, (int)n, n);
        size_t other = n * 7919 % 1500;
        unsigned char *p = realloc(first, other);
        CHECK(p != NULL);
        CHECK_EQ((uintptr_t)p % 16, 0);
        CHECK(malloc_usable_size(p) >= other);
        for (size_t i = 0; i < n && i < other; i++) {
            CHECK_EQ(p[i], (unsigned char)n);
        }
        memset(p, 1, other);
        free(p);
    }
}

/* Blocks whose sizes are no class's: what memalign() cuts off, before and behind. */
TEST(libc, aligned_blocks_come_back) {
    for (size_t a = 16; a <= KB(4); a *= 2) {
        for (size_t n = 1; n <= 1200; n += 37) {
            unsigned char *p = memalign(a, n), *q = malloc(n);
            CHECK(p != NULL && q != NULL);
            CHECK_EQ((uintptr_t)p % a, 0);
            CHECK(malloc_usable_size(p) >= n);
            memset(p, 1, n);
            memset(q, 2, n);
            for (size_t i = 0; i < n; i++) {
                CHECK_EQ(p[i] + q[i], 3);
            }
            free(p);
            free(q);
        }
    }
}

TEST(libc, realloc_of_too_much) {
    volatile size_t n = SIZE_MAX - 100;
    static void *volatile p; /* a compiler would say that it is gone */
    p = malloc(100);
    CHECK(p != NULL);
    errno = 0;
    got = realloc(p, n);
    CHECK(got == NULL);
    CHECK_EQ(errno, ENOMEM);
    settle(); /* the heap has no owner: another G goes on */
    char text[16] = "";
    wg_add(&wg, 1);
    start(prints_a_number, text);
    wg_wait(&wg);
    CHECK(strcmp(text, "2.500") == 0);
    free(p);
}

#define ROW 200u

static void *row[ROW];

static void fills_row(void *arg) {
    for (unsigned i = 0; i < ROW; i++) {
        row[i] = malloc((uintptr_t)arg + i % 8 * 100);
        CHECK(row[i] != NULL);
    }
    wg_done(&wg);
}

static void frees_row(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < ROW; i++) {
        free(row[i]);
    }
    wg_done(&wg);
}

static void on(unsigned core, go_fn *fn, uintptr_t arg) {
    wg_add(&wg, 1);
    start_on(core, fn, (void *)arg);
    wg_wait(&wg);
}

/* What another core frees comes back, and is no longer in use to who asks. */
TEST(libc, freed_on_another_core) {
    unsigned far = go_num_cores() - 1;
    on(0, fills_row, 20);
    on(far, frees_row, 0);
    size_t used = mallinfo().uordblks;
    const char *end = sbrk(0);
    for (unsigned i = 0; i < 50; i++) {
        on(0, fills_row, 20);
        CHECK(mallinfo().uordblks >= used + ROW * 20 || test_sanitized);
        on(far, frees_row, 0);
    }
    CHECK((const char *)sbrk(0) - end < (ptrdiff_t)KB(256));
    CHECK(mallinfo().uordblks == used || test_sanitized); /* a sanitizer lets what is freed rest */
}

static struct sema freeing, taking;

/* Both started while there is memory for it. */
static void frees_when_told(void *arg) {
    sema_wait(&freeing);
    frees_row(arg);
}

static void takes_when_told(void *arg) {
    size_t *n = arg;
    struct link *again = NULL;
    sema_wait(&taking);
    *n = take_all(&again, KB(1));
    give_all(&again);
    wg_done(&wg);
}

/* The last memory lies in another core's stash. */
TEST(libc, last_memory_is_elsewhere) {
    if (test_sanitized) {
        SKIP("a sanitizer's heap keeps for itself what is freed");
    }
    struct link *all = NULL;
    size_t n = 0;
    start_on(go_num_cores() - 1, frees_when_told, NULL);
    start_on(0, takes_when_told, &n);
    take_all(&all, MB(1));
    take_all(&all, KB(1));
    for (unsigned i = 0; i < 40; i++) {
        row[i] = all;
        all = all->next;
    }
    for (unsigned i = 40; i < ROW; i++) {
        row[i] = NULL;
    }
    wg_add(&wg, 1);
    sema_post(&freeing);
    wg_wait(&wg);
    wg_add(&wg, 1);
    sema_post(&taking);
    wg_wait(&wg);
    give_all(&all);
    malloc_trim(0);
    CHECK(n >= 40);
}
