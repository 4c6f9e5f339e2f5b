/*
 * drivers/pi_spi.c - SPI 0 of the BCM283x and BCM2711, by interrupts.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 10; BCM2711 ARM Peripherals, chapter 9.
 *
 * Both FIFOs hold 16 bytes at least. No more than that is ever under way, so the one for what comes never runs over,
 * and DONE, which is a level while nothing is left to send, is all that has to interrupt.
 * The DMBs: BCM283x peripherals may answer out of order with one another.
 */
#include "drivers/pi_spi.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define CS       0x00u /* 1:0 chip, 3:2 mode */
#define CS_CLEAR (3u << 4)
#define CS_TA    (1u << 7) /* a transfer is on: the chip is selected */
#define CS_INTD  (1u << 9)
#define CS_DONE  (1u << 16)
#define CS_RXD   (1u << 17)
#define FIFO     0x04u
#define CLK      0x08u
#define CHUNK    16u

static uint32_t settings(const struct spi_job *j) {
    return (j->chip & 3) | (j->mode & 3) << 2;
}

static void pi_spi_begin(const struct job_device *d, void *job) {
    struct spi_job *j = job;
    j->sent = j->received = 0;
    insn_dmb_sy();
    mmio_write32(d->base + CS, settings(j) | CS_CLEAR);
    mmio_write32(d->base + CLK, j->divisor & 0xffff); /* 0 is 65536 */
    mmio_write32(d->base + CS, settings(j) | CS_TA | CS_INTD);
    insn_dmb_sy();
}

static void receive(uintptr_t base, struct spi_job *j) {
    while (j->received < j->sent && (mmio_read32(base + CS) & CS_RXD) != 0) {
        uint8_t byte = (uint8_t)mmio_read32(base + FIFO);
        if (j->in != NULL) {
            j->in[j->received] = byte;
        }
        j->received++;
    }
}

static enum job_result pi_spi_step(const struct job_device *d, void *job) {
    struct spi_job *j = job;
    insn_dmb_sy();
    bool asked = (mmio_read32(d->base + CS) & CS_DONE) != 0;
    if (asked) {
        receive(d->base, j);
        while (j->sent < j->n && j->sent - j->received < CHUNK) {
            mmio_write32(d->base + FIFO, j->out != NULL ? j->out[j->sent] : 0);
            j->sent++;
        }
    }
    bool over = j->received == j->n;
    if (over) {
        mmio_write32(d->base + CS, settings(j));
    }
    insn_dmb_sy();
    return over ? JOB_DONE : JOB_BUSY;
}

static void pi_spi_abort(const struct job_device *d) {
    insn_dmb_sy();
    mmio_write32(d->base + CS, CS_CLEAR);
    insn_dmb_sy();
}

const struct job_ops pi_spi_ops = {.begin = pi_spi_begin, .step = pi_spi_step, .abort = pi_spi_abort};
