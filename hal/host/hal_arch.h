/*
 * hal/host/hal_arch.h - the part of the contract that is one instruction on a machine; here calls.
 *
 * Nothing is inline on purpose. All of this starts from a thread-local variable, and a G goes on in
 * another thread wherever it is switched: code that has this inlined could find the variable's
 * address in one thread and use it in another (HAZARDS 28). Behind a call, find and use are one
 * piece: hal/ and sched/ have no control-flow edges at which a G is stopped.
 */
#pragma once

#define HAL_ATOMICS_SEEN 1 /* sanitizers, the model checker */
#define HAL_SMALL_STACKS 0 /* signals come on a G's stack, and the C library is the host's */
#define HAL_TRAPS        0

typedef bool hal_irq_t; /* whether interrupts were masked */

hal_irq_t hal_irq_save(void);
void hal_irq_restore(hal_irq_t was);
void hal_irq_mask(void);
void hal_irq_unmask(void);
bool hal_irq_masked(void);

static inline hal_irq_t hal_irq_open(void) {
    return false;
}

bool hal_irq_pending(void);

void hal_relax(void);

struct g *hal_self(void);
struct core *hal_core(void);
bool hal_on_core_stack(void);
unsigned hal_core_count(void);

void hal_prepare(struct g *g, void *top, void (*fn)(void *), void *arg);

void hal_guard(uintptr_t va);

#define hal_call_site() ((uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)))

int64_t hal_now(void);
void hal_timer_set(int64_t when);

uintptr_t hal_interrupted_sp(void);
uintptr_t hal_interrupted_pc(void);

#include "hal/take.h"

static inline int64_t hal_stamp(void) {
    return hal_now();
}

static inline int64_t hal_stamp_now(void) {
    return hal_now();
}

static inline int64_t hal_stamp_ns(int64_t stamp) {
    return stamp;
}
