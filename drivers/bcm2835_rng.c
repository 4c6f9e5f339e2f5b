/*
 * drivers/bcm2835_rng.c - the random number generator of the BCM283x.
 *
 * Source of the registers: no document of the vendor; Linux, drivers/char/hw_random/bcm2835-rng.c.
 *
 * Its interrupt (line 61, by Linux' bcm2835-common.dtsi) is masked, as Linux masks it: nobody has told what it says, and QEMU
 * has none.
 *
 * The DMBs: BCM283x peripherals may answer out of order with one another.
 */
#include "drivers/bcm2835_rng.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define CTRL         0x00u
#define CTRL_ON      1u
#define STATUS       0x04u /* 31:24 words that wait; written: bits to be thrown away first, 19:0 */
#define STATUS_WORDS 24
#define WARM_UP      0x40000u /* the first are less random */
#define DATA         0x08u
#define INT_MASK     0x10u
#define INT_OFF      1u

static bool bcm2835_rng_init(const struct rng *r, uint8_t *ring, uint64_t ring_device) {
    (void)ring;
    (void)ring_device;
    insn_dmb_sy();
    mmio_write32(r->base + STATUS, WARM_UP);
    mmio_write32(r->base + INT_MASK, mmio_read32(r->base + INT_MASK) | INT_OFF);
    mmio_write32(r->base + CTRL, CTRL_ON);
    insn_dmb_sy();
    return true;
}

static bool bcm2835_rng_word(const struct rng *r, uint32_t *out) {
    insn_dmb_sy();
    bool ready = mmio_read32(r->base + STATUS) >> STATUS_WORDS != 0;
    if (ready) {
        *out = mmio_read32(r->base + DATA);
    }
    insn_dmb_sy();
    return ready;
}

const struct rng_ops bcm2835_rng_ops = {.init = bcm2835_rng_init, .word = bcm2835_rng_word};
