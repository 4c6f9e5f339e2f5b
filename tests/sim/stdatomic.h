/*
 * tests/sim/stdatomic.h - stands before the compiler's own <stdatomic.h> when sched/ is built for simulation: at an
 * atomic access now and then another core goes on.
 *
 * Under -icount QEMU runs one core at a time, until its next timer, or until it says `yield`. What goes wrong between
 * two cores goes wrong around an atomic access of one of them, so there is where it says so, when the seed wants it.
 */
#pragma once

#include_next <stdatomic.h>

#include "hal/hal.h"

/* In how many accesses one lets others go on. */
#define SIM_EVERY 16u

extern uint32_t sim_draws; /* a generator for all cores: who loses another's step loses nothing */

static inline void sim_point(void) {
    uint32_t x = __atomic_load_n(&sim_draws, __ATOMIC_RELAXED) * 1664525u + 1013904223u;
    __atomic_store_n(&sim_draws, x, __ATOMIC_RELAXED);
    if ((x >> 16) % SIM_EVERY == 0) {
        hal_relax();
    }
}

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_thread_fence

/* The type without its _Atomic, unpromoted. */
#define SIM_TYPE(p)                                                                                \
    __typeof__(__extension__({                                                                     \
        __auto_type v_ = *(p);                                                                     \
        v_;                                                                                        \
    }))

#define SIM_AT(operation)                                                                          \
    __extension__({                                                                                \
        sim_point();                                                                               \
        operation;                                                                                 \
    })

#define atomic_load_explicit(p, order)                                                             \
    __extension__({                                                                                \
        SIM_TYPE(p) loaded_;                                                                       \
        sim_point();                                                                               \
        __atomic_load((p), &loaded_, (order));                                                     \
        loaded_;                                                                                   \
    })
#define atomic_store_explicit(p, v, order)                                                         \
    __extension__({                                                                                \
        SIM_TYPE(p) stored_ = (v);                                                                 \
        sim_point();                                                                               \
        __atomic_store((p), &stored_, (order));                                                    \
        sim_point(); /* others see it, and this core is not yet where it thinks it is */           \
    })
#define atomic_exchange_explicit(p, v, order)                                                      \
    __extension__({                                                                                \
        SIM_TYPE(p) in_ = (v), out_;                                                               \
        sim_point();                                                                               \
        __atomic_exchange((p), &in_, &out_, (order));                                              \
        out_;                                                                                      \
    })
#define atomic_compare_exchange_strong_explicit(p, e, v, order, failed)                            \
    __extension__({                                                                                \
        SIM_TYPE(p) wanted_ = (v);                                                                 \
        sim_point();                                                                               \
        __atomic_compare_exchange((p), (e), &wanted_, 0, (order), (failed));                       \
    })
#define atomic_compare_exchange_weak_explicit  atomic_compare_exchange_strong_explicit
#define atomic_fetch_add_explicit(p, v, order) SIM_AT(__atomic_fetch_add((p), (v), (order)))
#define atomic_fetch_sub_explicit(p, v, order) SIM_AT(__atomic_fetch_sub((p), (v), (order)))
#define atomic_fetch_or_explicit(p, v, order)  SIM_AT(__atomic_fetch_or((p), (v), (order)))
#define atomic_fetch_and_explicit(p, v, order) SIM_AT(__atomic_fetch_and((p), (v), (order)))
#define atomic_thread_fence(order)             SIM_AT(__atomic_thread_fence(order))
