/* hal/aarch64/pagetable.h - translation table descriptors: 4 KiB granule, 39-bit addresses, levels
 * 1 to 3.
 *
 * Source: Arm DDI 0487, D8.3. */
#pragma once

#include <stdint.h>

#define PT_VALID (UINT64_C(1) << 0)
#define PT_TABLE (UINT64_C(3) << 0) /* at levels 1 and 2 */
#define PT_BLOCK (UINT64_C(1) << 0) /* at levels 1 and 2 */
#define PT_PAGE  (UINT64_C(3) << 0) /* at level 3 */

#define PT_DEVICE    (UINT64_C(0) << 2) /* MAIR index 0 */
#define PT_NORMAL    (UINT64_C(1) << 2) /* MAIR index 1 */
#define PT_UNCACHED  (UINT64_C(2) << 2) /* MAIR index 2 */
#define PT_READ_ONLY (UINT64_C(1) << 7)
#define PT_SHARED    (UINT64_C(3) << 8) /* inner shareable */
#define PT_ACCESSED  (UINT64_C(1) << 10)
#define PT_NO_EXEC   (UINT64_C(1) << 53) /* at EL1 */
#define PT_NO_EXEC0  (UINT64_C(1) << 54) /* at EL0, where nobody is */

#define PT_ADDRESS UINT64_C(0x0000fffffffff000)

/* What is mapped how: text alone is executable, and nothing is both writable and executable. */
#define PT_TEXT    (PT_NORMAL | PT_READ_ONLY | PT_SHARED | PT_ACCESSED | PT_NO_EXEC0)
#define PT_CONST   (PT_TEXT | PT_NO_EXEC)
#define PT_DATA    (PT_NORMAL | PT_SHARED | PT_ACCESSED | PT_NO_EXEC0 | PT_NO_EXEC)
#define PT_SHOWN   (PT_UNCACHED | PT_SHARED | PT_ACCESSED | PT_NO_EXEC0 | PT_NO_EXEC)
#define PT_DEVICES (PT_DEVICE | PT_ACCESSED | PT_NO_EXEC0 | PT_NO_EXEC)

#define PT_ENTRIES    512u
#define PT_L1_SHIFT   30
#define PT_L2_SHIFT   21
#define PT_L3_SHIFT   12
#define PT_BLOCK_SIZE (UINT64_C(1) << PT_L2_SHIFT)
#define PT_GIB        (UINT64_C(1) << PT_L1_SHIFT)

/* Device-nGnRnE; Normal, write-back, read and write allocate; Normal, not cached. */
#define MAIR_VALUE UINT64_C(0x44ff00)

/* T0SZ 25, walks write-back and inner shareable, TTBR1 off; the physical size is or-ed in at bit
 * 32. */
#define TCR_VALUE                                                                                  \
    (UINT64_C(25) | UINT64_C(1) << 8 | UINT64_C(1) << 10 | UINT64_C(3) << 12 | UINT64_C(1) << 23)

/* Clears a table. Entries may name it afterwards: a walker that finds one finds the zeros. */
static inline void pt_clear(uint64_t *table) {
    /* eight at a time: in pairs, a fourth of the instructions */
    for (unsigned i = 0; i < PT_ENTRIES; i += 8) {
        table[i] = table[i + 1] = table[i + 2] = table[i + 3] = 0;
        table[i + 4] = table[i + 5] = table[i + 6] = table[i + 7] = 0;
    }
    __asm__ volatile("dsb ishst" ::: "memory");
}

/* Tables that are part of the image: the first is level 1. */
#define PT_EARLY_TABLES 24u
extern uint64_t early_tables[PT_EARLY_TABLES][PT_ENTRIES];
extern uint64_t early_tables_used;

/* boot/early/tables.c. Maps [at, at + size) onto itself where nothing is mapped yet; page aligned.
 * Stops when the tables of the image are used up: false. */
int early_map(uint64_t at, uint64_t size, uint64_t attributes);
