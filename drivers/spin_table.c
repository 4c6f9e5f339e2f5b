/*
 * drivers/spin_table.c - the spin table of the Raspberry Pi's first-stage firmware (armstub8).
 *
 * Source: raspberrypi/tools, armstubs/armstub8.S: each core but the first loops over WFE and a load
 * of its 8-byte word, and jumps to what it finds there, at EL2.
 *
 * The waiting core has its caches off and reads memory itself. So the word is cleaned to the point
 * of coherency, and that is done (dsb sy, at the end of the cleaning) before the event that wakes
 * it.
 */
#include "drivers/spin_table.h"

#include "hal/aarch64/cache.h"
#include "hal/aarch64/insn.h"

void spin_table_start(uintptr_t table, unsigned core, uintptr_t entry) {
    volatile uint64_t *word = (volatile uint64_t *)(table + 8 * core);
    *word = entry;
    cache_clean_invalidate((const void *)(uintptr_t)word, sizeof(*word));
    insn_sev();
}
