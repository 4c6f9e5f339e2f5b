/* tests/devices/hal/aarch64/cache.h - hal/aarch64/cache.h for a driver under test: what is cleaned is what a device sees
 * from then on, as DSB and all. */
#pragma once

#include "tests/devices/model.h"

#include <stddef.h>

static inline void cache_clean_invalidate(const void *p, size_t size) {
    model_clean(p, size);
    model_barrier();
}
