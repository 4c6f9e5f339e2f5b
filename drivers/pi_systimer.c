/*
 * drivers/pi_systimer.c - the system timer of the BCM283x and BCM2711.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 12; BCM2711 ARM Peripherals, chapter 10. Of its four compare
 * registers 0 and 2 are the GPU's (Linux, drivers/clocksource/bcm2835_timer.c, takes 3); ours is 1.
 *
 * The DMBs: BCM283x peripherals may answer out of order with one another.
 */
#include "drivers/pi_systimer.h"

#include "drivers/pi_soc.h"
#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define CS      0x00u
#define CS_OURS (1u << 1) /* the counter has passed COMPARE; a one clears it, and the line falls */
#define CLO     0x04u     /* a million times a second, from the crystal */
#define COMPARE 0x10u     /* number 1 */

#define MEASURE_US 10000u
#define SAMPLES    16u

#define POLLS 10000000u /* a second at least: a timer that stands still is told, not waited for */

uint32_t pi_systimer_now(uintptr_t base) {
    insn_dmb_sy();
    uint32_t now = mmio_read32(base + CLO);
    insn_dmb_sy();
    return now;
}

/* Both clocks at one moment: an interrupt, or an emulator's computer, may come between the two, so the closest of
 * some. */
static uint64_t together(uintptr_t base, uint32_t *us) {
    uint64_t least = UINT64_MAX, counter = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t before = insn_counter();
        uint32_t now = pi_systimer_now(base);
        uint64_t took = insn_counter() - before;
        if (took < least) {
            least = took;
            counter = before + took / 2;
            *us = now;
        }
    }
    return counter;
}

static void pi_systimer_begin(const struct job_device *d, void *job) {
    const uint32_t *us = job;
    insn_dmb_sy();
    mmio_write32(d->base + CS, CS_OURS); /* of earlier */
    mmio_write32(d->base + COMPARE, mmio_read32(d->base + CLO) + *us);
    insn_dmb_sy();
}

static enum job_result pi_systimer_step(const struct job_device *d, void *job) {
    (void)job;
    insn_dmb_sy();
    bool due = (mmio_read32(d->base + CS) & CS_OURS) != 0;
    if (due) {
        mmio_write32(d->base + CS, CS_OURS);
    }
    insn_dmb_sy();
    return due ? JOB_DONE : JOB_BUSY;
}

static void pi_systimer_abort(const struct job_device *d) {
    insn_dmb_sy();
    mmio_write32(d->base + CS, CS_OURS);
    insn_dmb_sy();
}

const struct job_ops pi_systimer_ops = {
    .begin = pi_systimer_begin, .step = pi_systimer_step, .abort = pi_systimer_abort};

uint64_t pi_systimer_counter_hz(const struct job_device *d) {
    uint32_t begin = 0, end = 0, wanted = MEASURE_US;
    uint64_t first = together(d->base, &begin);
    if (pi_soc_park != NULL) {
        (void)pi_soc_park(d, &wanted);
    }
    for (unsigned i = 0; i < POLLS && pi_systimer_now(d->base) - begin < MEASURE_US; i++) {
    }
    uint64_t last = together(d->base, &end);
    return end != begin ? (last - first) * 1000000 / (end - begin) : 0;
}
