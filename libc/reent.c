/*
 * libc/reent.c - one struct _reent for each G that calls the C library, made by its first call.
 *
 * newlib is built with __DYNAMIC_REENT__: errno and all that is not shared is found through
 * __getreent(). The block hangs on the G itself, so it goes with it from core to core and no
 * preemption can come between "who am I" and the use. A G that never calls the C library has none,
 * which is what lets 100,000 of them wait in little memory.
 *
 * G 1 has newlib's own static block: what is made once for the program hangs on that, and exit()
 * flushes by it.
 *
 * The race: the syscall wrappers of newlib also pass errors through one global int errno that all
 * cores share. The stubs in sys.c and file.c therefore set errno by its macro, in the caller's
 * block, and never that variable.
 */
#include "libc/reent.h"

#include <bareloom/go.h>
#include <malloc.h>
#include <reent.h>
#include <string.h>

#include "libc/pool.h"

static struct pool blocks = {.size = sizeof(struct _reent)};

static struct _reent *make(void **local) {
    struct _reent *r = pool_alloc(&blocks);
    if (r == NULL) {
        PANIC("libc: no memory for this goroutine's part of the C library (struct _reent)");
    }
    memset(r, 0, sizeof *r);
    _REENT_INIT_PTR(r);
    *local = r;
    return r;
}

struct _reent *__getreent(void) {
    void **local = go_local();
    if (local == NULL) {
        PANIC("libc: the C library was called outside of a goroutine, by an interrupt handler");
    }
    return *local != NULL ? *local : make(local);
}

/* What _reclaim_reent() leaves behind: newlib 3.3 the powers of five of strtod() and printf(), all
 * versions the table that signal() makes. */
static void free_leftovers(struct _reent *r) {
    struct _Bigint *power = _REENT_MP_P5S(r);
    while (power != NULL) {
        struct _Bigint *next = power->_next;
        _free_r(r, power);
        power = next;
    }
    _REENT_MP_P5S(r) = NULL;
    _free_r(r, r->_sig_func);
    r->_sig_func = NULL;
}

/* On the stack of the ending G, whose block it still is: what newlib hung on it goes first. */
static void end(void *local) {
    struct _reent *r = local;
    if (r != _GLOBAL_REENT) {
        free_leftovers(r);
        _reclaim_reent(r);
        pool_free(&blocks, r);
    }
}

void reent_init(void) {
    *go_local() = _GLOBAL_REENT;
    go_on_exit(end);
}
