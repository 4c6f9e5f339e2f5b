/* hal/take.h - hal_claim() and its like in C11, where somebody looks at each atomic or the processor has nothing better.
 * Include hal/hal.h. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool hal_claim(_Atomic uint32_t *p, uint32_t end, uint32_t *at) {
    uint32_t was = atomic_load_explicit(p, memory_order_relaxed);
    while (was != end) {
        if (atomic_compare_exchange_weak_explicit(p, &was, was + 1, memory_order_acquire,
                                                  memory_order_relaxed)) {
            *at = was;
            return true;
        }
    }
    return false;
}

static inline bool hal_give(_Atomic uint64_t *p, uint64_t n) {
    uint64_t old = atomic_load_explicit(p, memory_order_relaxed);
    while (old + n <= INT32_MAX) {
        if (atomic_compare_exchange_weak_explicit(p, &old, old + n, memory_order_release,
                                                  memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

static inline bool hal_replace(_Atomic uint64_t *p, uint64_t is, uint64_t by) {
    return atomic_compare_exchange_strong_explicit(p, &is, by, memory_order_acquire,
                                                   memory_order_relaxed);
}

static inline uint64_t hal_load_at(const void *p, size_t offset) {
    return atomic_load_explicit((const _Atomic uint64_t *)((const char *)p + offset),
                                memory_order_relaxed);
}

#define HAL_LOAD_TWO(a, b, p, offset)                                                              \
    ((a) = hal_load_at(p, offset), (b) = hal_load_at(p, (offset) + sizeof(uint64_t)))

static inline uintptr_t hal_take_address(_Atomic uint64_t *p) {
    uint64_t old = atomic_load_explicit(p, memory_order_relaxed);
    uint64_t address;
    do {
        address = old & UINT64_C(0x3ffffffffffffffc);
        if ((int64_t)old >= 0 || address == 0) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak_explicit(p, &old, 0, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return (uintptr_t)address;
}
