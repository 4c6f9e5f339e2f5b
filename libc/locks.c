/*
 * libc/locks.c - newlib's locks are Bareloom mutexes: a G that meets one parks, and nothing spins.
 *
 * All ten functions and nine objects must be here, or the linker takes newlib's own, which lock
 * nothing. Callers are checked each time: a handler has no business in the C library, and a lock
 * that is taken twice by a G that a handler interrupted would look like recursion. mutex_lock()
 * refuses a G with preemption off.
 *
 * The race: fflush(NULL), exit() and reading from a terminal walk newlib's list of FILEs without
 * its lock. A walker may have read a FILE's lock, or wait for it, while that FILE is closed and
 * opened again; were the lock freed and another made, the walker would unlock what it did not lock.
 * FILEs are never freed, so a FILE keeps its first lock for ever: close() does nothing, and the
 * next open finds the lock it left. Only the FILE that fprintf() makes on its own stack for an
 * unbuffered stream gives its lock back.
 */
#include <bareloom.h>
#include <stdatomic.h>
#include <sys/lock.h>

#include "libc/pool.h"

struct __lock {
    struct mutex mutex;
    _Atomic uint64_t owner; /* number of the G that holds a recursive lock; written by it */
    unsigned depth;         /* the owner's */
    _LOCK_T *home; /* where newlib keeps the pointer to it; NULL: in its own static storage */
    _LOCK_T next;  /* of those that stay; guarded by kept_lock */
};

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

static struct pool pool = {.size = sizeof(struct __lock)};

static struct mutex kept_lock;
static _LOCK_T kept; /* guarded by kept_lock */

static void check_caller(void) {
    if (go_local() == NULL) {
        PANIC("libc: a lock of the C library was asked for outside of a goroutine, by an interrupt "
              "handler");
    }
}

/* ---- making and ending them ------------------------------------------------------------------ */

/* Whether home lies in a frame of the calling G, just above ours: fprintf()'s FILE with its buffer
 * of 1 KiB does. Between the stacks of Gs lie guards, so nothing else of newlib is that near. */
static bool on_own_stack(const _LOCK_T *home) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return (uintptr_t)home >= here && (uintptr_t)home - here < KB(4);
}

static _LOCK_T make(_LOCK_T *home) {
    _LOCK_T l = pool_alloc(&pool);
    if (l == NULL) {
        PANIC("libc: no memory for a lock of the C library");
    }
    *l = (struct __lock){.home = home};
    return l;
}

/* The lock that stays at home, from an earlier open or new. */
static _LOCK_T keep(_LOCK_T *home) {
    mutex_lock(&kept_lock);
    _LOCK_T l = kept;
    while (l != NULL && l->home != home) {
        l = l->next;
    }
    if (l == NULL) {
        l = make(home);
        l->next = kept;
        kept = l;
    }
    mutex_unlock(&kept_lock);
    return l;
}

void __retarget_lock_init_recursive(_LOCK_T *lock) {
    check_caller();
    *lock = on_own_stack(lock) ? make(lock) : keep(lock);
}

void __retarget_lock_init(_LOCK_T *lock) {
    __retarget_lock_init_recursive(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock) {
    check_caller();
    if (on_own_stack(lock->home)) {
        pool_free(&pool, lock);
    }
}

void __retarget_lock_close(_LOCK_T lock) {
    __retarget_lock_close_recursive(lock);
}

/* ---- recursive ------------------------------------------------------------------------------- */

/* Whether the caller holds lock. relaxed: only the caller itself ever writes its own number
 * there */
static bool mine(_LOCK_T lock) {
    return atomic_load_explicit(&lock->owner, memory_order_relaxed) == go_id();
}

static void taken(_LOCK_T lock) {
    atomic_store_explicit(&lock->owner, go_id(), memory_order_relaxed);
    lock->depth = 1;
}

void __retarget_lock_acquire_recursive(_LOCK_T lock) {
    check_caller();
    if (mine(lock)) {
        lock->depth++;
    } else {
        mutex_lock(&lock->mutex);
        taken(lock);
    }
}

/* 1: taken, 0: somebody else has it. */
int __retarget_lock_try_acquire_recursive(_LOCK_T lock) {
    check_caller();
    if (mine(lock)) {
        lock->depth++;
    } else if (mutex_trylock(&lock->mutex) == 0) {
        taken(lock);
    } else {
        return 0;
    }
    return 1;
}

void __retarget_lock_release_recursive(_LOCK_T lock) {
    check_caller();
    if (!mine(lock)) {
        FATAL("libc: goroutine %lu gives back a lock of the C library that it does not hold",
              (unsigned long)go_id());
    }
    if (--lock->depth == 0) {
        atomic_store_explicit(&lock->owner, 0, memory_order_relaxed);
        mutex_unlock(&lock->mutex);
    }
}

/* ---- not recursive --------------------------------------------------------------------------- */

void __retarget_lock_acquire(_LOCK_T lock) {
    check_caller();
    mutex_lock(&lock->mutex);
}

int __retarget_lock_try_acquire(_LOCK_T lock) {
    check_caller();
    return mutex_trylock(&lock->mutex) == 0;
}

void __retarget_lock_release(_LOCK_T lock) {
    check_caller();
    mutex_unlock(&lock->mutex);
}
