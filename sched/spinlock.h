/*
 * sched/spinlock.h - the one kind of spinlock: held with this core's interrupts masked.
 *
 * Masking keeps handlers out, so that a lock taken in a handler is never held by the code it
 * interrupted, and keeps the holder on its core, so that nobody spins for a preempted holder. Hold
 * it for tens of instructions.
 *
 * A lock that is open says something: 0, or a note of the object's, which who takes the lock gets as it is. So an object
 * can be looked at and changed in the same exclusive access as its lock (semaphores: while nobody waits the note is the
 * count), and a G that waits alone is not on a list but in the note (sched/wait.h).
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

/* LOCK_HELD, or a note. With DEBUG beside that its rank, for ever. */
typedef _Atomic uint64_t spinlock_t CAPABILITY("spinlock");

/* Negative, as some notes are, so that one comparison tells a number; and a bit that no note has, so that one tells it
 * from all. */
#define LOCK_HELD_BIT (UINT64_C(1) << 62)
#define LOCK_HELD     (UINT64_C(1) << 63 | LOCK_HELD_BIT)

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

/* No note has these bits. */
#define LOCK_RANK_SHIFT 56
#define LOCK_RANK_BITS  (UINT64_C(0x1f) << LOCK_RANK_SHIFT)
#define SPINLOCK(rank)  (LOCK_RANKS ? (uint64_t)(rank) << LOCK_RANK_SHIFT : 0)

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

/* Beside what l says: with DEBUG its rank. */
static inline uint64_t spin_rank_bits(spinlock_t *l) {
    return LOCK_RANKS ? atomic_load_explicit(l, memory_order_relaxed) & LOCK_RANK_BITS : 0;
}

/* Takes l, and the note, if it was open; else LOCK_HELD. */
static inline uint64_t spin_grab(spinlock_t *l) {
    uint64_t rank = spin_rank_bits(l);
    /* acquire: pairs with the release in spin_unlock_masked, what the last holder wrote is seen */
    return atomic_exchange_explicit(l, LOCK_HELD | rank, memory_order_acquire) & ~rank;
}

/* A hint when to try again. */
static inline bool spin_is_held(spinlock_t *l) {
    /* relaxed: spares the line the exclusive accesses */
    return (atomic_load_explicit(l, memory_order_relaxed) & LOCK_HELD_BIT) != 0;
}

/* The same with CONFIG_LOCKSTEP; how long core i has waited so, in all. */
uint64_t spin_wait_counted(spinlock_t *l) NEEDS(irq_masked);
int64_t spin_waited(unsigned i);

/* Masked. l was held just now: takes it, and the note. */
static inline uint64_t spin_wait(spinlock_t *l) NEEDS(irq_masked) {
    if (CONFIG_LOCKSTEP) {
        return spin_wait_counted(l);
    }
    uint64_t note;
    do {
        while (spin_is_held(l)) {
            hal_relax();
        }
        note = spin_grab(l);
    } while ((note & LOCK_HELD_BIT) != 0);
    return note;
}

/* The same; it may be open. */
static inline uint64_t spin_take(spinlock_t *l) NEEDS(irq_masked) {
    uint64_t note = spin_grab(l);
    return __builtin_expect((note & LOCK_HELD_BIT) != 0, 0) ? spin_wait(l) : note;
}

/* Masked already. Returns the note. */
static inline uint64_t spin_lock_masked(spinlock_t *l) NEEDS(irq_masked) TAKES(*l) UNCHECKED {
    if (LOCK_RANKS) {
        lock_rank_take(l, false);
    }
    return spin_take(l);
}

/* The same, but without waiting: who gets LOCK_HELD has it only after a spin_wait(). For who looks first whether the note
 * is the common one. */
static inline uint64_t spin_try_masked(spinlock_t *l) NEEDS(irq_masked) TAKES(*l) UNCHECKED {
    if (LOCK_RANKS) {
        lock_rank_take(l, false);
    }
    return spin_grab(l);
}

/* Takes it if it is open, with that note. */
static inline bool spin_lock_if(spinlock_t *l, uint64_t note) NEEDS(irq_masked)
    TAKES_IF(true, *l) UNCHECKED {
    /* acquire: as in spin_grab() */
    if (!hal_replace(l, note | spin_rank_bits(l), LOCK_HELD | spin_rank_bits(l))) {
        return false;
    }
    if (LOCK_RANKS) {
        lock_rank_take(l, false); /* late, but nobody has waited */
    }
    return true;
}

/* spin_try_masked() while others of its rank are held; the caller says in which order. */
static inline uint64_t spin_try_beside(spinlock_t *l) NEEDS(irq_masked) TAKES(*l) UNCHECKED {
    if (LOCK_RANKS) {
        lock_rank_take(l, true);
    }
    return spin_grab(l);
}

/* This core is about to open l, by a store of this with release. */
static inline uint64_t spin_opened(spinlock_t *l, uint64_t note) NEEDS(irq_masked) {
    if (!LOCK_RANKS) {
        return note;
    }
    lock_rank_open(l);
    return note | spin_rank_bits(l);
}

/* Leaves a note. */
static inline void spin_unlock_noting(spinlock_t *l, uint64_t note) NEEDS(irq_masked)
    OPENS(*l) UNCHECKED {
    atomic_store_explicit(l, spin_opened(l, note), memory_order_release);
}

static inline void spin_unlock_masked(spinlock_t *l) NEEDS(irq_masked) OPENS(*l) {
    spin_unlock_noting(l, 0);
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
static inline hal_irq_t spin_lock_patiently(spinlock_t *l, uint64_t *note)
    TAKES(irq_masked, *l) UNCHECKED {
    for (;;) {
        hal_irq_t was = hal_irq_save();
        if (((*note = spin_grab(l)) & LOCK_HELD_BIT) == 0) {
            if (LOCK_RANKS) {
                lock_rank_take(l, false); /* late, but nobody has waited */
            }
            return was;
        }
        hal_irq_restore(was);
        hal_relax();
    }
}
