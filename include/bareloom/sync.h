/*
 * <bareloom/sync.h> - mutex, wait group, semaphore. All of them are ready to use when zeroed.
 *
 * An unlock, done or post happens before the lock, wait or acquire that it lets go on.
 */
#pragma once

#include <bareloom/base.h>

struct g;
struct waiter;

/* A FIFO of waiting Gs; guarded by the spinlock beside it. */
struct wait_list {
    struct waiter *head, *tail;
};

/* ---- mutex ---------------------------------------------------------------------------------- */
struct mutex {
    _Atomic uintptr_t word; /* owner's struct g, bit 0: there are waiters */
    _Atomic uint32_t lock;  /* spinlock over waiters */
    struct wait_list waiters;
};

/* Blocks until the caller owns m. Owned and not recursive: PANIC when it does already. From a G. */
void mutex_lock(struct mutex *m);

/* 0, or -EBUSY. From a G. */
int mutex_trylock(struct mutex *m);

/* Hands m to the first waiter, if any. FATAL "sync: unlock of unlocked mutex", or when another G
 * owns it. */
void mutex_unlock(struct mutex *m);

/* ---- wait group ----------------------------------------------------------------------------- */
struct wg {
    _Atomic uint64_t word; /* count in the low, waiters in the high 32 bits: so that no fast path looks at
                              the group after the store that may release its owner */
    _Atomic uint32_t lock;
    struct wait_list waiters;
};

/* Adds n to the count. PANIC "sync: negative WaitGroup counter". Any context but the handler's when
 * it may reach zero: use it from a G. */
void wg_add(struct wg *w, int n);
void wg_done(struct wg *w);

/* Blocks until the count is zero. From a G. */
void wg_wait(struct wg *w);

/* ---- semaphore ------------------------------------------------------------------------------ */
struct sema {
    _Atomic uint32_t lock;
    uint32_t count;
    struct wait_list waiters;
};

/* Takes one; blocks while there is none. First come, first served. From a G. */
void sema_wait(struct sema *s);

/* The same, until the clock says when (go_now() + something; NOWAIT never blocks): 0, or
 * -ETIMEDOUT; -ENOMEM when there is no page left to remember the deadline in. From a G. */
int sema_wait_until(struct sema *s, ns_t when);

/* Adds one, or hands it to the first waiter. Never blocks; also from a handler. */
void sema_post(struct sema *s);
