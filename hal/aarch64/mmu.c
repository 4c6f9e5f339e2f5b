/* hal/aarch64/mmu.c - translation tables after boot: more RAM, windows, guards.
 *
 * An entry goes from invalid to valid by a store, dsb ishst (every walker sees it) and isb (this
 * core's next access does). It goes from valid to invalid only for memory that nobody uses any
 * more; then no core may keep a translation when the page gets its next owner: tlbi by address for
 * all cores, and dsb ish waits for them (HAZARDS 19). No valid entry is ever replaced by
 * another. */
#include "hal/aarch64/pagetable.h"
#include "hal/aarch64/port.h"
#include "hal/kprint.h"
#include "hal/sanitize.h"

#define WINDOW_BASE (UINT64_C(64) << 30)
#define WINDOW_SIZE (UINT64_C(64) << 30)

#define RAM_RANGES 8
static struct range ram[RAM_RANGES]; /* what hal_ram() gives, size 0: free; set by core 0 at boot */

extern char __text_start[], __image_end[];

#define DCZID_PROHIBITED 16 /* by who is above us */

static void published(void) {
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

void hal_clear_page(void *page) {
    uint64_t dczid = SYSREG_READ(dczid_el0) & (DCZID_PROHIBITED | 15);
    if (dczid > 6) { /* or blocks of more than a 16th of a page, which no core has that we know of */
        __builtin_memset(page, 0, HAL_PAGE);
        return;
    }
    size_t block = (size_t)4 << dczid;
    for (char *at = page, *end = at + HAL_PAGE; at != end;) {
        __asm__ volatile(".rept 16\n\tdc zva, %0\n\tadd %0, %0, %1\n\t.endr"
                         : "+r"(at)
                         : "r"(block)
                         : "memory");
    }
}

/* ---- walking -------------------------------------------------------------------------------- */

static uint64_t *entry_of(uint64_t *table, uintptr_t va, unsigned shift) {
    return &table[va >> shift & (PT_ENTRIES - 1)];
}

static uint64_t *below(const uint64_t *entry) {
    return (uint64_t *)(*(const volatile uint64_t *)entry & PT_ADDRESS);
}

/* The level 3 entry of va, or NULL if its tables are not there. */
static uint64_t *leaf(uintptr_t va) {
    uint64_t *l1 = entry_of(early_tables[0], va, PT_L1_SHIFT);
    if ((*l1 & 3) != PT_TABLE) {
        return NULL;
    }
    uint64_t *l2 = entry_of(below(l1), va, PT_L2_SHIFT);
    return (*l2 & 3) == PT_TABLE ? entry_of(below(l2), va, PT_L3_SHIFT) : NULL;
}

/* Behind the table in which entry is. */
static uint64_t *table_end(const uint64_t *entry) {
    return (uint64_t *)(((uintptr_t)entry | (HAL_PAGE - 1)) + 1);
}

uint64_t mmu_descriptor(uintptr_t va) {
    uint64_t *table = early_tables[0];
    for (unsigned shift = PT_L1_SHIFT; va >> 39 == 0; shift -= 9) {
        uint64_t entry = *(volatile uint64_t *)entry_of(table, va, shift);
        if ((entry & PT_VALID) == 0 || shift == PT_L3_SHIFT || (entry & 3) == PT_BLOCK) {
            return (entry & PT_VALID) != 0 ? entry : 0;
        }
        table = below(&entry);
    }
    return 0;
}

/* ---- RAM ------------------------------------------------------------------------------------ */

void mmu_add_ram(uintptr_t base, size_t size) {
    /* what lies below the image, firmware and spin table among it, is left alone */
    uintptr_t image = (uintptr_t)__image_end;
    uintptr_t end = (base + size) & ~(uintptr_t)(HAL_PAGE - 1);
    end = end < WINDOW_BASE ? end : WINDOW_BASE; /* RAM is mapped onto itself, and must not meet the windows */
    ram[0] = (struct range){image, end > image ? end - image : 0};
}

static void add_range(uintptr_t base, uintptr_t end) {
    for (unsigned i = 0; base < end && i < RAM_RANGES; i++) {
        if (ram[i].size == 0) {
            ram[i] = (struct range){base, end - base};
            return;
        }
    } /* too many pieces: this one is not used */
}

void mmu_keep_off(uintptr_t base, size_t size) {
    uintptr_t from = base & ~(uintptr_t)(HAL_PAGE - 1);
    uintptr_t to = (base + size + HAL_PAGE - 1) & ~(uintptr_t)(HAL_PAGE - 1);
    to = to < from ? UINTPTR_MAX : to;
    for (unsigned i = 0; i < RAM_RANGES; i++) {
        uintptr_t begin = ram[i].base, end = begin + ram[i].size;
        if (size == 0 || from >= end || to <= begin) {
            continue;
        }
        ram[i].size = 0;
        add_range(begin, from); /* neither piece meets the range again */
        add_range(to, end);
    }
}

/* A page of the RAM that nobody has yet. */
static void *first_page(void) {
    for (unsigned i = 0; i < RAM_RANGES; i++) {
        if (ram[i].size != 0) {
            void *page = (void *)ram[i].base;
            ram[i].base += HAL_PAGE;
            ram[i].size -= HAL_PAGE;
            return page;
        }
    }
    return NULL;
}

/* Image and RAM have their tables; a sanitizer must know of them as it does of windows. */
static bool tell_sanitizer(void) {
    bool ok = sanitize_map((uintptr_t)__text_start, (size_t)(__image_end - __text_start), first_page);
    for (unsigned i = 0; ok && i < RAM_RANGES; i++) {
        ok = ram[i].size == 0 || sanitize_map(ram[i].base, ram[i].size, first_page);
    }
    return ok;
}

void mmu_map_ram(void) {
    size_t all = 0;
    for (unsigned i = 0; i < RAM_RANGES; i++) {
        if (!early_map(ram[i].base, ram[i].size, PT_DATA)) {
            kprintf("boot: too little room for tables: some of the RAM is not used\n");
            ram[i].size = 0;
        }
        all += ram[i].size;
    }
    published();
    if (all == 0 || !tell_sanitizer()) {
        kprintf("boot: the image, which ends at %p, leaves no RAM\n", (void *)__image_end);
        hal_exit(2);
    }
}

bool hal_ram(unsigned i, uintptr_t *base, size_t *size) {
    for (unsigned at = 0; at < RAM_RANGES; at++) {
        if (ram[at].size != 0 && i-- == 0) {
            *base = ram[at].base;
            *size = ram[at].size;
            return true;
        }
    }
    return false;
}

static void forget(uintptr_t va) {
    __asm__ volatile("dsb ishst\n\t"
                     "tlbi vaale1is, %0\n\t"
                     "dsb ish\n\t"
                     "isb" ::"r"(va >> 12 & UINT64_C(0xfffffffffff))
                     : "memory");
}

void mmu_forget_page_zero(void) {
    uint64_t *e = leaf(0);
    if (e != NULL && *e != 0) {
        *(volatile uint64_t *)e = 0;
        forget(0);
    }
}

/* ---- windows -------------------------------------------------------------------------------- */

uintptr_t hal_window(enum hal_window w, size_t *size) {
    *size = WINDOW_SIZE;
    return WINDOW_BASE + (uintptr_t)w * WINDOW_SIZE;
}

/* The table that entry names, made if it is not there. */
static uint64_t *table_at(uint64_t *entry, void *(*page)(void)) {
    if (*entry == 0) {
        uint64_t *table = page();
        if (table == NULL) {
            return NULL;
        }
        hal_clear_page(table);
        published(); /* a walker that finds it finds the zeros */
        *(volatile uint64_t *)entry = (uint64_t)(uintptr_t)table | PT_TABLE;
        published();
    }
    return below(entry);
}

bool hal_map_tables(uintptr_t va, size_t size, void *(*page)(void)) {
    uintptr_t at = va & ~(uintptr_t)(PT_BLOCK_SIZE - 1);
    for (; at < va + size; at += PT_BLOCK_SIZE) {
        uint64_t *l2 = table_at(entry_of(early_tables[0], at, PT_L1_SHIFT), page);
        if (l2 == NULL || table_at(entry_of(l2, at, PT_L2_SHIFT), page) == NULL) {
            return false;
        }
    }
    return sanitize_map(va, size, page);
}

void hal_map(uintptr_t va, void *page) {
    *(volatile uint64_t *)leaf(va) = (uint64_t)(uintptr_t)page | PT_DATA | PT_PAGE;
    published();
}

void hal_map_row(uintptr_t va, size_t stride, void *const *pages, unsigned n) {
    void *const *const end = pages + n;
    for (void *const *at = pages; at != end;) {
        /* those whose entries are in one table */
        uint64_t *e = leaf(va + (uintptr_t)(at - pages) * stride);
        for (uint64_t *behind = table_end(e); at != end && e < behind; e += stride / HAL_PAGE) {
            *(volatile uint64_t *)e = (uint64_t)(uintptr_t)*at++ | PT_DATA | PT_PAGE;
        }
    }
    published();
}

void *hal_unmap(uintptr_t va) {
    uint64_t *e = leaf(va);
    if (e == NULL || *e == 0) {
        return NULL;
    }
    void *page = below(e);
    *(volatile uint64_t *)e = 0;
    forget(va);
    return page;
}

bool hal_map_uncached(uintptr_t base, size_t size, void *(*page)(void)) {
    bool high = base >= WINDOW_BASE || size > WINDOW_BASE - base;
    for (uintptr_t at = base; !high && at < base + size; at += HAL_PAGE) {
        if (mmu_descriptor(at) != 0) { /* a second mapping, of other attributes, is what must not be */
            return false;
        }
    }
    if (high || !hal_map_tables(base, size, page)) {
        return false;
    }
    for (uintptr_t at = base; at < base + size; at += HAL_PAGE) {
        *(volatile uint64_t *)leaf(at) = at | PT_SHOWN | PT_PAGE;
    }
    published();
    return true;
}
