/* tests/test_memory.c - as many Gs as there is memory for, and what happens when there is none left. */
#include <errno.h>
#include <stdio.h>

#include "sched/pages.h"
#include "sched/sched.h"
#include "tests/test.h"

static struct wg wg;
static struct sema gate;
static _Atomic unsigned total;

static void parks(void *arg) {
    (void)arg;
    sema_wait(&gate);
    atomic_fetch_add(&total, 1);
    wg_done(&wg);
}

static void park_and_end(unsigned n) {
    unsigned before = go_count();
    total = 0;
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(parks, NULL);
    }
    CHECK_EQ(go_count(), before + n);
    for (unsigned i = 0; i < n; i++) {
        sema_post(&gate);
    }
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&total), n);
    settle();
}

/* What cores may keep in stock: pages for faults, frames, dead Gs of their own. */
#define STOCK 256

/* n Gs that wait at the same time: a stack page, a G and a share of a table each. The second round is made of what
 * the first has left. */
static void park_twice(unsigned n) {
    size_t all, first, second;
    park_and_end(n);
    info_memory(&all, &first);
    park_and_end(n);
    info_memory(&all, &second);
    if (second + STOCK * go_num_cores() < first) {
        printf("# %u Gs: %zu pages were free after the first round, %zu after the second\n", n,
               first, second);
    }
    CHECK(second + STOCK * go_num_cores() >= first);
}

/* Or as many as this machine has memory for. */
TEST(stress, parked_100000) {
    size_t all, free;
    info_memory(&all, &free);
    unsigned n = test_gs(test_rounds(100000));
    park_twice(n < free / 4 * 3 ? n : (unsigned)(free / 4 * 3));
}

/* tests/host/parked.sh has a machine for it. */
TEST(stress, parked_400000) {
    size_t all, free;
    info_memory(&all, &free);
    if (free < MB(3072) / 4096 || test_gs(400000) < 400000) {
        SKIP("takes 2 GB of RAM");
    }
    park_twice(400000);
}

/* ---- no memory ------------------------------------------------------------------------------------ */

struct hoard {
    struct hoard *next;
};

static struct hoard *take_all_pages(void) {
    struct hoard *all = NULL, *page;
    while ((page = page_alloc()) != NULL) {
        page->next = all;
        all = page;
    }
    return all;
}

static void give_pages(struct hoard *all) {
    while (all != NULL) {
        struct hoard *next = all->next;
        page_free(all);
        all = next;
    }
}

/* Without a free page everything that needs one says so, what runs goes on, and afterwards all is well. */
TEST(stress, out_of_memory_is_an_error) {
    struct hoard *all = take_all_pages();
    unsigned started = 0;
    int error = 0;
    total = 0;
    while (started < 1000000 && (error = go(parks, NULL)) == 0) { /* many stacks are cached */
        started++;
    }
    void *page = go_page_alloc();
    void *heap = go_heap_grow((ptrdiff_t)MB(1));
    struct chan *c = chan_make(KB(64), 4);
    go_sleep(MS(1));
    give_pages(all);
    wg_add(&wg, (int)started);
    for (unsigned i = 0; i < started; i++) {
        sema_post(&gate);
    }
    CHECK_EQ(error, -ENOMEM);
    CHECK(page == NULL);
    CHECK(heap == (void *)-1);
    CHECK(c == NULL);
    wg_wait(&wg);
    CHECK_EQ(atomic_load(&total), started);
    wg_add(&wg, 1);
    start(parks, NULL);
    sema_post(&gate);
    wg_wait(&wg);
}

static bool counts(struct g *g, void *n) {
    (void)g;
    ++*(unsigned *)n;
    return true;
}

static unsigned gs_made(void) {
    unsigned n = 0;
    g_each(counts, &n);
    return n;
}

/* Dead Gs keep pages of their stacks for the next ones; others get them when there is nothing else. Those without are
 * used again, too. */
TEST(stress, dead_gs_give_way) {
    settle();
    park_and_end(4000);
    struct hoard *all = take_all_pages();
    void *page = go_page_alloc();
    char *heap = go_heap_grow((ptrdiff_t)MB(4));
    struct chan *c = chan_make(KB(64), 16);
    bool none = page == NULL || heap == (char *)-1 || c == NULL;
    give_pages(all);
    CHECK(!none);
    go_page_free(page);
    chan_free(c);
    go_heap_grow(-(ptrdiff_t)MB(4));
    unsigned made = gs_made();
    park_and_end(1000);
    CHECK_EQ(gs_made(), made);
}

static _Atomic unsigned fired;

static void fires(void *arg) {
    (void)arg;
    atomic_fetch_add(&fired, 1);
}

#define SPARE 20000 /* more than any test before this one has made and freed */

static struct timer *many[SPARE];

/* Functions whose time comes when no G can be made: late, never lost. A deadline and a timer that would need a page
 * say so. */
TEST(stress, timers_without_memory) {
    enum { N = 10 };
    struct timer *t[N];
    unsigned parked = 0;
    fired = 0;
    use_cores(1);
    for (int i = 0; i < N; i++) {
        t[i] = timer_after_func(SEC(1000), fires, NULL);
        CHECK(t[i] != NULL);
    }
    struct hoard *all = take_all_pages();
    while (go(parks, NULL) == 0) {
        parked++;
    }
    for (int i = 0; i < N; i++) {
        CHECK_EQ(timer_reset(t[i], 1), 1);
    }
    struct timer *made = NULL;
    unsigned spare = 0;
    while (spare < SPARE && (made = timer_make(SEC(1000))) != NULL) {
        many[spare++] = made;
    }
    go_sleep(MS(1));
    give_pages(all);
    wg_add(&wg, (int)parked);
    sema_post_n(&gate, parked);
    wg_wait(&wg);
    CHECK(made == NULL);
    WAIT_FOR(atomic_load(&fired) == N);
    for (int i = 0; i < N; i++) {
        timer_free(t[i]);
    }
    while (spare != 0) {
        timer_free(many[--spare]);
    }
}

TEST(stress, pages_balance) {
    size_t all, before, after;
    settle();
    info_memory(&all, &before);
    wg_add(&wg, 2000);
    for (int i = 0; i < 2000; i++) {
        start(parks, NULL);
    }
    for (int i = 0; i < 2000; i++) {
        sema_post(&gate);
    }
    wg_wait(&wg);
    settle();
    info_memory(&all, &after);
    /* dead Gs keep two pages each, and there were 2000 at most */
    CHECK(after + 2 * 2000 + 2000 / 8 >= before);
}
