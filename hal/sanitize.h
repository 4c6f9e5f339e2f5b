/*
 * hal/sanitize.h - what the runtime tells a sanitizer that cannot see it by itself.
 *
 * In a build with SAN=... one file implements all of this: hal/sanitize/NAME.c on a machine,
 * hal/host/sanitize/NAME.c on the host. Otherwise it is nothing, and costs nothing.
 * docs/SANITIZERS.md says what each sanitizer finds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct g;

/* Who the caller is, for a report; the scheduler tells. Masked. */
struct sanitize_who {
    uint64_t id;      /* number of the goroutine, 0: the scheduler */
    const char *name; /* or NULL */
    unsigned core;
    uintptr_t lo, hi; /* the stack it is on */
};
void sched_who(struct sanitize_who *who);

#ifdef SANITIZE

#define SANITIZED true

/* ---- the end --------------------------------------------------------------------------------- */

/* The exit status of the machine: 66 in the place of 0 after a report. */
int sanitize_status(int status);

/* ---- Gs -------------------------------------------------------------------------------------- */

/* g begins a life as name, which may be NULL, on the stack [lo, hi); called by its
 * creator. False: the sanitizer has no place for one more. */
bool sanitize_g_begins(struct g *g, const char *name, uintptr_t lo, uintptr_t hi);

/* It has ended it; on g0. */
void sanitize_g_ends(struct g *g, uintptr_t lo, uintptr_t hi);

/* ---- order: what happened before the one call on an object is seen after the other ----------- */
void sanitize_release(const void *object);
void sanitize_acquire(const void *object);

/* The calling G, masked, is about to leave its core, and what g0 does next it does in its name. */
void sanitize_follow(void);

/* ---- memory ---------------------------------------------------------------------------------- */

/* Bytes that an allocation gets more than was asked for, at its end, which nobody may touch. */
#define SANITIZE_REDZONE ((size_t)SANITIZE_REDZONE_BYTES)

/* The port has made the tables of [va, va + size): what a sanitizer must know of each byte there has
 * its place from now on, in pages that page() gives. False: it gave NULL. */
bool sanitize_map(uintptr_t va, size_t size, void *(*page)(void));

/* [p, p + n) may be touched from now on; p is 8-byte aligned. */
void sanitize_open(const void *p, size_t n);

/* It may not, nor what is left of the last 8 bytes. */
void sanitize_close(const void *p, size_t n);

/* An object of size bytes is given out by the caller at back. It may be touched, and what is behind
 * it may not; all: what lies there in all, SANITIZE_REDZONE bytes more at least. p is 8-byte
 * aligned. */
void sanitize_alloc(void *p, size_t size, size_t all, uintptr_t back);

/* Who gives objects out, and takes them back. */
enum sanitize_heap { SANITIZE_MEM, SANITIZE_MALLOC, SANITIZE_HEAPS };

/* An object is given back by the caller at back, with what is behind it: an access to it is an error
 * for as long as it is held. True: *p and *size are now what is really free, an object of this heap
 * given back earlier; false: nothing is. */
bool sanitize_hold(enum sanitize_heap heap, void **p, size_t *size, uintptr_t back);

#else

#define SANITIZED        false
#define SANITIZE_REDZONE ((size_t)0)

static inline int sanitize_status(int status) {
    return status;
}

static inline bool sanitize_g_begins(struct g *g, const char *name, uintptr_t lo, uintptr_t hi) {
    (void)g;
    (void)name;
    (void)lo;
    (void)hi;
    return true;
}

static inline void sanitize_g_ends(struct g *g, uintptr_t lo, uintptr_t hi) {
    (void)g;
    (void)lo;
    (void)hi;
}

static inline void sanitize_release(const void *object) {
    (void)object;
}

static inline void sanitize_acquire(const void *object) {
    (void)object;
}

static inline void sanitize_follow(void) {
}

static inline void sanitize_open(const void *p, size_t n) {
    (void)p;
    (void)n;
}

static inline void sanitize_close(const void *p, size_t n) {
    (void)p;
    (void)n;
}

static inline void sanitize_alloc(void *p, size_t size, size_t all, uintptr_t back) {
    (void)p;
    (void)size;
    (void)all;
    (void)back;
}

enum sanitize_heap { SANITIZE_MEM };

static inline bool sanitize_hold(enum sanitize_heap heap, void **p, size_t *size, uintptr_t back) {
    (void)heap;
    (void)p;
    (void)size;
    (void)back;
    return true;
}

static inline bool sanitize_map(uintptr_t va, size_t size, void *(*page)(void)) {
    (void)va;
    (void)size;
    (void)page;
    return true;
}

#endif
