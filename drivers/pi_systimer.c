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

#define POLLS 10000000u /* a second at least: a timer that stands still is told, not waited for */

uint32_t pi_systimer_now(uintptr_t base) {
    insn_dmb_sy();
    uint32_t now = mmio_read32(base + CLO);
    insn_dmb_sy();
    return now;
}

uint64_t pi_systimer_counter_hz(uintptr_t base) {
    uint32_t begin = pi_systimer_now(base), end = begin;
    uint64_t first = insn_counter(), last = first;
    for (unsigned i = 0; i < POLLS && end - begin < MEASURE_US; i++) {
        end = pi_systimer_now(base);
        last = insn_counter();
    }
    return end != begin ? (last - first) * 1000000 / (end - begin) : 0;
}
