/*
 * sched/spinlock.h - the one kind of spinlock: held with this core's interrupts masked.
 *
 * Masking keeps handlers out, so that a lock taken in a handler is never held by the code it
 * interrupted, and keeps the holder on its core, so that nobody spins for a preempted holder. Hold
 * it for tens of instructions, and take no two unless the order is written where they are declared.
 */
#pragma once

#include <stdatomic.h>

#include "hal/hal.h"
#include "sched/lockcheck.h"

typedef _Atomic uint32_t spinlock_t CAPABILITY("spinlock");

/* Masked already. */
static inline void spin_lock_masked(spinlock_t *l) NEEDS(irq_masked) TAKES(*l) UNCHECKED {
    /* acquire: pairs with the release in spin_unlock_masked, what the last holder wrote is seen */
    while (atomic_exchange_explicit(l, 1, memory_order_acquire) != 0) {
        /* relaxed: only a hint when to try again; spares the line the exclusive accesses */
        while (atomic_load_explicit(l, memory_order_relaxed) != 0) {
            hal_relax();
        }
    }
}

static inline void spin_unlock_masked(spinlock_t *l) NEEDS(irq_masked) OPENS(*l) UNCHECKED {
    atomic_store_explicit(l, 0, memory_order_release);
}

static inline hal_irq_t spin_lock(spinlock_t *l) TAKES(irq_masked, *l) {
    hal_irq_t was = hal_irq_save();
    spin_lock_masked(l);
    return was;
}

static inline void spin_unlock(spinlock_t *l, hal_irq_t was) OPENS(irq_masked, *l) {
    spin_unlock_masked(l);
    hal_irq_restore(was);
}

/* Where the holder may take long (a channel with large elements): masked only once it is ours. */
static inline hal_irq_t spin_lock_patiently(spinlock_t *l) TAKES(irq_masked, *l) UNCHECKED {
    for (;;) {
        hal_irq_t was = hal_irq_save();
        if (atomic_exchange_explicit(l, 1, memory_order_acquire) == 0) { /* as in spin_lock_masked */
            return was;
        }
        hal_irq_restore(was);
        hal_relax();
    }
}
