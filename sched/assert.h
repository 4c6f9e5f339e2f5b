/* sched/assert.h - checks of the runtime's own invariants, kept in release: a broken one ends the
 * machine with words instead of going on. DEBUG_ASSERT: in a build with DEBUG only, where each switch would pay. */
#pragma once

#include <bareloom/base.h>

#ifdef DEBUG
#define DEBUG_ASSERT(cond) ASSERT(cond)
#else
#define DEBUG_ASSERT(cond) ((void)0)
#endif

#define ASSERT(cond)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(cond), 0)) {                                                        \
            FATAL("runtime: %s", #cond);                                                           \
        }                                                                                          \
    } while (0)
