/* tests/test_pages.c - the page allocator: pages are distinct, whole, and come back. */
#include "sched/pages.h"
#include "tests/test.h"

#define MANY 200

static uintptr_t *page[MANY];

static void take_all(void) {
    for (unsigned i = 0; i < MANY; i++) {
        page[i] = page_alloc();
        CHECK(page[i] != NULL);
        CHECK_EQ((uintptr_t)page[i] % HAL_PAGE, 0);
    }
}

static void give_all(void) {
    for (unsigned i = 0; i < MANY; i++) {
        page_free(page[i]);
    }
}

TEST(unit, pages_are_distinct_and_whole) {
    take_all();
    for (unsigned i = 0; i < MANY; i++) {
        for (unsigned k = 0; k < HAL_PAGE / sizeof(uintptr_t); k++) {
            page[i][k] = i * 1000003u + k;
        }
    }
    for (unsigned i = 0; i < MANY; i++) {
        for (unsigned k = 0; k < HAL_PAGE / sizeof(uintptr_t); k++) {
            CHECK_EQ(page[i][k], i * 1000003u + k);
        }
    }
    give_all();
}

/* All of it, also what was written to, and nothing beside it. */
TEST(unit, pages_of_zeros) {
    take_all();
    for (unsigned i = 0; i < MANY; i++) {
        for (unsigned k = 0; k < HAL_PAGE / sizeof(uintptr_t); k++) {
            page[i][k] = UINTPTR_MAX;
        }
    }
    for (unsigned i = 0; i < MANY; i += 2) {
        hal_clear_page(page[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        for (unsigned k = 0; k < HAL_PAGE / sizeof(uintptr_t); k++) {
            CHECK_EQ(page[i][k], i % 2 == 0 ? 0 : UINTPTR_MAX);
        }
    }
    give_all();
    uintptr_t *zeros = page_alloc_zeros();
    CHECK(zeros != NULL);
    for (unsigned k = 0; k < HAL_PAGE / sizeof(uintptr_t); k++) {
        CHECK_EQ(zeros[k], 0);
    }
    page_free(zeros);
}

/* Another core may take a page for itself at the same time, but not each time. */
TEST(unit, pages_are_counted) {
    bool right = false;
    for (int attempt = 0; attempt < 100 && !right; attempt++) {
        settle();
        size_t before = pages_free_count();
        take_all();
        size_t between = pages_free_count();
        give_all();
        right = between == before - MANY && pages_free_count() == before;
    }
    CHECK(right);
    size_t all, free;
    info_memory(&all, &free);
    CHECK_EQ(all, pages_total());
    CHECK(free < all);
}

TEST(unit, pages_come_back) {
    size_t before = pages_free_count();
    for (unsigned i = 0; i < 100; i++) {
        take_all();
        give_all();
    }
    CHECK(pages_free_count() + 2 * MANY > before);
}

TEST(unit, pages_in_a_row) {
    char *row = pages_alloc_row(5);
    CHECK(row != NULL);
    CHECK_EQ((uintptr_t)row % HAL_PAGE, 0);
    for (unsigned i = 0; i < 5 * HAL_PAGE; i++) {
        row[i] = (char)(i * 7);
    }
    for (unsigned i = 0; i < 5 * HAL_PAGE; i++) {
        CHECK_EQ(row[i], (char)(i * 7));
    }
    for (unsigned i = 0; i < 5; i++) {
        page_free(row + i * HAL_PAGE);
    }
    CHECK(pages_alloc_row(pages_total() + 1) == NULL);
}

static struct wg wg;

static void churn(void *arg) {
    uint32_t random = 1 + (uint32_t)(uintptr_t)arg;
    uintptr_t *own[8] = {0};
    for (unsigned turn = 0; turn < test_rounds(4000); turn++) {
        unsigned i = test_random(&random) % 8;
        if (own[i] == NULL) {
            own[i] = page_alloc();
            CHECK(own[i] != NULL);
            own[i][0] = own[i][HAL_PAGE / sizeof(uintptr_t) - 1] = (uintptr_t)&own[i];
        } else {
            CHECK(own[i][0] == (uintptr_t)&own[i]);
            CHECK(own[i][HAL_PAGE / sizeof(uintptr_t) - 1] == (uintptr_t)&own[i]);
            page_free(own[i]);
            own[i] = NULL;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (own[i] != NULL) {
            page_free(own[i]);
        }
    }
    wg_done(&wg);
}

/* No page is ever in two hands. */
TEST(unit, pages_on_all_cores) {
    wg_add(&wg, (int)go_num_cores());
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, churn, (void *)(uintptr_t)i);
    }
    wg_wait(&wg);
}
