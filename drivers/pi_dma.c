/*
 * drivers/pi_dma.c - one full channel of the BCM283x' and BCM2711's DMA controller, from memory to memory.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 4; BCM2711 ARM Peripherals, chapter 4.
 *
 * The channel reads its control block from memory, past our caches: the block has a line to itself, and is cleaned
 * before the channel starts. What is copied is the caller's to clean and to invalidate.
 * The DMBs: BCM283x peripherals may answer out of order with one another.
 */
#include "drivers/pi_dma.h"

#include "hal/aarch64/cache.h"
#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define CS          0x00u
#define CS_ACTIVE   (1u << 0)
#define CS_END      (1u << 1) /* a one clears it */
#define CS_INT      (1u << 2) /* the same */
#define CS_ERROR    (1u << 8)
#define CS_PRIORITY (8u << 16 | 15u << 20) /* usual; when others starve it */
#define CS_WAIT     (1u << 28)             /* the end comes after the last write has arrived */
#define CS_RESET    (1u << 31)
#define BLOCK       0x04u
#define ERRORS      0x20u
#define ERRORS_ALL  7u /* a one clears what went wrong */

#define CONTROLLER(base) ((base) & ~(uintptr_t)0xfff) /* its channels lie 0x100 apart */
#define CHANNEL(base)    ((base) >> 8 & 0xf)
#define ENABLE           0xff0u /* of the controller: a bit for each channel, and others, which stay */

#define RESET_POLLS 10000u /* a millisecond or so */

#define TI_INT       (1u << 0)
#define TI_WAIT      (1u << 3) /* for each write to arrive */
#define TI_TO_NEXT   (1u << 4)
#define TI_FROM_NEXT (1u << 8)

#define BUS_UNCACHED 0xc0000000u /* RAM as the controller sees it, past the VideoCore's cache */

/* Control block, as the channel reads it; one at a time. */
static volatile uint32_t block[16] __attribute__((aligned(64)));
enum { TI, FROM, TO, LENGTH, STRIDE, NEXT };

static uint32_t bus(uint64_t memory) {
    return BUS_UNCACHED | (uint32_t)memory;
}

/* In vain it is if the channel stays in its reset: then it never ends, and whoever waits gives up. */
static void reset(uintptr_t base) {
    uintptr_t enable = CONTROLLER(base) + ENABLE;
    mmio_write32(enable, mmio_read32(enable) | 1u << CHANNEL(base));
    mmio_write32(base + CS, CS_RESET);
    for (unsigned i = 0; i < RESET_POLLS && (mmio_read32(base + CS) & CS_RESET) != 0; i++) {
    }
}

static void pi_dma_begin(const struct job_device *d, void *job) {
    const struct dma_job *j = job;
    block[TI] = TI_INT | TI_WAIT | TI_TO_NEXT | TI_FROM_NEXT;
    block[FROM] = bus(j->from);
    block[TO] = bus(j->to);
    block[LENGTH] = (uint32_t)j->n;
    block[STRIDE] = 0;
    block[NEXT] = 0;
    cache_clean_invalidate((const void *)(uintptr_t)block, sizeof block);
    insn_dmb_sy();
    reset(d->base);
    mmio_write32(d->base + ERRORS, ERRORS_ALL);
    mmio_write32(d->base + CS, CS_INT | CS_END);
    mmio_write32(d->base + BLOCK, bus((uintptr_t)block));
    mmio_write32(d->base + CS, CS_ACTIVE | CS_PRIORITY | CS_WAIT);
    insn_dmb_sy();
}

static enum job_result pi_dma_step(const struct job_device *d, void *job) {
    (void)job;
    insn_dmb_sy();
    uint32_t cs = mmio_read32(d->base + CS);
    enum job_result result = (cs & CS_ERROR) != 0                            ? JOB_FAILED
                             : (cs & (CS_INT | CS_END)) == (CS_INT | CS_END) ? JOB_DONE
                                                                             : JOB_BUSY;
    if (result != JOB_BUSY) {
        mmio_write32(d->base + CS, CS_INT | CS_END);
    }
    insn_dmb_sy();
    return result;
}

static void pi_dma_abort(const struct job_device *d) {
    insn_dmb_sy();
    reset(d->base);
    mmio_write32(d->base + CS, CS_INT | CS_END);
    insn_dmb_sy();
}

const struct job_ops pi_dma_ops = {.begin = pi_dma_begin, .step = pi_dma_step, .abort = pi_dma_abort};
