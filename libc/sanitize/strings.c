/*
 * libc/sanitize/strings.c - the C library is not instrumented: what it copies and reads for its
 * callers is looked at before. The linker leads the callers of f to __wrap_f. SAN=address on a
 * machine.
 *
 * A string without an end is read by the library to the first 0 behind it, and then found to be one.
 */
#include <string.h>

#include "hal/sanitize/address.h"

#define BACK         ((uintptr_t)__builtin_return_address(0))
#define READS(p, n)  sanitize_check(p, n, false, BACK)
#define WRITES(p, n) sanitize_check(p, n, true, BACK)

/* f as the library has it, and as its callers get it. */
#define WRAP(type, f, ...)                                                                         \
    type __real_##f(__VA_ARGS__);                                                                  \
    type __wrap_##f(__VA_ARGS__);                                                                  \
    type __wrap_##f(__VA_ARGS__)

size_t __real_strlen(const char *s);

/* Of s at most n bytes, with its end if that is among them. */
static size_t span(const char *s, size_t n) {
    const char *end = memchr(s, 0, n);
    return end != NULL ? (size_t)(end - s) + 1 : n;
}

/* What a comparison reads of both: up to the first difference or the end. */
static size_t common(const char *a, const char *b, size_t n) {
    size_t i = 0;
    while (i < n && a[i] == b[i] && a[i] != 0) {
        i++;
    }
    return i < n ? i + 1 : n;
}

WRAP(void *, memcpy, void *to, const void *from, size_t n) {
    READS(from, n);
    WRITES(to, n);
    return __real_memcpy(to, from, n);
}

WRAP(void *, memmove, void *to, const void *from, size_t n) {
    READS(from, n);
    WRITES(to, n);
    return __real_memmove(to, from, n);
}

WRAP(void *, memset, void *to, int c, size_t n) {
    WRITES(to, n);
    return __real_memset(to, c, n);
}

WRAP(int, memcmp, const void *a, const void *b, size_t n) {
    READS(a, n);
    READS(b, n);
    return __real_memcmp(a, b, n);
}

WRAP(size_t, strlen, const char *s) {
    size_t n = __real_strlen(s);
    READS(s, n + 1);
    return n;
}

WRAP(size_t, strnlen, const char *s, size_t n) {
    READS(s, span(s, n));
    return __real_strnlen(s, n);
}

WRAP(char *, strcpy, char *to, const char *from) {
    size_t n = __real_strlen(from) + 1;
    READS(from, n);
    WRITES(to, n);
    return __real_strcpy(to, from);
}

WRAP(char *, strncpy, char *to, const char *from, size_t n) {
    READS(from, span(from, n));
    WRITES(to, n);
    return __real_strncpy(to, from, n);
}

WRAP(char *, strcat, char *to, const char *from) {
    size_t n = __real_strlen(from) + 1, before = __real_strlen(to);
    READS(from, n);
    WRITES(to, before + n);
    return __real_strcat(to, from);
}

WRAP(int, strcmp, const char *a, const char *b) {
    size_t n = common(a, b, SIZE_MAX);
    READS(a, n);
    READS(b, n);
    return __real_strcmp(a, b);
}

WRAP(int, strncmp, const char *a, const char *b, size_t n) {
    n = common(a, b, n);
    READS(a, n);
    READS(b, n);
    return __real_strncmp(a, b, n);
}

WRAP(char *, strchr, const char *s, int c) {
    char *found = __real_strchr(s, c);
    READS(s, found != NULL ? (size_t)(found - s) + 1 : __real_strlen(s) + 1);
    return found;
}
