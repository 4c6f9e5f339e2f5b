/* sched/assert.h - checks of the runtime's own invariants, kept in release: a broken one ends the
 * machine with words instead of going on. */
#pragma once

#include <bareloom/base.h>

#define ASSERT(cond)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0)) {                                                        \
            FATAL("runtime: %s", #cond);                                                           \
        }                                                                                          \
    } while (0)
