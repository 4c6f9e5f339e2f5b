/* boot/fdt.h - what Bareloom takes from a device tree: RAM and the command line. */
#pragma once

#include "hal/board.h"

/* Whether p points at a device tree blob. p is mapped. */
bool fdt_valid(const void *p);

/* The first memory node's first range. False: none. */
bool fdt_memory(const void *fdt, struct range *out);

/* Calls keep_off for each range of RAM that is spoken for: the tree itself, an initrd, what the
 * firmware has reserved. fdt may be NULL. */
void fdt_reserved(const void *fdt, void (*keep_off)(uintptr_t base, size_t size));

/* /chosen/bootargs, in the tree. NULL: none. */
const char *fdt_bootargs(const void *fdt);
