/*
 * hal/host/sanitize/undefined.c - SAN=undefined: the first report ends the program with status 66,
 * as with the other sanitizers. The runtime need not tell this one anything.
 */
#include "hal/sanitize.h"

const char *__ubsan_default_options(void);

const char *__ubsan_default_options(void) {
    return "halt_on_error=1:exitcode=66:print_stacktrace=1";
}

bool sanitize_g_begins(struct g *g, const char *name, uintptr_t lo, uintptr_t hi) {
    (void)g;
    (void)name;
    (void)lo;
    (void)hi;
    return true;
}

void sanitize_g_ends(struct g *g, uintptr_t lo, uintptr_t hi) {
    (void)g;
    (void)lo;
    (void)hi;
}

void sanitize_release(const void *object) {
    (void)object;
}

void sanitize_acquire(const void *object) {
    (void)object;
}

void sanitize_follow(void) {
}

void sanitize_open(const void *p, size_t n) {
    (void)p;
    (void)n;
}

void sanitize_close(const void *p, size_t n) {
    (void)p;
    (void)n;
}

bool sanitize_hold(void **p, size_t *size) {
    (void)p;
    (void)size;
    return true;
}
