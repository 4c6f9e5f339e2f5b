/* hal/aarch64/clock.c - the generic timer: one counter for all cores, one compare register in
 * each. */
#include "hal/aarch64/port.h"

#include <bareloom/config.h>

#define CTL_ENABLE 1u

#define PMU_ON      1u
#define PMU_64_BITS (1u << 6)
#define PMU_CYCLES  (UINT64_C(1) << 31)

uint64_t hal_ns_per_tick; /* these two are set once by core 0 before the others start */
uint64_t hal_ticks_per_ns;

static uint64_t hz;

/* 2 to the power of 95 by n, rounded up, where n is 32.32 and below 65536: a piece at a time, as there is no
 * division of 128 bits. */
static uint64_t inverse(uint64_t n) {
    uint64_t q = (UINT64_C(1) << 63) / n, rest = (UINT64_C(1) << 63) % n;
    for (unsigned bits = 0; bits < 32; bits += 16) {
        rest <<= 16;
        q = q << 16 | rest / n;
        rest %= n;
    }
    return q + (rest != 0);
}

bool clock_init(void) {
    hz = SYSREG_READ(cntfrq_el0);
    if (hz == 0) {
        return false;
    }
    if (CONFIG_LOCKSTEP) {
        hz = 1000000000;
    }
    hal_ns_per_tick = (UINT64_C(1000000000) << 32) / hz;
    hal_ticks_per_ns = inverse(hal_ns_per_tick);
    return true;
}

uint64_t clock_hz(void) {
    return hz;
}

void clock_init_core(void) {
    hal_timer_set(INT64_MAX);
    SYSREG_WRITE(cntp_ctl_el0, CTL_ENABLE); /* for ever: a compare value that never comes is as good as off */
}

uint64_t hal_cycles(void) {
    uint64_t version = SYSREG_READ(id_aa64dfr0_el1) >> 8 & 0xf;
    if (version == 0 || version == 0xf) {
        return 0;
    }
    /* At reset PMCNTENSET holds anything, PMCR says that it is off. */
    uint64_t control = SYSREG_READ(pmcr_el0), wanted = PMU_ON | PMU_64_BITS;
    if ((control & wanted) != wanted || (SYSREG_READ(pmcntenset_el0) & PMU_CYCLES) == 0) {
        SYSREG_WRITE(pmccfiltr_el0, UINT64_C(0)); /* at every level */
        SYSREG_WRITE(pmcr_el0, control | wanted);
        SYSREG_WRITE(pmcntenset_el0, PMU_CYCLES);
    }
    __asm__ volatile("isb" ::
                         : "memory"); /* it counts; and is not read before what stands before it */
    return SYSREG_READ(pmccntr_el0);
}

void hal_delay(int64_t ns) {
    int64_t until = hal_now() + ns;
    /* without a frequency (clock_init) the clock stands still */
    while (hal_ns_per_tick != 0 && hal_now() < until) {
        hal_relax();
    }
}
