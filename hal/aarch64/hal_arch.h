/* hal/aarch64/hal_arch.h - the one-instruction part of hal/hal.h for AArch64 at EL1. Include
 * hal/hal.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/aarch64/offsets.h"
#include "hal/aarch64/sysreg.h"

struct g;
struct core;

#define HAL_ATOMICS_SEEN 0
#define HAL_SMALL_STACKS 1
#define HAL_TRAPS        1

typedef uint64_t hal_irq_t; /* DAIF */

#define DAIF_I (UINT64_C(1) << 7)

static inline hal_irq_t hal_irq_save(void) {
    hal_irq_t was;
    __asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(was)::"memory");
    return was;
}

static inline void hal_irq_restore(hal_irq_t was) {
    __asm__ volatile("msr daif, %0" ::"r"(was) : "memory");
}

static inline void hal_irq_mask(void) {
    __asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline void hal_irq_unmask(void) {
    __asm__ volatile("msr daifclr, #2" ::: "memory");
}

static inline hal_irq_t hal_irq_open(void) {
    return SYSREG_READ(daif) & ~DAIF_I;
}

static inline bool hal_irq_masked(void) {
    return (SYSREG_READ(daif) & DAIF_I) != 0;
}

static inline bool hal_irq_pending(void) {
    return (SYSREG_READ(isr_el1) & DAIF_I) != 0; /* its bits are where DAIF's are */
}

static inline void hal_relax(void) {
    __asm__ volatile("yield" ::: "memory");
}

/* Not volatile: within one function it is the same register with the same value, read once. Only assembly changes it,
 * on its way to another function, and identify() at boot, which does not ask. */
static inline struct g *hal_self(void) {
    struct g *g;
    __asm__("mrs %0, tpidr_el1" : "=r"(g));
    return g;
}

extern unsigned hal_cores;

static inline unsigned hal_core_count(void) {
    return hal_cores;
}

/* hal_g.port of one that has yet to begin; it has no stack pointer. Else NULL. */
struct hal_begin {
    void (*fn)(void *);
    void *arg;
};

static inline void hal_prepare(struct g *g, void *top, void (*fn)(void *), void *arg) {
    struct hal_begin *b = top;
    *b = (struct hal_begin){fn, arg};
    *(void **)((uintptr_t)g + G_SP) = NULL;
    *(void **)((uintptr_t)g + G_PORT) = b;
}

#ifdef SANITIZE
#define hal_call_site() ((uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)))
#else
/* Until something is called the link register is what it was. The compiler's word for it takes a signature off that address,
 * which nobody here puts on, and makes a frame for that. */
__attribute__((always_inline)) static inline uintptr_t hal_call_site(void) {
    uintptr_t at;
    __asm__ volatile("mov %0, x30" : "=r"(at));
    return at;
}
#endif

static inline void hal_guard(uintptr_t va) {
    (void)va; /* what is not mapped is guard enough */
}

/* TPIDRRO_EL0 is writable at EL1 and nobody runs at EL0. */
static inline struct core *hal_core(void) {
    return (struct core *)SYSREG_READ(tpidrro_el0);
}

#ifdef SANITIZE
#include "hal/take.h"
#else
/* One pair of exclusives each. C11 has no word for the first two: its exchange would load the word once more; with
 * all of them the compiler would ask again what the branch has told. */
static inline bool hal_claim(_Atomic uint32_t *p, uint32_t end, uint32_t *at) {
    uint32_t was = 0; /* cppcheck does not see the output below */
    __asm__ goto(
        "1:\tldaxr %w0, [%1]\n\tcmp %w0, %w2\n\tb.eq %l[no]\n\tadd w16, %w0, #1\n\tstxr w17, w16, "
        "[%1]\n\tcbnz w17, 1b"
        : "=&r"(was)
        : "r"(p), "r"(end)
        : "x16", "x17", "cc", "memory"
        : no);
    *at = was;
    return true;
no:
    return false;
}

static inline bool hal_give(_Atomic uint64_t *p, uint64_t n) {
    __asm__ goto("1:\tldxr x16, [%0]\n\tadd x16, x16, %1\n\ttst x16, "
                 "#0xffffffff80000000\n\tb.ne %l[no]\n\tstlxr w17, x16, "
                 "[%0]\n\tcbnz w17, 1b" ::"r"(p),
                 "rI"(n)
                 : "x16", "x17", "cc", "memory"
                 : no);
    return true;
no:
    return false;
}

static inline bool hal_replace(_Atomic uint64_t *p, uint64_t is, uint64_t by) {
    __asm__ goto("1:\tldaxr x16, [%0]\n\tcmp x16, %1\n\tb.ne %l[no]\n\tstxr w17, %2, "
                 "[%0]\n\tcbnz w17, 1b" ::"r"(p),
                 "rI"(is), "r"(by)
                 : "x16", "x17", "cc", "memory"
                 : no);
    return true;
no:
    return false;
}

/* C11 would have one instruction for each. */
#define HAL_LOAD_TWO(a, b, p, offset)                                                              \
    __asm__ volatile("ldp %0, %1, [%2, %3]" : "=r"(a), "=r"(b) : "r"(p), "i"(offset) : "memory")

static inline uintptr_t hal_take_address(_Atomic uint64_t *p) {
    uintptr_t address = 0; /* as above */
    __asm__ goto("1:\tldaxr %0, [%1]\n\ttbz %0, #63, %l[no]\n\tands %0, %0, "
                 "#0x3ffffffffffffffc\n\tb.eq %l[no]\n\tstlxr w17, xzr, [%1]\n\tcbnz w17, 1b"
                 : "=&r"(address)
                 : "r"(p)
                 : "x17", "cc", "memory"
                 : no);
    if (address == 0) {
        __builtin_unreachable(); /* its callers ask once more, but the compiler need not */
    }
    return address;
no:
    return 0;
}
#endif

static inline bool hal_on_core_stack(void) {
    return SYSREG_READ(spsel) != 0;
}

/* Ticks to nanoseconds as a 32.32 fixed-point factor, made from CNTFRQ at boot; and its inverse, 1.63, rounded up. */
extern uint64_t hal_ns_per_tick, hal_ticks_per_ns;

static inline int64_t hal_stamp_now(void) {
    int64_t ticks;
    /* isb: the counter is not read before what stands before it */
    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks)::"memory");
    return ticks;
}

