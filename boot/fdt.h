/* boot/fdt.h - the two quantities that Bareloom takes from a device tree. */
#pragma once

#include "hal/board.h"

/* Whether p points at a device tree blob. p is mapped. */
bool fdt_valid(const void *p);

/* The first memory node's first range. False: none. */
bool fdt_memory(const void *fdt, struct range *out);

/* /chosen/bootargs, cut to n - 1 characters. False: none. */
bool fdt_bootargs(const void *fdt, char *out, size_t n);
