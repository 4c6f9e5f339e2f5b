/*
 * sched/spinlock.h - the one kind of spinlock: held with this core's interrupts masked.
 *
 * Masking keeps handlers out, so that a lock taken in a handler is never held by the code it
 * interrupted, and keeps the holder on its core, so that nobody spins for a preempted holder. Hold
 * it for tens of instructions.
 *
 * Who holds a lock takes only locks of a higher rank, so that no two cores wait for each other. In a
 * build with DEBUG each lock carries its rank, and each core remembers what it holds and stops the
 * machine when it is about to break the order (lockrank.c).
 */
#pragma once

#include <bareloom/config.h>
#include <stdatomic.h>

#include "hal/hal.h"
#include "sched/lockcheck.h"

/* Bit 0: it is held. With DEBUG above that its rank, for ever. */
typedef _Atomic uint32_t spinlock_t CAPABILITY("spinlock");

/* From the outermost to the innermost. Zero is what an object of a program begins with. */
enum lock_rank {
    RANK_OBJECT, /* what Gs wait for; several at once by select, in its own order */
    RANK_TREE,   /* the tree of contexts */
    RANK_TIMER,  /* one timer; before objects, though it stands here: see lockrank.c */
    RANK_COND,   /* the same: its mutex is unlocked under it */
    RANK_CTX,
    RANK_STARTER,
    RANK_ALARMS,
    RANK_IRQ,
    RANK_GLOBAL,
    RANK_OVERFLOW,
    RANK_GS,
    RANK_SLOTS,
    RANK_HEAP,
    RANK_TIMER_POOL,
    RANK_FRAMES,
    RANK_PAGES,
    RANKS
};

#ifdef DEBUG
#define LOCK_RANKS 1
#else
#define LOCK_RANKS 0
#endif

#define LOCK_RANK_SHIFT 8
#define SPINLOCK(rank)  (LOCK_RANKS ? (uint32_t)(rank) << LOCK_RANK_SHIFT : 0)

/* For the lock of an object that begins as zero and is not of RANK_OBJECT: before each use. */
static inline void spin_rank(spinlock_t *l, enum lock_rank rank) {
    if (LOCK_RANKS) {
        atomic_fetch_or_explicit(l, SPINLOCK(rank), memory_order_relaxed);
    }
}

/* This core, which cannot change meanwhile, is about to take l; beside: next to others of its rank.
 * And has opened it. */
void lock_rank_take(spinlock_t *l, bool beside);
void lock_rank_open(spinlock_t *l);

static inline bool spin_grab(spinlock_t *l) {
    /* acquire: pairs with the release in spin_unlock_masked, what the last holder wrote is seen */
    return LOCK_RANKS ? (atomic_fetch_or_explicit(l, 1, memory_order_acquire) & 1) == 0
                      : atomic_exchange_explicit(l, 1, memory_order_acquire) == 0;
}

/* The same with CONFIG_LOCKSTEP; how long core i has waited so, in all. */
void spin_wait_counted(spinlock_t *l) NEEDS(irq_masked);
int64_t spin_waited(unsigned i);

static inline void spin_wait(spinlock_t *l) NEEDS(irq_masked) {
    if (CONFIG_LOCKSTEP) {
        spin_wait_counted(l);
        return;
    }
    while (!spin_grab(l)) {
        /* relaxed: only a hint when to try again; spares the line the exclusive accesses */
        while ((atomic_load_explicit(l, memory_order_relaxed) & 1) != 0) {
            hal_relax();
        }
    }
}

/* Masked already. */
static inline void spin_lock_masked(spinlock_t *l) NEEDS(irq_masked) TAKES(*l) UNCHECKED {
    if (LOCK_RANKS) {
        lock_rank_take(l, false);
    }
    spin_wait(l);
}

/* The same while others of its rank are held; the caller says in which order. */
static inline void spin_lock_beside(spinlock_t *l) NEEDS(irq_masked) TAKES(*l) UNCHECKED {
    if (LOCK_RANKS) {
        lock_rank_take(l, true);
    }
    spin_wait(l);
}

/* This core is about to open l, by a store of this with release. */
static inline uint32_t spin_opened(spinlock_t *l) NEEDS(irq_masked) {
    if (!LOCK_RANKS) {
        return 0;
    }
    lock_rank_open(l);
    return atomic_load_explicit(l, memory_order_relaxed) & ~1u; /* nobody but us changes it */
}

static inline void spin_unlock_masked(spinlock_t *l) NEEDS(irq_masked) OPENS(*l) UNCHECKED {
    atomic_store_explicit(l, spin_opened(l), memory_order_release);
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
        if (spin_grab(l)) {
            if (LOCK_RANKS) {
                lock_rank_take(l, false); /* late, but nobody has waited */
            }
            return was;
        }
        hal_irq_restore(was);
        hal_relax();
    }
}
