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

static void *take(size_t leave) {
    hal_irq_t was = spin_lock(&pool.lock);
    struct page *p = NULL;
    if (pool.free > leave) {
        p = pool.list;
        if (p != NULL) {
            pool.list = p->next;
            pool.free--;
        } else {
            p = cut(1);
        }
    }
    spin_unlock(&pool.lock, was);
    if (p != NULL) {
        sanitize_open(p, HAL_PAGE);
    }
    return p;
}

void *page_alloc(void) {
    return take(RESERVE_PER_CORE * hal_core_count());
}

void *page_alloc_reserved(void) {
    return take(0);
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
