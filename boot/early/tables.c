/* boot/early/tables.c - the first translation tables, made by core 0 before its MMU is on.
 *
 * Everything here runs with caches and MMU off: accesses are strictly aligned (-mstrict-align),
 * there is no atomic, no lock and no call out of this folder. What is written here goes straight to
 * memory; start.S drops the cache lines that may lie over it, and the other cores' table walkers
 * find it there. */
#include "hal/aarch64/pagetable.h"
#include "hal/board.h"

extern char __text_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[],
    __data_end[];
extern char __input_start[], __input_end[], __tables_start[], __image_end[], __stacks_start[],
    __stacks_end[];

/* Not part of what start.S clears: each is cleared as it is put to use. */
uint64_t early_tables[PT_EARLY_TABLES][PT_ENTRIES]
    __attribute__((aligned(4096), section(".bss.tables")));
uint64_t early_tables_used; /* 0 means the root alone */

#define FDT_MAGIC   0xedfe0dd0u /* big endian, as it lies in memory */
#define GUARD       0x1000u
#define STACK_SLOT  0x8000u
#define STACK_GUARD 0x3000u

static uint64_t *next_table(uint64_t *entry) {
    if (*entry == 0) {
        if (early_tables_used + 1 >= PT_EARLY_TABLES) {
            return 0;
        }
        uint64_t *table = early_tables[++early_tables_used];
        pt_clear(table);
        *entry = (uint64_t)(uintptr_t)table | PT_TABLE;
    }
    return (*entry & 3) == PT_TABLE ? (uint64_t *)(uintptr_t)(*entry & PT_ADDRESS) : 0;
}

/* Maps pages from at on, where nothing is mapped, as far as this table of level 3 goes; how much. */
static uint64_t map_pages(uint64_t *table, uint64_t at, uint64_t left, uint64_t attributes) {
    uint64_t room = PT_BLOCK_SIZE - (at & (PT_BLOCK_SIZE - 1));
    uint64_t size = left < room ? left : room;
    uint64_t *entry = &table[at >> PT_L3_SHIFT & (PT_ENTRIES - 1)];
    for (uint64_t page = at; page < at + size; page += 4096, entry++) {
        if (*entry == 0) {
            *entry = page | attributes | PT_PAGE;
        }
    }
    return size;
}

/* Maps at, by a block if it is aligned and at least a block is left, else by pages; how much was mapped, 0 if
 * no table is left. */
static uint64_t map_some(uint64_t at, uint64_t left, uint64_t attributes) {
    uint64_t *l1 = &early_tables[0][at >> PT_L1_SHIFT & (PT_ENTRIES - 1)];
    if (*l1 == 0 && (at & (PT_GIB - 1)) == 0 && left >= PT_GIB) {
        *l1 = at | attributes | PT_BLOCK;
    }
    if (*l1 != 0 && (*l1 & 3) == PT_BLOCK) {
        return PT_GIB - (at & (PT_GIB - 1));
    }
    uint64_t *table = next_table(l1);
    if (table == 0) {
        return 0;
    }
    uint64_t *l2 = &table[at >> PT_L2_SHIFT & (PT_ENTRIES - 1)];
    if (*l2 == 0 && (at & (PT_BLOCK_SIZE - 1)) == 0 && left >= PT_BLOCK_SIZE) {
        *l2 = at | attributes | PT_BLOCK;
    }
    if (*l2 != 0 && (*l2 & 3) == PT_BLOCK) {
        return PT_BLOCK_SIZE - (at & (PT_BLOCK_SIZE - 1));
    }
    table = next_table(l2);
    return table != 0 ? map_pages(table, at, left, attributes) : 0;
}

int early_map(uint64_t at, uint64_t size, uint64_t attributes) {
    uint64_t end = at + size;
    while (at < end) {
        uint64_t done = map_some(at, end - at, attributes);
        if (done == 0) {
            return 0;
        }
        at += done;
    }
    return 1;
}

static void map_between(const char *from, const char *to, uint64_t attributes) {
    early_map((uint64_t)(uintptr_t)from, (uint64_t)(to - from), attributes);
}

/* Each core stack and each emergency stack has an unmapped page below it. */
static void map_stacks(void) {
    for (char *slot = __stacks_start; slot < __stacks_end; slot += STACK_SLOT) {
        map_between(slot + GUARD, slot + STACK_GUARD, PT_DATA);
        map_between(slot + STACK_GUARD + GUARD, slot + STACK_SLOT, PT_DATA);
    }
}

/* RAM around the image, which is mapped already and ends at a page; the guard pages stay holes. */
static void map_ram(void) {
    uint64_t begin = board.ram.base, end = begin + board.ram.size;
    uint64_t image = (uint64_t)(uintptr_t)__text_start & ~(uint64_t)4095;
    early_map(begin, image - begin, PT_DATA);
    early_map((uint64_t)(uintptr_t)__image_end, end - (uint64_t)(uintptr_t)__image_end, PT_DATA);
}

static void map_fdt(uint64_t fdt) {
    if (fdt != 0 && (fdt & 7) == 0 && fdt >> 39 == 0 && *(const volatile uint32_t *)fdt == FDT_MAGIC) {
        early_map(fdt & ~(PT_BLOCK_SIZE - 1), 2 * PT_BLOCK_SIZE, PT_DATA);
    }
}

void early_tables_make(uint64_t fdt);

/* Called by start.S. */
void early_tables_make(uint64_t fdt) {
    pt_clear(early_tables[0]);
    map_between(__text_start, __text_end, PT_TEXT);
    map_between(__rodata_start, __rodata_end, PT_CONST);
    map_between(__data_start, __data_end, PT_DATA);
    map_between(__input_start, __input_end, PT_CONST);
    map_between(__tables_start, __stacks_start, PT_DATA);
    map_stacks();
    map_between(__stacks_end, __image_end, PT_DATA);
    map_ram();
    for (unsigned i = 0; i < BOARD_RANGES && board.devices[i].size != 0; i++) {
        early_map(board.devices[i].base, board.devices[i].size, PT_DEVICES);
    }
    map_fdt(fdt);
}
