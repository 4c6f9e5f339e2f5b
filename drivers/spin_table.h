/* drivers/spin_table.h - cores that wait in the firmware for an address to run at (Raspberry Pi).
 */
#pragma once

#include <stdint.h>

/* Sends hardware core `core` to entry. table is the address of core 0's word; it must be mapped. */
void spin_table_start(uintptr_t table, unsigned core, uintptr_t entry);
