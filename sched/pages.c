/* sched/pages.c - the page allocator: RAM that was never used is cut from the front of its range,
 * what comes back goes onto a list. (To put all of RAM on a list at boot would cost a million
 * instructions.) */
#include "sched/pages.h"

#include "hal/sanitize.h"
#include "sched/assert.h"
#include "sched/sched.h"

#define RANGES 8

/* Pages per core that page_alloc() leaves: a full magazine each. */
#define RESERVE_PER_CORE MAGAZINE

struct page {
    struct page *next;
};

static struct {
    spinlock_t lock;
    /* guarded by lock */
    struct {
        uintptr_t at, end;
    } fresh[RANGES];
    struct page *list;
    size_t free, total;
} pool = {.lock = SPINLOCK(RANK_PAGES)};

void pages_init(void) {
    uintptr_t base;
    size_t size;
    for (unsigned i = 0; i < RANGES && hal_ram(i, &base, &size); i++) {
        pool.fresh[i].at = base;
        pool.fresh[i].end = base + size;
        pool.total += size / HAL_PAGE;
    }
    pool.free = pool.total;
}

/* Under the lock. */
static void *cut(size_t n) NEEDS(pool.lock) {
    for (unsigned i = 0; i < RANGES; i++) {
        if ((pool.fresh[i].end - pool.fresh[i].at) / HAL_PAGE >= n) {
            uintptr_t at = pool.fresh[i].at;
            pool.fresh[i].at += n * HAL_PAGE;
            pool.free -= n;
            return (void *)at;
        }
    }
    return NULL;
}

static void *take_one(void) NEEDS(pool.lock) {
    struct page *p = pool.list;
    if (p == NULL) {
        return cut(1);
    }
    pool.list = p->next;
    pool.free--;
    return p;
}

static unsigned take(void **pages, unsigned n, size_t leave) {
    unsigned taken = 0;
    hal_irq_t was = spin_lock(&pool.lock);
    while (taken < n && pool.free > leave) {
        pages[taken++] = take_one(); /* one is free, so there is one */
    }
    spin_unlock(&pool.lock, was);
    for (unsigned i = 0; i < taken; i++) {
        sanitize_open(pages[i], HAL_PAGE);
    }
    return taken;
}

unsigned pages_alloc(void **pages, unsigned n) {
    return take(pages, n, RESERVE_PER_CORE * hal_core_count());
}

void *page_alloc(void) {
    void *page;
    return pages_alloc(&page, 1) != 0 ? page : NULL;
}

void *page_alloc_zeros(void) {
    void *page = page_alloc();
    if (page != NULL) {
        hal_clear_page(page);
    }
    return page;
}

void *page_alloc_reserved(void) {
    void *page;
    return take(&page, 1, 0) != 0 ? page : NULL;
}

void *pages_alloc_row(size_t n) {
    hal_irq_t was = spin_lock(&pool.lock);
    void *p = pool.free > n + RESERVE_PER_CORE * hal_core_count() ? cut(n) : NULL;
    spin_unlock(&pool.lock, was);
    if (p != NULL) {
        sanitize_open(p, n * HAL_PAGE);
    }
    return p;
}

void page_free(void *page) {
    struct page *p = page;
    ASSERT(((uintptr_t)page & (HAL_PAGE - 1)) == 0);
    sanitize_close(page, HAL_PAGE);
    hal_irq_t was = spin_lock(&pool.lock);
    p->next = pool.list;
    pool.list = p;
    pool.free++;
    spin_unlock(&pool.lock, was);
}

size_t pages_total(void) {
    return pool.total;
}

size_t pages_free_count(void) {
    hal_irq_t was = spin_lock(&pool.lock);
    size_t n = pool.free;
    spin_unlock(&pool.lock, was);
    return n;
}
