/*
 * libc/sys.c - the rest of what newlib asks of a system: memory, time, and the ways a program ends.
 *
 * There is no calendar clock: time() counts from power-on, as if that had been the first second of
 * 1970. clock() is the same time; it is not the caller's share of the processors.
 */
#include <assert.h>
#include <bareloom.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "libc/syscalls.h"

/* The runtime is built without this library's headers and has these numbers in hal/errno.h. */
_Static_assert(ENOENT == 2 && EAGAIN == 11 && ENOMEM == 12 && EBUSY == 16 && EINVAL == 22 &&
                   EPIPE == 32 && ETIMEDOUT == 116 && ECANCELED == 140,
               "the runtime's error numbers are newlib's");

/* ---- memory ---------------------------------------------------------------------------------- */

/* Only malloc calls it, under its lock. */
void *_sbrk(ptrdiff_t n) {
    void *old = go_heap_grow(n);
    if (old == (void *)-1) {
        errno = ENOMEM;
    }
    return old;
}

/* newlib 3.3 makes aligned_alloc() of it and leaves it to the system. */
int posix_memalign(void **out, size_t alignment, size_t n) {
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }
    *out = memalign(alignment, n);
    return *out != NULL ? 0 : ENOMEM;
}

/* ---- time ------------------------------------------------------------------------------------ */

int _gettimeofday(struct timeval *tv, void *zone) {
    (void)zone;
    ns_t now = go_now();
    tv->tv_sec = (time_t)(now / SEC(1));
    tv->tv_usec = (suseconds_t)(now % SEC(1) / US(1));
    return 0;
}

clock_t _times(struct tms *t) {
    clock_t now = (clock_t)(go_now() / (SEC(1) / CLOCKS_PER_SEC));
    *t = (struct tms){.tms_utime = now};
    return now;
}

/* ---- randomness ------------------------------------------------------------------------------ */

int getentropy(void *p, size_t n) {
    int error = n <= 256 ? random_bytes(p, n) : -EIO;
    if (error != 0) {
        errno = error == -ENODEV ? ENOSYS : EIO;
    }
    return error != 0 ? -1 : 0;
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* exit() has run what atexit() was given and has flushed stdio. */
_Noreturn void _exit(int status) {
    machine_exit(status);
}

int _getpid(void) {
    return 1;
}

/* What raise() and abort() come to when the program has no handler for sig. */
int _kill(int pid, int sig) {
    if (pid != _getpid()) {
        errno = ESRCH;
        return -1;
    }
    if (sig == SIGABRT) {
        PANIC("abort()");
    }
    if (sig != 0) {
        PANIC("signal %d", sig);
    }
    return 0;
}

_Noreturn void __assert_func(const char *file, int line, const char *function, const char *expression) {
    go_panic(file, line, "assertion \"%s\" failed: file \"%s\", line %d%s%s", expression, file,
             line, function != NULL ? ", function: " : "", function != NULL ? function : "");
}

/* ---- constructors: called by __libc_init_array() and __libc_fini_array() beside their arrays - */

void _init(void) {
}

void _fini(void) {
}
