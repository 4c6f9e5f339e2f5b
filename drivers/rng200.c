/*
 * drivers/rng200.c - Broadcom's iProc RNG200, the random number generator of the BCM2711.
 *
 * Source of the registers: no document of the vendor; Linux, drivers/char/hw_random/iproc-rng200.c.
 *
 * It tests what it makes. Where a test has failed it locks itself up until it is reset; what waits in its FIFO then is
 * not to be used. QEMU does not model it.
 *
 * Its interrupt is not used: Linux' binding knows none, and what its bits mean but for the failures nobody has told.
 */
#include "drivers/rng200.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define CTRL       0x00u
#define CTRL_ON    1u
#define CTRL_WHAT  0x1fffu
#define RNG_RESET  0x04u
#define RBG_RESET  0x08u /* the source of its bits */
#define RESET      1u
#define INT_STATUS 0x18u /* a one clears it */
#define FAILED     (1u << 31 | 1u << 5)
#define FIFO_DATA  0x20u
#define FIFO_COUNT 0x24u
#define COUNT      0xffu /* words that wait */

static void switch_to(uintptr_t base, uint32_t on) {
    mmio_write32(base + CTRL, (mmio_read32(base + CTRL) & ~CTRL_WHAT) | on);
}

static bool rng200_init(const struct rng *r, uint8_t *ring, uint64_t ring_device) {
    (void)ring;
    (void)ring_device;
    insn_dmb_sy();
    switch_to(r->base, CTRL_ON);
    insn_dmb_sy();
    return true;
}

static void start_anew(uintptr_t base) {
    switch_to(base, 0);
    mmio_write32(base + INT_STATUS, ~0u);
    mmio_write32(base + RBG_RESET, RESET);
    mmio_write32(base + RNG_RESET, RESET);
    mmio_write32(base + RNG_RESET, 0);
    mmio_write32(base + RBG_RESET, 0);
    switch_to(base, CTRL_ON);
}

static bool rng200_word(const struct rng *r, uint32_t *out) {
    bool ready = false;
    insn_dmb_sy();
    if ((mmio_read32(r->base + INT_STATUS) & FAILED) != 0) {
        start_anew(r->base);
    } else if ((mmio_read32(r->base + FIFO_COUNT) & COUNT) != 0) {
        *out = mmio_read32(r->base + FIFO_DATA);
        ready = true;
    }
    insn_dmb_sy();
    return ready;
}

const struct rng_ops rng200_ops = {.init = rng200_init, .word = rng200_word};
