/*
 * hal/aarch64/psci_call.h - a call to the firmware above, by the SMC calling convention.
 *
 * Which instruction reaches it is the caller's to know: SMC where there is no EL3 and HVC where
 * there is no EL2 are undefined instructions.
 */
#pragma once

#include <stdint.h>

#define PSCI_CALL_ASM(insn)                                                                        \
    register uint64_t x0 __asm__("x0") = fn;                                                       \
    register uint64_t x1 __asm__("x1") = a;                                                        \
    register uint64_t x2 __asm__("x2") = b;                                                        \
    register uint64_t x3 __asm__("x3") = c;                                                        \
    __asm__ volatile(insn                                                                          \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                                      \
                     :                                                                             \
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",      \
                       "x15", "x16", "x17", "cc", "memory");                                       \
    return (int32_t)x0

static inline int32_t psci_call_smc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c) {
    PSCI_CALL_ASM("smc #0");
}

static inline int32_t psci_call_hvc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c) {
    PSCI_CALL_ASM("hvc #0");
}

#undef PSCI_CALL_ASM
