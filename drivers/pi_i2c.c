/*
 * drivers/pi_i2c.c - the I2C masters (BSC) of the BCM283x and BCM2711, by interrupts.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 3; BCM2711 ARM Peripherals, chapter 3.
 *
 * The controller ends each transfer with a stop. While it wants to be written it interrupts for as long as there is
 * room, so that interrupt goes off with the last byte.
 * QEMU begins a transfer at each write of C that has I2CEN, START or not; so C is written with it only to begin, and
 * where on a real controller the last bytes are still on their way.
 * The DMBs: BCM283x peripherals may answer out of order with one another.
 */
#include "drivers/pi_i2c.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define C        0x00u
#define C_READ   (1u << 0)
#define C_CLEAR  (3u << 4)
#define C_START  (1u << 7)
#define C_INTD   (1u << 8)
#define C_INTT   (1u << 9)
#define C_INTR   (1u << 10)
#define C_ON     (1u << 15)
#define S        0x04u
#define S_DONE   (1u << 1)
#define S_TXD    (1u << 4) /* there is room */
#define S_RXD    (1u << 5)
#define S_ERR    (1u << 8)                 /* nobody has answered */
#define S_CLKT   (1u << 9)                 /* somebody has held the clock for too long */
#define S_EVENTS (S_DONE | S_ERR | S_CLKT) /* a one clears them */
#define DLEN     0x08u
#define A        0x0cu
#define FIFO     0x10u
#define DIV      0x14u
#define DEL      0x18u /* when data change, in cycles of the input clock: after an edge, before one */
#define DEL_FELL 16

static void quiet(uintptr_t base) {
    mmio_write32(base + C, C_CLEAR);
    mmio_write32(base + S, S_EVENTS);
}

static void pi_i2c_begin(const struct job_device *d, void *job) {
    struct i2c_job *j = job;
    j->done = 0;
    insn_dmb_sy();
    quiet(d->base);
    mmio_write32(d->base + DIV, j->divisor);
    uint32_t fell = j->divisor / 16, rose = j->divisor / 4; /* less than half a bit */
    mmio_write32(d->base + DEL, (fell != 0 ? fell : 1) << DEL_FELL | (rose != 0 ? rose : 1));
    mmio_write32(d->base + A, j->address);
    mmio_write32(d->base + DLEN, (uint32_t)j->n);
    mmio_write32(d->base + C, C_ON | C_INTD | C_START | (j->read ? C_INTR | C_READ : C_INTT));
    insn_dmb_sy();
}

/* Moves what can be moved; the status after that. */
static uint32_t move(uintptr_t base, struct i2c_job *j) {
    uint32_t ready = j->read ? S_RXD : S_TXD, s = mmio_read32(base + S);
    while (j->done < j->n && (s & ready) != 0 && (s & (S_ERR | S_CLKT)) == 0) {
        if (j->read) {
            j->data[j->done++] = (uint8_t)mmio_read32(base + FIFO);
        } else {
            mmio_write32(base + FIFO, j->data[j->done++]);
        }
        s = mmio_read32(base + S);
    }
    return s;
}

static enum job_result pi_i2c_step(const struct job_device *d, void *job) {
    struct i2c_job *j = job;
    insn_dmb_sy();
    uint32_t s = move(d->base, j);
    enum job_result result = (s & S_CLKT) != 0   ? JOB_FAILED
                             : (s & S_ERR) != 0  ? JOB_NOBODY
                             : (s & S_DONE) == 0 ? JOB_BUSY
                             : j->done == j->n   ? JOB_DONE
                                                 : JOB_FAILED;
    if (result != JOB_BUSY) {
        quiet(d->base);
    } else if (!j->read && j->done == j->n) {
        mmio_write32(d->base + C, C_ON | C_INTD);
    }
    insn_dmb_sy();
    return result;
}

static void pi_i2c_abort(const struct job_device *d) {
    insn_dmb_sy();
    quiet(d->base);
    insn_dmb_sy();
}

const struct job_ops pi_i2c_ops = {.begin = pi_i2c_begin, .step = pi_i2c_step, .abort = pi_i2c_abort};
