/* hal/mmio.h - device registers. Each access is one load or store of the stated width, in program
 * order with the other device accesses of this core; ordering against memory is the caller's (dsb
 * in hal). */
#pragma once

#include <stdint.h>

static inline void mmio_write8(uintptr_t a, uint8_t v) {
    *(volatile uint8_t *)a = v;
}

static inline uint32_t mmio_read32(uintptr_t a) {
    return *(volatile uint32_t *)a;
}

static inline void mmio_write32(uintptr_t a, uint32_t v) {
    *(volatile uint32_t *)a = v;
}

static inline uint64_t mmio_read64(uintptr_t a) {
    return *(volatile uint64_t *)a;
}

static inline void mmio_write64(uintptr_t a, uint64_t v) {
    *(volatile uint64_t *)a = v;
}
