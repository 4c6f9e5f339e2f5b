/* hal/aarch64/port.h - what the parts of this port tell each other and boot/. */
#pragma once

#include "hal/board.h"
#include "hal/hal.h"

/* What an exception pushes; the first part of a preemption frame. offsets.h is the same for
 * assembly. */
struct trap {
    uint64_t link; /* in a frame: the scheduler's. Here: scratch of the entry code. */
    uint64_t x[31];
    uint64_t sp; /* SP_EL0 */
    uint64_t pc;
    uint64_t pstate;
    uint64_t unused;
};

/* ---- trap.c --------------------------------------------------------------------------------- */

/* Core stack, masked: runs the handler of a pending interrupt. If there is another one it comes as soon
 * as interrupts are open, or at the next WFI. */
void trap_handler(void);

/* Entry code's. */
void *trap_irq(struct trap *t);
void *trap_sync(struct trap *t);
bool trap_touched(void);
_Noreturn void trap_unexpected(struct trap *t, uint64_t kind);
void trap_core_stack(struct trap *t, uint64_t kind);
_Noreturn void trap_return(struct trap *t);
void hal_save_fp(void *frame);

/* ---- syndrome.c ----------------------------------------------------------------------------- */

/* Fills f from ESR, FAR and t. The text lies in buffer. */
void syndrome_decode(struct hal_fault *f, const struct trap *t, char *buffer, size_t n);

/* ---- mmu.c ---------------------------------------------------------------------------------- */

/* Core 0, caches on: the RAM, now that its size is known; then what of it is not ours; then the
 * rest is mapped, as far as the early tables do not have it yet, and is what hal_ram() gives. */
void mmu_add_ram(uintptr_t base, size_t size);
void mmu_keep_off(uintptr_t base, size_t size);
void mmu_map_ram(void);

/* All cores have joined: nobody reads the spin table any more. */
void mmu_forget_page_zero(void);

/* The leaf descriptor of va, or 0: what is mapped there. Also for the tests of W^X. */
uint64_t mmu_descriptor(uintptr_t va);

/* ---- clock.c -------------------------------------------------------------------------------- */

/* Core 0. False: CNTFRQ is 0, the firmware has not set it. Then each core: its timer on, not set. */
bool clock_init(void);
void clock_init_core(void);

#define CTL_DUE 4u

/* This core's timer wants to interrupt. */
static inline bool clock_due(void) {
    return (SYSREG_READ(cntp_ctl_el0) & CTL_DUE) != 0;
}

uint64_t clock_hz(void);

/* ---- cores.c -------------------------------------------------------------------------------- */

/* Core 0. Starts every other core the board has, and names those that do not arrive. */
void cores_start(void);

/* Each core, once: controller, timer, identity. i is dense. */
void core_init(unsigned i);

/* Where a core was when it stopped. Written by it before it says that it has. */
struct stop {
    const struct g *g;       /* NULL: it has not stopped */
    const struct trap *trap; /* what the G's interrupt pushed; NULL: it stopped by itself, at fp */
    uintptr_t fp;
};

/* The stop of the core that ran g; NULL: none did. */
const struct stop *core_stop_of(const struct g *g);

/* A core that was told to stop goes no further; called in every IPI. */
void core_check_stop(void);
