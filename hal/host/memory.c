/*
 * hal/host/memory.c - RAM and windows of address space, as far as a process can have them.
 *
 * All of it is reserved at start and readable and writable from then on: Linux commits a page when
 * it is touched, and a system call that is given a stack page which was never touched must not
 * fail. So hal_map() only remembers which page of the runtime's was given for an address, and no
 * stack page ever faults; hal_unmap() gives the memory back to Linux. What a page contains and what
 * its address in a window shows are two things: nothing may be passed on by mapping a page that was
 * written to.
 *
 * A guard costs Linux two mappings, of which a process has 65,530: the first GUARDS stacks have
 * one.
 */
#include "hal/host/host.h"

#include <stdlib.h>
#include <sys/mman.h>

#define GIB       ((size_t)1 << 30)
#define MIB       ((size_t)1 << 20)
#define RAM_MIB   2048u /* without BARELOOM_RAM */
#define GUARDS    16000u
#define ALL_BYTES (48 * GIB)

static const struct {
    size_t offset, size;
} windows[] = {
    [HAL_WINDOW_STACKS] = {0, 32 * GIB}, /* three hundred thousand Gs */
    [HAL_WINDOW_HEAP] = {32 * GIB, 8 * GIB},
    [HAL_WINDOW_TABLES] = {40 * GIB, 8 * GIB},
};

static uintptr_t ram;
static size_t ram_size;
static uintptr_t base; /* of all windows */
static void **given;   /* the page that hal_map() was given, for each page of the windows */
static _Atomic uint32_t guards;

void *host_reserve(size_t size) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    return p != MAP_FAILED ? p : NULL;
}

/* BARELOOM_RAM, in MiB. */
static size_t ram_wanted(void) {
    const char *text = getenv("BARELOOM_RAM");
    if (text == NULL) {
        return RAM_MIB * MIB;
    }
    char *end;
    unsigned long mib = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || mib < 16 || mib > 1024 * 1024) {
        host_die("BARELOOM_RAM is a number of MiB, 16 to 1048576");
    }
    return mib * MIB;
}

void host_memory_init(void) {
    ram_size = ram_wanted();
    ram = (uintptr_t)host_reserve(ram_size);
    base = (uintptr_t)host_reserve(ALL_BYTES);
    given = host_reserve(ALL_BYTES / HAL_PAGE * sizeof *given);
    if (ram == 0 || base == 0 || given == NULL) {
        host_die(
            "the address space is limited (ulimit -v, vm.overcommit_memory): 50 GB are wanted");
    }
    /* A stack touches one page: it must not be given 2 MiB. */
    madvise((void *)base, ALL_BYTES, MADV_NOHUGEPAGE);
}

bool hal_ram(unsigned i, uintptr_t *at, size_t *size) {
    *at = ram;
    *size = ram_size;
    return i == 0;
}

uintptr_t hal_window(enum hal_window w, size_t *size) {
    *size = windows[w].size;
    return base + windows[w].offset;
}

bool host_in_window(uintptr_t address) {
    return address - base < ALL_BYTES;
}

bool hal_map_tables(uintptr_t va, size_t size, void *(*page)(void)) {
    (void)va;
    (void)size;
    (void)page;
    return true; /* Linux makes them */
}

static void **given_for(uintptr_t va) {
    if (!host_in_window(va)) {
        host_die("hal_map, hal_unmap: the address is in no window");
    }
    return &given[(va - base) / HAL_PAGE];
}

void hal_map(uintptr_t va, void *page) {
    void **slot = given_for(va);
    if (*slot != NULL) {
        host_die("hal_map: there is a page already");
    }
    *slot = page;
}

void hal_map_row(uintptr_t va, size_t stride, void *const *pages, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        hal_map(va + i * stride, pages[i]);
    }
}

void *hal_unmap(uintptr_t va) {
    void **slot = given_for(va);
    void *page = *slot;
    if (page != NULL) {
        *slot = NULL;
        madvise((void *)(va & ~(uintptr_t)(HAL_PAGE - 1)), HAL_PAGE, MADV_DONTNEED);
    }
    return page;
}

void hal_clear_page(void *page) {
    __builtin_memset(page, 0, HAL_PAGE);
}

void hal_guard(uintptr_t va) {
    /* relaxed: a count, orders nothing */
    if (atomic_fetch_add_explicit(&guards, 1, memory_order_relaxed) < GUARDS) {
        mprotect((void *)va, HAL_PAGE, PROT_NONE);
    }
}

/* There is no device that reads memory. */
bool hal_map_uncached(uintptr_t va, size_t size, void *(*page)(void)) {
    (void)va;
    (void)size;
    (void)page;
    return false;
}

void hal_dma_clean(const void *p, size_t n) {
    (void)p;
    (void)n;
}

void hal_dma_invalidate(void *p, size_t n) {
    (void)p;
    (void)n;
}
