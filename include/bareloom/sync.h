/*
 * <bareloom/sync.h> - mutex, readers-writer mutex, condition, wait group, semaphore. All of them are
 * ready to use when zeroed, and are not to be copied once used.
 *
 * An unlock, done, post or signal happens before the lock, wait or acquire that it lets go on. What
 * ends in _until takes a limit (<bareloom/limit.h>). "From a G" means: a panic in an interrupt
 * handler, and with preemption off.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/limit.h>

struct g;
struct waiter;

/* A FIFO of waiting Gs; guarded by the spinlock beside it. */
struct wait_list {
    struct waiter *head, *tail;
};

/* ---- mutex ---------------------------------------------------------------------------------- */
struct mutex {
    _Atomic uintptr_t word; /* owner's struct g, and flags in the low three bits (sched/mutex.c) */
    _Atomic uint32_t lock;  /* spinlock over waiters */
    struct wait_list waiters;
};

/* Blocks until the caller owns m. Owned and not recursive: PANIC when it does already. A G that has
 * waited for over a millisecond is handed the mutex, in order of arrival; until then who comes first
 * takes it. From a G. Go: sync.Mutex, which has no owner. */
void mutex_lock(struct mutex *m);
int mutex_lock_until(struct mutex *m, struct limit l);

/* 0, or -EBUSY. From a G. */
int mutex_trylock(struct mutex *m);

/* FATAL "sync: unlock of unlocked mutex", also when another G owns it. From a G. Does not block. */
void mutex_unlock(struct mutex *m);

/* ---- wait group ----------------------------------------------------------------------------- */
struct wg {
    _Atomic uint64_t word; /* count in the low 32 bits, above them whether somebody waits: so that no
                              fast path looks at the group after the store that may release its owner */
    _Atomic uint32_t lock;
    struct wait_list waiters;
};

/* Adds n to the count. PANIC "sync: negative WaitGroup counter"; "sync: WaitGroup misuse: Add called
 * concurrently with Wait". From a G. */
void wg_add(struct wg *w, int n);
void wg_done(struct wg *w);

/* Blocks until the count is zero. From a G. */
void wg_wait(struct wg *w);
int wg_wait_until(struct wg *w, struct limit l);

/* ---- semaphore ------------------------------------------------------------------------------ */
struct sema {
    _Atomic uint32_t lock;
    uint32_t count;
    struct wait_list waiters;
};

/* Takes one, or n at once; blocks while there are not enough, or others have waited longer: first
 * come, first served, so a large request is not starved by small ones. From a G. Go: x/sync
 * semaphore.Weighted. */
void sema_wait(struct sema *s);
int sema_wait_until(struct sema *s, struct limit l);
void sema_wait_n(struct sema *s, uint32_t n);
int sema_wait_n_until(struct sema *s, uint32_t n, struct limit l);

/* Takes n if that needs no waiting: 0, or -EAGAIN. Also from a handler. */
int sema_try(struct sema *s, uint32_t n);

/* Adds one, or n, and serves those who wait, in order. Never blocks; also from a handler. PANIC
 * when the count would pass 2^32 - 1. */
void sema_post(struct sema *s);
void sema_post_n(struct sema *s, uint32_t n);
