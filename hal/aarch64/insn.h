/*
 * hal/aarch64/insn.h - the single instructions that drivers and boards need; asm stays in hal/.
 *
 * DMB orders accesses, DSB waits until they have been done. SY is the whole system: devices and the
 * VideoCore are outside of the inner shareable domain.
 */
#pragma once

#include <stdint.h>

static inline void insn_dmb_sy(void) {
    __asm__ volatile("dmb sy" ::: "memory");
}

static inline void insn_dsb_sy(void) {
    __asm__ volatile("dsb sy" ::: "memory");
}

/* Ends a WFE of every core. */
static inline void insn_sev(void) {
    __asm__ volatile("sev" ::: "memory");
}

/* The counter, and how many times a second it counts. */
static inline uint64_t insn_counter(void) {
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks)::"memory");
    return ticks;
}

static inline uint64_t insn_counter_hz(void) {
    uint64_t hz;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz;
}

/* This core's hardware id, in the form of board.core_ids: Aff3 in 39:32, Aff2 to Aff0 in 23:0. */
static inline uint64_t insn_affinity(void) {
    uint64_t mpidr;
    __asm__ volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
    return mpidr & 0xff00ffffffu;
}
