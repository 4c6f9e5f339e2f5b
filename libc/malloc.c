/*
 * libc/malloc.c - in front of newlib's malloc(), which has one lock: each core keeps free blocks.
 *
 * A block of up to 1 KiB that is freed stays with the core, in a stash of its size's class
 * (<bareloom/go.h>), and the next malloc() of that class there takes it: no lock, and no other
 * core. Blocks are newlib's own, and to newlib those in a stash are in use; so realloc(), memalign()
 * and whoever else knows newlib's blocks may take or free any of them. The head before a block tells
 * its size.
 *
 * newlib is asked for several blocks at a time, the more the oftener a class runs out, and gets a
 * batch back when there are too many. When it has no more, all cores' stashes are given back
 * to it first.
 *
 * The linker leads all callers of _malloc_r() and its like here, also those inside the C library,
 * and newlib's realloc() and memalign() under their lock. With SAN=address it leads them to
 * libc/sanitize/malloc.c instead, and this file is left out: an object that is freed must rest.
 */
#include <bareloom/go.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <reent.h>
#include <stdatomic.h>
#include <string.h>

/* newlib 3.3 gives ints, ten of them, where <malloc.h> has them as size_t. */
struct fields {
    unsigned of[sizeof(struct mallinfo) / sizeof(unsigned)];
};

void *__real__malloc_r(struct _reent *r, size_t n);
void __real__free_r(struct _reent *r, void *p);
void *__real__realloc_r(struct _reent *r, void *p, size_t n);
struct fields __real__mallinfo_r(struct _reent *r);
void __real__malloc_stats_r(struct _reent *r);
int __real__malloc_trim_r(struct _reent *r, size_t pad);
void *__wrap__malloc_r(struct _reent *r, size_t n);
void __wrap__free_r(struct _reent *r, void *p);
void *__wrap__realloc_r(struct _reent *r, void *p, size_t n);
struct mallinfo __wrap__mallinfo_r(struct _reent *r);
void __wrap__malloc_stats_r(struct _reent *r);
int __wrap__malloc_trim_r(struct _reent *r, size_t pad);
void __malloc_lock(struct _reent *r);
void __malloc_unlock(struct _reent *r);

/* ---- blocks and classes ---------------------------------------------------------------------- */

/* A block takes a multiple of 16 bytes, of which 8 before it are its head: size and flags. Its room is
 * what it takes beyond the 16 that each does; 8 bytes more may be used. */
#define FLAGS ((size_t)15)
#define USED  ((size_t)8)

/* Classes are by room: from 16 to 256 by 16, then four to a doubling. */
#define FINE    ((size_t)256)
#define MOST    KB(1)
#define CLASSES GO_STASH_CLASSES
_Static_assert(CLASSES == FINE / 16 + 2 * 4, "to 1 KiB");

static size_t room_of(const void *p) {
    /* relaxed: another core may change a flag, under newlib's lock; the size stays */
    const _Atomic size_t *head = (const _Atomic size_t *)p - 1;
    return (atomic_load_explicit(head, memory_order_relaxed) & ~FLAGS) - 16;
}

/* The step from class to class about room. */
static unsigned step_shift(size_t room) {
    return 61 - (unsigned)__builtin_clzl(room);
}

/* The last class whose blocks may have to be that small; CLASSES or more: none. */
static size_t class_of(size_t room) {
    if (room <= FINE) {
        return room / 16 - 1;
    }
    unsigned shift = step_shift(room);
    return FINE / 16 - 1 + (shift - 6) * 4 + (room >> shift) - 4;
}

/* The least room of a block for n bytes that a stash may give, n <= MOST. */
static size_t room_for(size_t n) {
    size_t room = n <= 16 + USED ? 16 : (n - USED + 15) & ~(size_t)15;
    if (room > FINE) {
        size_t step = (size_t)1 << step_shift(room - 1);
        room = (room + step - 1) & ~(step - 1);
    }
    return room;
}

/* ---- newlib ---------------------------------------------------------------------------------- */

/* How many blocks of a class are asked for beside the one that is wanted, when it has run out: the
 * more the oftener it did. Guarded by newlib's lock. */
