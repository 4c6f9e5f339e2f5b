/*
 * tests/model/tsan.c - the calls that a compiler makes of each access under -fsanitize=thread, led to memory.c.
 */
#include "tests/model/internal.h"

/* The compiler declares them by itself, and differently. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

void __tsan_init(void) {
}

/* Of the code that makes the access. */
#define PC ((uintptr_t)__builtin_return_address(0))

#define PLAIN(n)                                                                                   \
    void __tsan_read##n(void *at) {                                                                \
        memory_plain(at, n, false, PC);                                                            \
    }                                                                                              \
    void __tsan_write##n(void *at) {                                                               \
        memory_plain(at, n, true, PC);                                                             \
    }                                                                                              \
    void __tsan_unaligned_read##n(void *at) {                                                      \
        memory_plain(at, n, false, PC);                                                            \
    }                                                                                              \
    void __tsan_unaligned_write##n(void *at) {                                                     \
        memory_plain(at, n, true, PC);                                                             \
    }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *at, size_t size) {
    memory_plain(at, size, false, PC);
}

void __tsan_write_range(void *at, size_t size) {
    memory_plain(at, size, true, PC);
}

#define RMW(bits, name, op)                                                                        \
    uint##bits##_t __tsan_atomic##bits##_##name(volatile void *at, uint##bits##_t v, int order) {  \
        memory_pc = PC;                                                                            \
        return (uint##bits##_t)memory_rmw(at, bits / 8, op, v, order);                             \
    }

#define CAS(bits, name, weak)                                                                      \
    int __tsan_atomic##bits##_compare_exchange_##name(volatile void *at, void *expected,           \
                                                      uint##bits##_t v, int order, int failed) {   \
        memory_pc = PC;                                                                            \
        return memory_cas(at, bits / 8, expected, v, order, failed, weak);                         \
    }

#define ATOMIC(bits)                                                                               \
    uint##bits##_t __tsan_atomic##bits##_load(const volatile void *at, int order) {                \
        memory_pc = PC;                                                                            \
        return (uint##bits##_t)memory_load(at, bits / 8, order);                                   \
    }                                                                                              \
    void __tsan_atomic##bits##_store(volatile void *at, uint##bits##_t v, int order) {             \
        memory_pc = PC;                                                                            \
        memory_store(at, bits / 8, v, order);                                                      \
    }                                                                                              \
    RMW(bits, exchange, RMW_SET)                                                                   \
    RMW(bits, fetch_add, RMW_ADD)                                                                  \
    RMW(bits, fetch_sub, RMW_SUB)                                                                  \
    RMW(bits, fetch_or, RMW_OR)                                                                    \
    RMW(bits, fetch_and, RMW_AND)                                                                  \
    RMW(bits, fetch_xor, RMW_XOR)                                                                  \
    CAS(bits, strong, false)                                                                       \
    CAS(bits, weak, true)
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order) {
    memory_fence(order);
}

void __tsan_atomic_signal_fence(int order) {
    (void)order;
}
