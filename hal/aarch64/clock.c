/* hal/aarch64/clock.c - the generic timer: one counter for all cores, one compare register in
 * each. */
#include "hal/aarch64/port.h"

#define CTL_ENABLE 1u
#define CTL_OFF    0u

uint64_t hal_ns_per_tick; /* 32.32; set once by core 0 before the others start */

static uint64_t hz, ticks_per_ns; /* ticks_per_ns: 0.64 would not fit 1 GHz: 32.32 too */

bool clock_init(void) {
    hz = SYSREG_READ(cntfrq_el0);
    if (hz == 0) {
        return false;
    }
    hal_ns_per_tick = (UINT64_C(1000000000) << 32) / hz;
    ticks_per_ns = (hz << 32) / 1000000000;
    return true;
}

uint64_t clock_hz(void) {
    return hz;
}

static uint64_t scale(uint64_t v, uint64_t factor) {
    return (uint64_t)(((unsigned __int128)v * factor) >> 32);
}

/* The first tick count at which hal_now() >= when. */
static uint64_t to_ticks(int64_t when) {
    if (when <= 0) {
        return 0;
    }
    uint64_t want = (uint64_t)when, ticks = scale(want, ticks_per_ns), at;
    /* Both factors are rounded down, so this may be early by a part in 2^32 of the time since
     * power-on. Unsigned: the last tick may lie beyond INT64_MAX nanoseconds. */
    while ((at = scale(ticks, hal_ns_per_tick)) < want) {
        uint64_t add = scale(want - at, ticks_per_ns);
        ticks += add != 0 ? add : 1;
    }
    return ticks;
}

void hal_timer_set(int64_t when) {
    if (when == INT64_MAX) {
        SYSREG_WRITE(cntp_ctl_el0, CTL_OFF);
    } else {
        SYSREG_WRITE(cntp_cval_el0, to_ticks(when));
        SYSREG_WRITE(cntp_ctl_el0, CTL_ENABLE);
    }
    /* the line has fallen before the interrupt is ended, or it would come again (HAZARDS 26) */
    __asm__ volatile("isb" ::: "memory");
}

void hal_delay(int64_t ns) {
    int64_t until = hal_now() + ns;
    /* without a frequency (clock_init) the clock stands still */
    while (hal_ns_per_tick != 0 && hal_now() < until) {
        hal_relax();
    }
}
