/* sched/mem.c - small objects from lists of powers of two cut from pages, large ones from runs of
 * address space that are backed by single pages, so that no row of physical pages is ever needed;
 * and the program's heap, which is one such run that grows. */
#include "sched/mem.h"

#include <bareloom/go.h>
#include <bareloom/irq.h>
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "hal/sanitize.h"
#include "sched/assert.h"
#include "sched/pages.h"
#include "sched/sched.h"

#define MIN_SHIFT  4u
#define PAGE_SHIFT 12u
#define MAX_SHIFT  36u

/* The first part of the tables window is the alarms' (alarm.c). */
#define RUNS_OFFSET MB(256)

struct item {
    struct item *next;
};

static struct {
    spinlock_t lock;
    struct item *small[PAGE_SHIFT]; /* free objects of 1 << i bytes; guarded by lock */
    uintptr_t run_next, run_end;    /* address space never used; guarded by lock */
    struct run {
        struct run *next;
        uintptr_t base;
    } * runs[MAX_SHIFT]; /* free runs of 1 << i bytes, nothing mapped; guarded by lock */
} mem = {.lock = SPINLOCK(RANK_HEAP)};

static struct {
    uintptr_t base, brk, committed, tables, end; /* the caller of go_heap_grow serializes */
} heap;

void mem_init(void) {
    size_t size;
    uintptr_t base = hal_window(HAL_WINDOW_TABLES, &size);
    mem.run_next = base + RUNS_OFFSET;
    mem.run_end = base + size;
    heap.base = heap.brk = heap.committed = heap.tables = hal_window(HAL_WINDOW_HEAP, &size);
    heap.end = heap.base + size;
}

static unsigned shift_for(size_t size) {
    unsigned shift = MIN_SHIFT;
    while (((size_t)1 << shift) < size) {
        shift++;
    }
    return shift;
}

/* ---- small ---------------------------------------------------------------------------------- */

static void *small_alloc(unsigned shift) {
    hal_irq_t was = spin_lock(&mem.lock);
    struct item *it = mem.small[shift];
    if (it == NULL) {
        char *page = page_alloc();
        for (size_t at = 0; page != NULL && at < HAL_PAGE; at += (size_t)1 << shift) {
            it = (struct item *)(void *)(page + at);
            it->next = mem.small[shift];
            mem.small[shift] = it;
        }
    }
    if (it != NULL) {
        mem.small[shift] = it->next;
    }
    spin_unlock(&mem.lock, was);
    return it;
}

static void small_free(void *p, unsigned shift) {
    struct item *it = p;
    hal_irq_t was = spin_lock(&mem.lock);
    it->next = mem.small[shift];
    mem.small[shift] = it;
    spin_unlock(&mem.lock, was);
}

/* ---- large ---------------------------------------------------------------------------------- */

/* 2 MiB at a time so that interrupts are not masked for all of it. */
bool mem_tables(uintptr_t base, size_t size) {
    bool ok = true;
    for (size_t at = 0; ok && at < size; at += MB(2)) {
        hal_irq_t was = spin_lock(&mem.lock); /* one at a time: runs, and the alarms', share tables */
        ok = hal_map_tables(base + at, size - at < MB(2) ? size - at : MB(2), page_alloc);
        spin_unlock(&mem.lock, was);
    }
    return ok;
}

/* Address space of 1 << shift bytes, nothing mapped; 0: none. */
static uintptr_t run_take(unsigned shift) {
    size_t size = (size_t)1 << shift;
    uintptr_t base = 0;
    hal_irq_t was = spin_lock(&mem.lock);
    struct run *r = mem.runs[shift];
    if (r != NULL) {
        mem.runs[shift] = r->next;
        base = r->base;
    } else if (size <= mem.run_end - mem.run_next) {
        base = mem.run_next;
        mem.run_next += size;
    }
    spin_unlock(&mem.lock, was);
    if (r != NULL) {
        small_free(r, shift_for(sizeof *r));
    }
    return base;
}

static void run_give(uintptr_t base, unsigned shift) {
    struct run *r = small_alloc(shift_for(sizeof *r));
    if (r == NULL) {
        return; /* address space alone is lost, and only when there is no page at all */
    }
    r->base = base;
    hal_irq_t was = spin_lock(&mem.lock);
    r->next = mem.runs[shift];
    mem.runs[shift] = r;
    spin_unlock(&mem.lock, was);
}

static void unmap(uintptr_t from, uintptr_t to) {
    for (; from < to; from += HAL_PAGE) {
        void *page = hal_unmap(from);
        if (page != NULL) {
            page_free(page);
        }
    }
}

static bool map(uintptr_t from, uintptr_t to) {
    for (uintptr_t at = from; at < to; at += HAL_PAGE) {
        void *page = page_alloc();
        if (page == NULL) {
            unmap(from, at);
            return false;
        }
        hal_map(at, page);
    }
    return true;
}

