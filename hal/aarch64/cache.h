/*
 * hal/aarch64/cache.h - data cache maintenance to the point of coherency, for what is read past the
 * caches: cores that have not switched theirs on yet, and devices.
 *
 * Always clean and invalidate: a plain clean (dc cvac) may be lost on early Cortex-A53, errata
 * 819472, 824069, 826319 and 827319.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes of the smallest data cache line of this machine. */
static inline size_t cache_line(void) {
    uint64_t ctr;
    __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
    return (size_t)4 << ((ctr >> 16) & 15);
}

/* Writes back and drops every line that [p, p + size) touches; done when it returns. The memory
 * clobbers and the DSB pair with the other side's own: a cache that is off, or a device told of it
 * afterwards. */
static inline void cache_clean_invalidate(const void *p, size_t size) {
    size_t line = cache_line();
    uintptr_t end = (uintptr_t)p + size;
    for (uintptr_t a = (uintptr_t)p & ~(line - 1); a < end; a += line) {
        __asm__ volatile("dc civac, %0" ::"r"(a) : "memory");
    }
    __asm__ volatile("dsb sy" ::: "memory");
}
