/*
 * hal/aarch64/gicv3_regs.h - the CPU interface of a GICv3, which is system registers. By number,
 * since assemblers know the names only with an architecture option.
 *
 * Source: Arm IHI 0069 (GICv3 and GICv4 architecture specification), 12.2.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GICV3_ICC_PMR     "S3_0_C4_C6_0"
#define GICV3_ICC_IAR1    "S3_0_C12_C12_0"
#define GICV3_ICC_EOIR1   "S3_0_C12_C12_1"
#define GICV3_ICC_CTLR    "S3_0_C12_C12_4"
#define GICV3_ICC_SRE     "S3_0_C12_C12_5"
#define GICV3_ICC_IGRPEN1 "S3_0_C12_C12_7"
#define GICV3_ICC_SGI1R   "S3_0_C12_C11_5"

#define GICV3_READ(reg)                                                                            \
    uint64_t value;                                                                                \
    __asm__ volatile("mrs %0, " reg : "=r"(value)::"memory");                                      \
    return value

/* The ISB: what follows already sees the new state of the interface. */
#define GICV3_WRITE(reg, value)                                                                    \
    __asm__ volatile("msr " reg ", %0\n\tisb" ::"r"((uint64_t)(value)) : "memory")

static inline uint64_t gicv3_iar_read(void) {
    GICV3_READ(GICV3_ICC_IAR1);
}

static inline uint64_t gicv3_ctlr_read(void) {
    GICV3_READ(GICV3_ICC_CTLR);
}

static inline uint64_t gicv3_sre_read(void) {
    GICV3_READ(GICV3_ICC_SRE);
}

static inline void gicv3_eoir_write(uint64_t v) {
    GICV3_WRITE(GICV3_ICC_EOIR1, v);
}

static inline void gicv3_ctlr_write(uint64_t v) {
    GICV3_WRITE(GICV3_ICC_CTLR, v);
}

static inline void gicv3_sre_write(uint64_t v) {
    GICV3_WRITE(GICV3_ICC_SRE, v);
}

static inline void gicv3_pmr_write(uint64_t v) {
    GICV3_WRITE(GICV3_ICC_PMR, v);
}

static inline void gicv3_igrpen1_write(uint64_t v) {
    GICV3_WRITE(GICV3_ICC_IGRPEN1, v);
}

static inline void gicv3_sgi1r_write(uint64_t v) {
    GICV3_WRITE(GICV3_ICC_SGI1R, v);
}

/* Whether this core has these registers at all (ID_AA64PFR0_EL1.GIC); without them they are
 * undefined. */
static inline bool gicv3_sysregs_present(void) {
    uint64_t pfr0;
    __asm__ volatile("mrs %0, id_aa64pfr0_el1" : "=r"(pfr0));
    return ((pfr0 >> 24) & 15) != 0;
}
