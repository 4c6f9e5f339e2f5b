/*
 * drivers/pi_systimer.c - the system timer of the BCM283x and BCM2711.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 12; BCM2711 ARM Peripherals, chapter 10.
 *
 * The DMBs: BCM283x peripherals may answer out of order with one another.
 */
#include "drivers/pi_systimer.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define CLO 0x04u /* a million times a second, from the crystal */

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

uint64_t pi_systimer_counter_hz(uintptr_t base) {
    uint32_t begin = 0, end = 0;
    uint64_t first = together(base, &begin);
    for (unsigned i = 0; i < POLLS && pi_systimer_now(base) - begin < MEASURE_US; i++) {
    }
    uint64_t last = together(base, &end);
    return end != begin ? (last - first) * 1000000 / (end - begin) : 0;
}
