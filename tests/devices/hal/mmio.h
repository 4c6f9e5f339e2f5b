/* tests/devices/hal/mmio.h - hal/mmio.h for a driver under test: a register is what the device's model says. */
#pragma once

#include "tests/devices/model.h"

static inline uint32_t mmio_read32(uintptr_t a) {
    return model_read(a);
}

static inline void mmio_write32(uintptr_t a, uint32_t v) {
    model_write(a, v);
}