static unsigned beside[CLASSES];

static void give_back(void *first) {
    struct _reent *r = _REENT;
    __malloc_lock(r);
    while (first != NULL) {
        void *next = *(void **)first;
        __real__free_r(r, first);
        first = next;
    }
    __malloc_unlock(r);
}

static void give(void *p, size_t class) {
    if (class >= CLASSES) {
        __real__free_r(_REENT, p);
        return;
    }
    void *too_many = go_stash_give((unsigned)class, p);
    if (too_many != NULL) {
        give_back(too_many);
    }
}

/* One block for the caller, and some for the stash. */
static void *fetch(struct _reent *r, size_t room, size_t class) {
    __malloc_lock(r);
    void *p = __real__malloc_r(r, room + USED);
    void *more = p;
    for (unsigned i = 0; i < beside[class] && more != NULL; i++) {
        more = __real__malloc_r(r, room + USED);
        if (more != NULL) {
            give(more, class);
        }
    }
    if (beside[class] < GO_STASH_BATCH - 1) {
        beside[class] = 2 * beside[class] + 1;
    }
    __malloc_unlock(r);
    return p;
}

static void *ask(struct _reent *r, size_t n) {
    if (n > MOST) {
        return __real__malloc_r(r, n);
    }
    size_t room = room_for(n);
    return fetch(r, room, class_of(room));
}

/* Nothing was at hand. */
static void *malloc_otherwise(struct _reent *r, size_t n) {
    void *p = ask(r, n);
    if (p == NULL && n <= INT_MAX) { /* newlib has no block above that */
        go_stash_drain(give_back);
        p = ask(r, n);
    }
    return p;
}

/* ---- what programs and the library call ------------------------------------------------------ */

static void *at_hand(size_t n) {
    return n <= MOST ? go_stash_take((unsigned)class_of(room_for(n))) : NULL;
}

/* newlib's own would first look for the caller's struct _reent, and make one. */
void *malloc(size_t n) {
    void *p = at_hand(n);
    return p != NULL ? p : malloc_otherwise(_REENT, n);
}

void free(void *p) {
    if (p != NULL) {
        give(p, class_of(room_of(p)));
    }
}

void *__wrap__malloc_r(struct _reent *r, size_t n) {
    void *p = at_hand(n);
    return p != NULL ? p : malloc_otherwise(r, n);
}

void __wrap__free_r(struct _reent *r, void *p) {
    (void)r;
    free(p);
}

void *__wrap__realloc_r(struct _reent *r, void *p, size_t n) {
    if (n > INT_MAX) {
        errno = ENOMEM; /* newlib 3.3 would keep its lock */
        return NULL;
    }
    if (p == NULL || n > MOST || room_of(p) > MOST) {
        return p == NULL ? __wrap__malloc_r(r, n) : __real__realloc_r(r, p, n);
    }
    size_t old = room_of(p) + USED;
    if (n <= old && n >= old / 2) {
        return p;
    }
    void *fresh = __wrap__malloc_r(r, n);
    if (fresh != NULL) {
        memcpy(fresh, p, n < old ? n : old);
        free(p);
    }
    return fresh;
}

/* What lies in stashes is free to a program that asks. */
struct mallinfo __wrap__mallinfo_r(struct _reent *r) {
    go_stash_drain(give_back);
    struct fields f = __real__mallinfo_r(r);
    struct mallinfo m;
    if (__NEWLIB__ > 3) {
        memcpy(&m, &f, sizeof m);
    } else {
        m = (struct mallinfo){f.of[0], f.of[1], f.of[2], f.of[3], f.of[4],
                              f.of[5], f.of[6], f.of[7], f.of[8], f.of[9]};
    }
    return m;
}

void __wrap__malloc_stats_r(struct _reent *r) {
    go_stash_drain(give_back);
    __real__malloc_stats_r(r);
}

int __wrap__malloc_trim_r(struct _reent *r, size_t pad) {
    go_stash_drain(give_back);
    return __real__malloc_trim_r(r, pad);
}
