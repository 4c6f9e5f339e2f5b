/*
 * libc/sanitize/malloc.c - malloc() and its like with room around each object that nobody may touch,
 * and free() that holds what it is given for a while. SAN=address on a machine; the linker leads all
 * callers here, those inside the C library, too.
 *
 * Only the library's _malloc_r() and _free_r() are used, under its lock. _malloc_r() calls _free_r()
 * for a rest of its own, which then comes to us: `inside` tells it from a program's.
 */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdatomic.h>
#include <string.h>

#include "hal/sanitize/address.h"

#define BACK     ((uintptr_t)__builtin_return_address(0))
#define ALIGN    ((size_t)16)
#define ALIVE    0x616c6976u
#define DEAD     0x64656164u
#define ROOM     sizeof(struct head)
#define ROUND(n) (((n) + ALIGN - 1) & ~(ALIGN - 1))

/* Before an object. */
struct head {
    _Atomic uint32_t state;
    uint32_t before; /* bytes from what _malloc_r() gave to the object */
    size_t size;
};
_Static_assert(ROOM == ALIGN, "objects stay aligned");

void *__real__malloc_r(struct _reent *r, size_t size);
void __real__free_r(struct _reent *r, void *p);
void *__wrap__malloc_r(struct _reent *r, size_t size);
void __wrap__free_r(struct _reent *r, void *p);
void *__wrap__calloc_r(struct _reent *r, size_t n, size_t size);
void *__wrap__realloc_r(struct _reent *r, void *p, size_t size);
void *__wrap__memalign_r(struct _reent *r, size_t alignment, size_t size);
size_t __wrap__malloc_usable_size_r(struct _reent *r, void *p);
void __malloc_lock(struct _reent *r);
void __malloc_unlock(struct _reent *r);

static bool inside; /* guarded by the library's lock */

static struct head *head_of(void *p) {
    return (struct head *)p - 1;
}

static void *make(struct _reent *r, size_t alignment, size_t size, uintptr_t back) {
    size_t all = alignment + ROUND(size) + SANITIZE_REDZONE;
    if (all < size) {
        errno = ENOMEM;
        return NULL;
    }
    __malloc_lock(r);
    inside = true;
    char *raw = __real__malloc_r(r, all);
    inside = false;
    __malloc_unlock(r);
    if (raw == NULL) {
        return NULL;
    }
    char *p = (char *)(((uintptr_t)raw + ROOM + alignment - 1) & ~(alignment - 1));
    sanitize_before(raw, (size_t)(p - raw));
    *head_of(p) = (struct head){ALIVE, (uint32_t)(p - raw), size};
    sanitize_alloc(p, size, (size_t)(raw + all - p), back);
    return p;
}

static void end(struct _reent *r, void *p, uintptr_t back) {
    struct head *h = head_of(p);
    uint32_t alive = ALIVE;
    /* relaxed: who frees twice at the same time is found, and nothing is ordered by it */
    if (((uintptr_t)p & (ALIGN - 1)) != 0 ||
        !atomic_compare_exchange_strong_explicit(&h->state, &alive, DEAD, memory_order_relaxed,
                                                 memory_order_relaxed)) {
        sanitize_bad_free(p, alive == DEAD ? "freed before" : "malloc() has not given it", back);
    }
    void *raw = (char *)p - h->before;
    size_t all = h->before + ROUND(h->size) + SANITIZE_REDZONE;
    if (sanitize_hold(SANITIZE_MALLOC, &raw, &all, back)) {
        __real__free_r(r, raw);
    }
}

void *__wrap__malloc_r(struct _reent *r, size_t size) {
    return make(r, ALIGN, size, BACK);
}

void __wrap__free_r(struct _reent *r, void *p) {
    __malloc_lock(r);
    bool own = inside;
    __malloc_unlock(r);
    if (own) {
        __real__free_r(r, p);
    } else if (p != NULL) {
        end(r, p, BACK);
    }
}

void *__wrap__calloc_r(struct _reent *r, size_t n, size_t size) {
    size_t all = size == 0 || n <= SIZE_MAX / size ? n * size : SIZE_MAX;
    void *p = make(r, ALIGN, all, BACK);
    if (p != NULL) {
        memset(p, 0, all);
    }
    return p;
}

void *__wrap__realloc_r(struct _reent *r, void *p, size_t size) {
    void *fresh = make(r, ALIGN, size, BACK);
    if (p != NULL && fresh != NULL) {
        size_t old = head_of(p)->size;
        memcpy(fresh, p, old < size ? old : size);
        end(r, p, BACK);
    }
    return fresh;
}

void *__wrap__memalign_r(struct _reent *r, size_t alignment, size_t size) {
    return make(r, alignment < ALIGN ? ALIGN : alignment, size, BACK);
}

size_t __wrap__malloc_usable_size_r(struct _reent *r, void *p) {
    (void)r;
    return p != NULL ? head_of(p)->size : 0;
}
