/* hal/string.c - the copies that the compiler calls by itself, in general registers only. The build
 * renames memcpy and so on to these names in the runtime's own objects (Makefile), since the C
 * library's use SIMD. */
#include "hal/string.h"

typedef uint64_t __attribute__((may_alias)) word;
typedef uint32_t __attribute__((may_alias)) half;

/* Whether p and q are both aligned to size. Only aligned accesses: with the MMU off all others
 * fault. */
static bool together(const void *p, const void *q, size_t size) {
    return (((uintptr_t)p | (uintptr_t)q) & (size - 1)) == 0;
}

void *hal_memcpy(void *to, const void *from, size_t n) {
    unsigned char *d = to;
    const unsigned char *s = from;
    if (together(d, s, sizeof(word))) {
        for (; n >= 8; n -= 8, d += 8, s += 8) {
            *(word *)(void *)d = *(const word *)(const void *)s;
        }
    }
    if (together(d, s, sizeof(half))) { /* channel elements often are */
        for (; n >= 4; n -= 4, d += 4, s += 4) {
            *(half *)(void *)d = *(const half *)(const void *)s;
        }
    }
    while (n-- != 0) {
        *d++ = *s++;
    }
    return to;
}

void *hal_memmove(void *to, const void *from, size_t n) {
    unsigned char *d = to;
    const unsigned char *s = from;
    if (d <= s || d >= s + n) {
        return hal_memcpy(to, from, n);
    }
    while (n-- != 0) {
        d[n] = s[n];
    }
    return to;
}

void *hal_memset(void *to, int c, size_t n) {
    unsigned char *d = to;
    if (together(d, d, sizeof(word))) {
        uint64_t v = (unsigned char)c * UINT64_C(0x0101010101010101);
        for (; n >= 32; n -= 32, d += 32) {
            word *four = (word *)(void *)d;
            four[0] = four[1] = four[2] = four[3] = v;
        }
        for (; n >= 8; n -= 8, d += 8) {
            *(word *)(void *)d = v;
        }
    }
    while (n-- != 0) {
        *d++ = (unsigned char)c;
    }
    return to;
}

int hal_memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *p = a, *q = b;
    for (; n-- != 0; p++, q++) {
        if (*p != *q) {
            return *p - *q;
        }
    }
    return 0;
}
