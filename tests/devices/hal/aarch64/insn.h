/* tests/devices/hal/aarch64/insn.h - hal/aarch64/insn.h for a driver under test: barriers are noted, the counter goes
 * on by a tick each time it is read. */
#pragma once

#include "tests/devices/model.h"

static inline void insn_dmb_sy(void) {
    model_barrier();
}

static inline void insn_dsb_sy(void) {
    model_barrier();
}

static inline uint64_t insn_counter(void) {
    return ++model_ticks;
}

static inline uint64_t insn_counter_hz(void) {
    return MODEL_HZ;
}
