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

/* Under the lock. n are free: those of the list, then what was never used. */
static void take_each(void **pages, unsigned n) NEEDS(pool.lock) {
    void **end = pages + n;
    struct page *p = pool.list;
    for (; pages != end && p != NULL; p = p->next) {
        *pages++ = p;
    }
    pool.list = p;
    for (unsigned i = 0; i < RANGES && pages != end; i++) {
        uintptr_t at = pool.fresh[i].at;
        size_t here = (pool.fresh[i].end - at) / HAL_PAGE, want = (size_t)(end - pages);
        for (void **stop = pages + (here < want ? here : want); pages != stop; at += HAL_PAGE) {
            *pages++ = (void *)at;
        }
        pool.fresh[i].at = at;
    }
    pool.free -= n;
}

static unsigned take(void **pages, unsigned n, size_t leave) {
    hal_irq_t was = spin_lock(&pool.lock);
    size_t spare = pool.free > leave ? pool.free - leave : 0;
    n = n < spare ? n : (unsigned)spare;
    take_each(pages, n);
    spin_unlock(&pool.lock, was);
    for (unsigned i = 0; i < n; i++) {
        sanitize_open(pages[i], HAL_PAGE);
    }
    return n;
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

unsigned pages_alloc_reserved(void **pages, unsigned n) {
    return take(pages, n, 0);
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