static inline int64_t hal_now(void) {
    return (int64_t)(((unsigned __int128)(uint64_t)hal_stamp_now() * hal_ns_per_tick) >> 32);
}

static inline int64_t hal_stamp(void) {
    return (int64_t)SYSREG_READ(cntpct_el0);
}

static inline int64_t hal_stamp_ns(int64_t stamp) {
    return (int64_t)(((__int128)stamp * (int64_t)hal_ns_per_tick) >> 32);
}

static inline void hal_timer_set(int64_t when) {
    uint64_t ns = when > 0 ? (uint64_t)when : 0;
    /* The first tick at which hal_now() >= when, or the one after. The factor is too large by less than a part in
     * 2^63, so the product is never a whole tick short, and one more is enough. INT64_MAX is centuries away. */
    SYSREG_WRITE(cntp_cval_el0, (uint64_t)(((unsigned __int128)(ns << 1) * hal_ticks_per_ns) >> 64) + 1);
    /* the line has fallen before the interrupt is ended, or it would come again (HAZARDS 26) */
    __asm__ volatile("isb" ::: "memory");
}

static inline uintptr_t hal_interrupted_sp(void) {
    return SYSREG_READ(sp_el0);
}

/* Not from ELR_EL1: a failed hal_peek() in the handler would have changed that. */
static inline uintptr_t hal_interrupted_pc(void) {
    const char *top = *(char **)((uintptr_t)hal_core() + CORE_STACK_TOP);
    return *(const uintptr_t *)(const void *)(top - TRAP_SIZE + TRAP_PC);
}
