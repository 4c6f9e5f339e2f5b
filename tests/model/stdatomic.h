/*
 * tests/model/stdatomic.h - stands before the compiler's own <stdatomic.h> when a model is built: each atomic
 * access of the scheduler's sources becomes a call of the checker (checker.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum memory_order_ {
    memory_order_relaxed,
    memory_order_acquire,
    memory_order_release,
    memory_order_acq_rel,
    memory_order_seq_cst,
};
typedef enum memory_order_ memory_order;

enum rmw { RMW_SET, RMW_ADD, RMW_SUB, RMW_OR, RMW_AND };

uint64_t model_load(const volatile void *at, size_t size, memory_order order);
void model_store(volatile void *at, size_t size, uint64_t v, memory_order order);
uint64_t model_rmw(volatile void *at, size_t size, enum rmw op, uint64_t v, memory_order order);
_Bool model_cas(volatile void *at, size_t size, void *expected, uint64_t v, memory_order order,
                memory_order failed);
void model_fence(memory_order order);

/* The type without its _Atomic. */
#define MODEL_TYPE(p) __typeof__(*(p) + 0)
#define MODEL_RMW(p, op, v, order)                                                                 \
    __extension__({ (MODEL_TYPE(p)) model_rmw((p), sizeof *(p), (op), (uint64_t)(v), (order)); })

#define atomic_load_explicit(p, order)         ((MODEL_TYPE(p))model_load((p), sizeof *(p), (order)))
#define atomic_store_explicit(p, v, order)     model_store((p), sizeof *(p), (uint64_t)(v), (order))
#define atomic_exchange_explicit(p, v, order)  MODEL_RMW(p, RMW_SET, v, order)
#define atomic_fetch_add_explicit(p, v, order) MODEL_RMW(p, RMW_ADD, v, order)
#define atomic_fetch_sub_explicit(p, v, order) MODEL_RMW(p, RMW_SUB, v, order)
#define atomic_fetch_or_explicit(p, v, order)  MODEL_RMW(p, RMW_OR, v, order)
#define atomic_fetch_and_explicit(p, v, order) MODEL_RMW(p, RMW_AND, v, order)
#define atomic_compare_exchange_strong_explicit(p, e, v, order, failed)                            \
    model_cas((p), sizeof *(p), (e), (uint64_t)(v), (order), (failed))
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit

#define atomic_load(p)         atomic_load_explicit(p, memory_order_seq_cst)
#define atomic_store(p, v)     atomic_store_explicit(p, v, memory_order_seq_cst)
#define atomic_exchange(p, v)  atomic_exchange_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_add(p, v) atomic_fetch_add_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_sub(p, v) atomic_fetch_sub_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_or(p, v)  atomic_fetch_or_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_and(p, v) atomic_fetch_and_explicit(p, v, memory_order_seq_cst)
#define atomic_compare_exchange_strong(p, e, v)                                                    \
    atomic_compare_exchange_strong_explicit(p, e, v, memory_order_seq_cst, memory_order_seq_cst)

#define atomic_thread_fence(order) model_fence(order)
#define atomic_signal_fence(order) (void)(order)
