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
#include <bareloom/go.h>
#include <bareloom/limit.h>

struct g;
struct waiter;

/* A spinlock of the runtime's; the attribute is for the check of who holds it (sched/lockcheck.h). */
#ifdef __clang__
typedef _Atomic uint64_t lock_word_t __attribute__((capability("spinlock")));
#else
typedef _Atomic uint64_t lock_word_t;
#endif

/* A FIFO of waiting Gs; guarded by the spinlock beside it. */
struct wait_list {
    struct waiter *head, *tail;
};

/* ---- mutex ---------------------------------------------------------------------------------- */
struct mutex {
    _Atomic uintptr_t word; /* owner's struct g, and flags in the low three bits (sched/mutex.c) */
    lock_word_t lock;       /* spinlock over waiters */
    struct wait_list waiters;
};

/* Blocks until the caller owns m. Owned and not recursive: PANIC when it does already. A G that has
 * waited for over a millisecond is handed the mutex, in order of arrival; until then who comes first
 * takes it. From a G. Go: sync.Mutex, which has no owner. */
void mutex_lock(struct mutex *m);
int mutex_lock_until(struct mutex *m, struct limit l);

/* 0, or -EBUSY. From a G. */
int mutex_trylock(struct mutex *m);

/* FATAL "sync: unlock of unlocked mutex", also when another G owns it. From a G with preemption on: elsewhere
 * a panic, which a build without DEBUG gives only if somebody waits. Does not block. */
void mutex_unlock(struct mutex *m);

/* ---- readers-writer mutex -------------------------------------------------------------------- */
struct rwmutex {
    _Atomic uintptr_t word; /* readers or the writer, and flags (sched/rwmutex.c) */
    lock_word_t lock;       /* spinlock over what follows */
    uint32_t turn;          /* counts the writers' unlocks that found somebody waiting */
    struct wait_list readers, writers;
};

/* Blocks until the caller is one of the readers. A writer that waits keeps new readers out; readers
 * that wait when it unlocks go before the next writer. So neither starves the other, and a reader
 * must not read-lock again: a writer between the two would wait for it, and it for the writer. PANIC
 * when the caller is the writer. From a G. Go: sync.RWMutex.RLock. */
void rwmutex_rlock(struct rwmutex *m);
int rwmutex_rlock_until(struct rwmutex *m, struct limit l);

/* 0; -EBUSY where rwmutex_rlock() would wait. From a G. Go: TryRLock. */
int rwmutex_tryrlock(struct rwmutex *m);

/* Happens before the next writer's lock. Readers have no names: any G may do it, and one that ends
 * without it is not noticed. FATAL "sync: RUnlock of unlocked RWMutex". From a G. Does not block. */
void rwmutex_runlock(struct rwmutex *m);

/* Blocks until the caller is the writer, alone. Owned and not recursive, as a mutex is: PANIC when
 * it is already; the G must not end before it has unlocked. Writers have it in order of arrival. A
 * limit that ends lets the readers in whom it kept waiting. From a G. Go: sync.RWMutex.Lock, which
 * has no owner. */
void rwmutex_lock(struct rwmutex *m);
int rwmutex_lock_until(struct rwmutex *m, struct limit l);

/* 0, or -EBUSY. From a G. Go: TryLock. */
int rwmutex_trylock(struct rwmutex *m);

/* Happens before the locks of all readers and of the writer that come next. FATAL "sync: Unlock of
 * unlocked RWMutex", also when another G owns it. From a G. Does not block. */
void rwmutex_unlock(struct rwmutex *m);

/* ---- condition variable --------------------------------------------------------------------- */
struct cond {
    lock_word_t lock;            /* first, since clang takes no {0} for an atomic pointer */
    struct cond *_Atomic self;   /* where it was used first: a copy lies elsewhere */
    uint32_t turn;               /* counts broadcasts */
    struct wait_list waiters[2]; /* sched/cond.c says why two */
};

/* Unlocks m, which the caller owns, waits for a signal or a broadcast, and locks m again - also when
 * the limit ends the wait: then -ETIMEDOUT and so on, and no signal was used up. What it waits for
 * may be gone again by the time it has m, so:
 *
 *      mutex_lock(&m);
 *      while (!ready) {
 *          cond_wait(&c, &m);
 *      }
 *
 * FATAL "sync: unlock of unlocked mutex" if the caller does not own m; PANIC "sync.Cond is copied".
 * From a G. Go: sync.Cond.Wait. */
void cond_wait(struct cond *c, struct mutex *m);
int cond_wait_until(struct cond *c, struct mutex *m, struct limit l);

/* Wakes the one that has waited longest, or all that wait now; nobody who comes later takes a signal
 * from them, and without a waiter it is forgotten. It happens before what it wakes returns. With or
 * without the mutex; whoever is woken may free c, in case of a broadcast if that was made with it
 * locked. Never blocks; also with preemption off. From a G: in a handler the condition could change
 * between a waiter's look at it and its wait, so that is a PANIC; use an event or a semaphore there.
 * PANIC "sync.Cond is copied". Go: Signal, Broadcast. */
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

/* ---- wait group ----------------------------------------------------------------------------- */
struct wg {
    lock_word_t word; /* twice the count, and whether somebody waits, or who waits alone for one (sched/wg.c): so that
                         no fast path looks at the group after the store that may release its owner */
    lock_word_t lock; /* over what follows */
    struct wait_list waiters;
    struct g *alone; /* waits as well, before those, and was alone when it began to */
};

/* Adds n to the count; when that makes it zero, all that wait go on. Never blocks; also from a
 * handler. PANIC "sync: negative WaitGroup counter"; "sync: WaitGroup misuse: Add called concurrently
 * with Wait". Go: sync.WaitGroup. */
void wg_add(struct wg *w, int n);
void wg_done(struct wg *w);

/* Adds one, starts a G that calls fn(arg), and takes it off again when fn is left, by go_exit() too.
 * 0, or -ENOMEM: it was not started, nor added. From a G; does not block. Go: WaitGroup.Go. */
int wg_go(struct wg *w, go_fn *fn, void *arg);

/* Blocks until the count is zero. From a G. */
void wg_wait(struct wg *w);
int wg_wait_until(struct wg *w, struct limit l);

/* ---- semaphore ------------------------------------------------------------------------------ */
struct sema {
    lock_word_t count; /* at the beginning 0 to 2^31 - 1; a lock, too, that says when open the count, or that somebody
                          waits (sched/sema.c) */
    int32_t left; /* of the count while somebody waits; under the lock, as waiters */
    struct wait_list waiters;
};

/* Takes one, or n at once; blocks while there are not enough, or others have waited longer: first
 * come, first served, so a large request is not starved by small ones. From a G. Go: x/sync
 * semaphore.Weighted. PANIC when n is over 2^31 - 1. */
void sema_wait(struct sema *s);
int sema_wait_until(struct sema *s, struct limit l);
void sema_wait_n(struct sema *s, uint32_t n);
int sema_wait_n_until(struct sema *s, uint32_t n, struct limit l);

/* Takes n if that needs no waiting: 0, or -EAGAIN. Also from a handler. */
int sema_try(struct sema *s, uint32_t n);

/* Adds one, or n, and serves those who wait, in order. Never blocks; also from a handler. PANIC
 * when the count would pass 2^31 - 1. */
void sema_post(struct sema *s);
void sema_post_n(struct sema *s, uint32_t n);

#include <bareloom/fast.h>
