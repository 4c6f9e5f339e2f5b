/* hal/sanitize/nothing.c - what a sanitizer need not be told: each has its own of those that it needs,
 * and these in the place of the others. */
#include "hal/sanitize.h"
#include "hal/sanitize/report.h"

#define UNLESS_ITS_OWN __attribute__((weak))

UNLESS_ITS_OWN bool sanitize_g_begins(struct g *g, const char *name, uintptr_t lo, uintptr_t hi) {
    (void)g;
    (void)name;
    (void)lo;
    (void)hi;
    return true;
}

UNLESS_ITS_OWN void sanitize_g_ends(struct g *g, uintptr_t lo, uintptr_t hi) {
    (void)g;
    (void)lo;
    (void)hi;
}

UNLESS_ITS_OWN void sanitize_release(const void *object) {
    (void)object;
}

UNLESS_ITS_OWN void sanitize_acquire(const void *object) {
    (void)object;
}

UNLESS_ITS_OWN void sanitize_follow(void) {
}

UNLESS_ITS_OWN bool sanitize_map(uintptr_t va, size_t size, void *(*page)(void)) {
    (void)va;
    (void)size;
    (void)page;
    return true;
}

UNLESS_ITS_OWN void sanitize_open(const void *p, size_t n) {
    (void)p;
    (void)n;
}

UNLESS_ITS_OWN void sanitize_close(const void *p, size_t n) {
    (void)p;
    (void)n;
}

UNLESS_ITS_OWN void sanitize_alloc(void *p, size_t size, size_t all, uintptr_t back) {
    sanitize_close(p, all);
    sanitize_open(p, size);
    (void)back;
}

UNLESS_ITS_OWN bool sanitize_hold(enum sanitize_heap heap, void **p, size_t *size, uintptr_t back) {
    (void)heap;
    (void)back;
    sanitize_close(*p, *size);
    return true;
}

UNLESS_ITS_OWN void sanitize_note_caller(struct sanitize_note *note, uintptr_t back) {
    (void)note;
    (void)back;
}
