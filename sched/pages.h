/*
 * sched/pages.h - who owns RAM: one allocator of 4 KiB pages for everything.
 *
 * A page is the caller's alone from alloc to free; its content is whatever it was. The last pages
 * are kept for stack faults, which cannot be refused: page_alloc() says NULL before those run out
 * (HAZARDS 18).
 */
#pragma once

#include <stddef.h>

/* Core 0, at boot. */
void pages_init(void);

/* NULL when only the reserve is left. Takes a spinlock. */
void *page_alloc(void);
void page_free(void *page);

/* The same, all zeros. */
void *page_alloc_zeros(void);

/* Up to n of them, with the lock taken once; how many. */
unsigned pages_alloc(void **pages, unsigned n);

/* The same, from the reserve too. */
unsigned pages_alloc_reserved(void **pages, unsigned n);

/* n pages in a row, never given out before, or NULL. They go back one by one. */
void *pages_alloc_row(size_t n);

size_t pages_total(void);
size_t pages_free_count(void);