static uintptr_t page_up(uintptr_t a) {
    return (a + HAL_PAGE - 1) & ~(uintptr_t)(HAL_PAGE - 1);
}

static void *take(size_t size) {
    unsigned shift = size <= ((size_t)1 << (MAX_SHIFT - 1)) ? shift_for(size) : MAX_SHIFT;
    if (shift < PAGE_SHIFT) {
        return small_alloc(shift);
    }
    if (shift == PAGE_SHIFT) {
        return page_alloc();
    }
    if (shift >= MAX_SHIFT || size / HAL_PAGE > pages_free_count()) {
        return NULL;
    }
    uintptr_t base = run_take(shift);
    if (base != 0 && !(mem_tables(base, page_up(size)) && map(base, page_up(base + size)))) {
        run_give(base, shift);
        return NULL;
    }
    return (void *)base;
}

/* What take() really gave for size bytes. */
static size_t given(size_t size) {
    unsigned shift = shift_for(size);
    return shift <= PAGE_SHIFT ? (size_t)1 << shift : page_up(size);
}

static void give(void *p, size_t size) {
    unsigned shift = shift_for(size);
    if (shift < PAGE_SHIFT) {
        small_free(p, shift);
    } else if (shift == PAGE_SHIFT) {
        page_free(p);
    } else {
        unmap((uintptr_t)p, page_up((uintptr_t)p + size));
        run_give((uintptr_t)p, shift);
    }
}

void *mem_alloc(size_t size) {
    size_t all = size + SANITIZE_REDZONE;
    void *p = size <= SIZE_MAX - SANITIZE_REDZONE ? take(all) : NULL;
    if (p == NULL && size <= pages_total() * HAL_PAGE && gs_trim()) {
        p = take(all);
    }
    if (p != NULL) {
        sanitize_alloc(p, size, given(all), CALL_SITE);
    }
    return p;
}

void mem_free(void *p, size_t size) {
    size += SANITIZE_REDZONE;
    if (sanitize_hold(SANITIZE_MEM, &p, &size, CALL_SITE)) {
        give(p, size);
    }
}

/* ---- for language runtimes ------------------------------------------------------------------ */

void *go_page_alloc(void) {
    void *page = page_alloc();
    return page == NULL && gs_trim() ? page_alloc() : page;
}

void go_page_free(void *page) {
    page_free(page);
}

static bool heap_commit(uintptr_t to) {
    size_t size = to - heap.committed;
    if (size / HAL_PAGE > pages_free_count()) {
        return false;
    }
    if (to > heap.tables) {
        if (!hal_map_tables(heap.tables, to - heap.tables, page_alloc)) {
            return false;
        }
        heap.tables = to;
    }
    if (!map(heap.committed, to)) {
        return false;
    }
    heap.committed = to;
    return true;
}

void *go_heap_grow(ptrdiff_t n) {
    uintptr_t old = heap.brk;
    if (n > 0) {
        if ((size_t)n > heap.end - old ||
            (page_up(old + (size_t)n) > heap.committed && !heap_commit(page_up(old + (size_t)n)) &&
             !(gs_trim() && heap_commit(page_up(old + (size_t)n))))) {
            return (void *)-1;
        }
    } else {
        if ((size_t)-n > old - heap.base) {
            return (void *)-1;
        }
        uintptr_t keep = page_up(old - (size_t)-n);
        unmap(keep, heap.committed);
        heap.committed = keep;
    }
    heap.brk = old + (size_t)n;
    return (void *)old;
}

/* ---- memory for devices --------------------------------------------------------------------- */

int dma_alloc(struct dma_buf *b, size_t size) {
    b->size = page_up(size);
    b->cpu = b->size != 0 ? pages_alloc_row(b->size / HAL_PAGE) : NULL;
    b->device = (uint64_t)(uintptr_t)b->cpu;
    if (b->cpu == NULL) {
        return -ENOMEM;
    }
    hal_dma_invalidate(b->cpu, b->size); /* no dirty line of an earlier life may fall on it later */
    return 0;
}

void dma_free(struct dma_buf *b) {
    for (size_t at = 0; at < b->size; at += HAL_PAGE) {
        page_free((char *)b->cpu + at);
    }
    b->cpu = NULL;
    b->size = 0;
}

int dma_map(uint64_t device, size_t size) {
    static struct mutex one_caller;
    check_may_block("dma_map");
    mutex_lock(&one_caller);
    bool mapped = (device | size) % HAL_PAGE == 0 && hal_map_uncached(device, size, page_alloc);
    mutex_unlock(&one_caller);
    return mapped ? 0 : -EINVAL;
}

void dma_to_device(const struct dma_buf *b) {
    hal_dma_clean(b->cpu, b->size);
}

void dma_from_device(const struct dma_buf *b) {
    hal_dma_invalidate(b->cpu, b->size);
}
