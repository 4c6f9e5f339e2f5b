/* hal/sanitize/copies.c - the runtime's own copies (hal/string.c) look before they touch: the linker
 * leads their callers here. SAN=address on a machine. */
#include "hal/sanitize/address.h"
#include "hal/string.h"

#define BACK ((uintptr_t)__builtin_return_address(0))

void *__real_hal_memcpy(void *to, const void *from, size_t n);
void *__wrap_hal_memcpy(void *to, const void *from, size_t n);
void *__wrap_hal_memcpy(void *to, const void *from, size_t n) {
    sanitize_check(from, n, false, BACK);
    sanitize_check(to, n, true, BACK);
    return __real_hal_memcpy(to, from, n);
}

void *__real_hal_memmove(void *to, const void *from, size_t n);
void *__wrap_hal_memmove(void *to, const void *from, size_t n);
void *__wrap_hal_memmove(void *to, const void *from, size_t n) {
    sanitize_check(from, n, false, BACK);
    sanitize_check(to, n, true, BACK);
    return __real_hal_memmove(to, from, n);
}

void *__real_hal_memset(void *to, int c, size_t n);
void *__wrap_hal_memset(void *to, int c, size_t n);
void *__wrap_hal_memset(void *to, int c, size_t n) {
    sanitize_check(to, n, true, BACK);
    return __real_hal_memset(to, c, n);
}

int __real_hal_memcmp(const void *a, const void *b, size_t n);
int __wrap_hal_memcmp(const void *a, const void *b, size_t n);
int __wrap_hal_memcmp(const void *a, const void *b, size_t n) {
    sanitize_check(a, n, false, BACK);
    sanitize_check(b, n, false, BACK);
    return __real_hal_memcmp(a, b, n);
}
