/*
 * sched/relaxed.h - relaxed loads and stores of atomics, as the one instruction that they are.
 *
 * gcc's atomic operations take an address in a register and nothing else, also where the processor would
 * add the offset of a field by itself: an addition for each access, and a dozen of them in a switch.
 * A volatile access of an aligned word is the same access without it. Where somebody looks at the
 * atomics - a sanitizer, the simulation, the model checker - they are what the language calls them.
 */
#pragma once

#include <stdatomic.h>

#include <bareloom/config.h>

#include "hal/hal.h"

#if HAL_ATOMICS_SEEN || defined(SANITIZE) || CONFIG_SIM != 0
#define relaxed_load(p)     atomic_load_explicit((p), memory_order_relaxed)
#define relaxed_store(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#else
#define RELAXED(p)                                                                                 \
    (*(volatile __typeof__(atomic_load_explicit((p), memory_order_relaxed)) *)(uintptr_t)(p))
#define relaxed_load(p)     RELAXED(p)
#define relaxed_store(p, v) (RELAXED(p) = (v))
#endif
