/*
 * hal/host/machine.h - the two kinds of processor that a host may have: what a switch saves, and
 * how a signal shows the registers.
 *
 * A G is only ever left at a call (hal_park, or the poll at a control-flow edge), so what a call
 * must keep is the whole of its state: also for a preempted G.
 *
 *      sp -> | struct host_context | frame of host_switch_out's caller ...
 */
#pragma once

#include <ucontext.h>

#include "hal/host/host.h"

/* What a signal interrupted. */
struct host_regs {
    uintptr_t pc, sp, fp;
    uintptr_t lr;      /* the return address, unless pc's function has put it elsewhere */
    uint64_t syndrome; /* as the processor gave it */
    bool write;        /* a fault was one of a store */
    const uint64_t *x; /* x0..x30, or NULL */
};

#if defined(__x86_64__)

/* Pushed by context.S, in this order upwards. */
struct host_context {
    uint32_t mxcsr; /* rounding and masks are the G's; the SSE and x87 registers a call may lose */
    uint16_t x87cw;
    uint16_t unused;
    uint64_t r15, r14, r13, r12, rbx, fp;
    uint64_t pc;
};

static inline void host_context_init(struct host_context *c, void (*fn)(void *), void *arg) {
    *c = (struct host_context){.mxcsr = 0x1f80, /* as at program start: nearest, all masked */
                               .x87cw = 0x37f,
                               .rbx = (uint64_t)(uintptr_t)fn,
                               .r12 = (uint64_t)(uintptr_t)arg,
                               .pc = (uint64_t)(uintptr_t)host_start};
}

#define HOST_CONTEXT_FN offsetof(struct host_context, rbx) /* of a new G: its first function */

static inline uintptr_t host_code_address(uint64_t pc) {
    return pc;
}

static inline struct host_regs host_regs_of(const ucontext_t *u) {
    const greg_t *r = u->uc_mcontext.gregs;
    struct host_regs out = {
        .pc = (uintptr_t)r[REG_RIP],
        .sp = (uintptr_t)r[REG_RSP],
        .fp = (uintptr_t)r[REG_RBP],
        .syndrome = (uint64_t)r[REG_TRAPNO] << 32 | (uint32_t)r[REG_ERR],
        .write = (r[REG_ERR] & 2) != 0,
    };
    uint64_t top = 0;
    hal_peek(out.sp, &top);
    out.lr = top;
    return out;
}

/* Where what was interrupted goes on. */
static inline uintptr_t host_pc(const ucontext_t *u) {
    return (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
}

static inline void host_set_pc(ucontext_t *u, uintptr_t pc) {
    u->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

#elif defined(__aarch64__)

/* Stored by context.S at these offsets. */
struct host_context {
    uint64_t x19, x20, x21, x22, x23, x24, x25, x26, x27, x28;
    uint64_t fp;   /* x29, at 80 */
    uint64_t pc;   /* x30 */
    uint64_t d[8]; /* d8-d15, at 96 */
    uint64_t fpcr; /* rounding belongs to the G */
    uint64_t unused;
};

static inline void host_context_init(struct host_context *c, void (*fn)(void *), void *arg) {
    *c = (struct host_context){.x19 = (uint64_t)(uintptr_t)fn,
                               .x20 = (uint64_t)(uintptr_t)arg,
                               .pc = (uint64_t)(uintptr_t)host_start};
}

#define HOST_CONTEXT_FN offsetof(struct host_context, x19) /* of a new G: its first function */

/* A return address without the signature that a compiler may have put into it. */
static inline uintptr_t host_code_address(uint64_t pc) {
    register uint64_t lr __asm__("x30") = pc;
    __asm__("hint #7" : "+r"(lr)); /* xpaclri; does nothing where there are no signatures */
    return lr;
}

/* The kernel puts ESR_EL1 among the records behind the registers. */
static inline uint64_t host_esr(const ucontext_t *u) {
    const struct _aarch64_ctx *record = (const void *)u->uc_mcontext.__reserved;
    while (record->magic != 0 && record->magic != ESR_MAGIC) {
        record = (const void *)((const char *)record + record->size);
    }
    return record->magic == ESR_MAGIC ? ((const struct esr_context *)record)->esr : 0;
}

static inline struct host_regs host_regs_of(const ucontext_t *u) {
    uint64_t esr = host_esr(u);
    bool data_abort = (esr >> 26) == 0x24;
    return (struct host_regs){
        .pc = u->uc_mcontext.pc,
        .sp = u->uc_mcontext.sp,
        .fp = u->uc_mcontext.regs[29],
        .lr = u->uc_mcontext.regs[30],
        .syndrome = esr,
        .write = data_abort && (esr & (1u << 6)) != 0,
        .x = (const uint64_t *)u->uc_mcontext.regs,
    };
}

/* Where what was interrupted goes on. */
static inline uintptr_t host_pc(const ucontext_t *u) {
    return u->uc_mcontext.pc;
}

static inline void host_set_pc(ucontext_t *u, uintptr_t pc) {
    u->uc_mcontext.pc = pc;
}

#else
#error "hal/host knows x86-64 and AArch64; a new processor needs machine.h and context.S"
#endif
