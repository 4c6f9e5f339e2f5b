/*
 * drivers/pi_pm.c - power management and watchdog of the BCM283x and BCM2711.
 *
 * Source of the registers: no document of the vendor; Linux, drivers/watchdog/bcm2835_wdt.c.
 *
 * The DMBs: BCM283x peripherals may answer out of order with one another.
 */
#include "drivers/pi_pm.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define PASSWORD        0x5a000000u /* in the top byte of every write, or it is ignored */
#define VALUE           0x00ffffffu
#define RSTC            0x1cu
#define RSTC_CONFIG     0x30u
#define RSTC_FULL_RESET 0x20u
#define RSTS            0x20u
#define RSTS_POWER      (1u << 12)
#define RSTS_WATCHDOG   (1u << 5) /* a full reset; its neighbors are the partition's */
#define RSTS_PARTITION  0x555u    /* bits 0 2 4 6 8 10: where to boot from; 63 means halt */
#define RSTC_NO_RESET   0x102u
#define WDOG            0x24u /* 19:0 in units of 1/65536 s */
#define WDOG_TIME       4096u /* 62 ms: what the UART's FIFO holds still goes out */

#define POLLS 10000000u /* far longer than WDOG_TIME */

static void change(uintptr_t reg, uint32_t clear, uint32_t set) {
    uint32_t value = mmio_read32(reg) & VALUE & ~clear;
    mmio_write32(reg, PASSWORD | value | set);
}

static void arm(uintptr_t base, uint32_t time) {
    mmio_write32(base + WDOG, PASSWORD | time);
    change(base + RSTC, RSTC_CONFIG, RSTC_FULL_RESET);
}

void pi_pm_watchdog(uintptr_t base, uint64_t us) {
    insn_dmb_sy();
    if (us != 0) {
        arm(base, (uint32_t)((us << 16) / 1000000));
    } else {
        mmio_write32(base + RSTC, PASSWORD | RSTC_NO_RESET);
    }
    insn_dmb_sy();
}

static void reset_into(uintptr_t base, uint32_t partition) {
    insn_dsb_sy(); /* what was printed is out */
    change(base + RSTS, RSTS_PARTITION, partition);
    arm(base, WDOG_TIME);
    for (unsigned i = 0; i < POLLS; i++) {
        (void)mmio_read32(base + RSTC);
    }
    insn_dmb_sy();
}

const char *pi_pm_last_reset(uintptr_t base) {
    insn_dmb_sy();
    uint32_t status = mmio_read32(base + RSTS);
    insn_dmb_sy();
    /* That the power came stays set over a reset by the watchdog, on some. */
    return (status & RSTS_WATCHDOG) != 0 ? "watchdog"
           : (status & RSTS_POWER) != 0  ? "power"
                                         : "something else";
}

void pi_pm_reset(uintptr_t base) {
    reset_into(base, 0);
}

void pi_pm_off(uintptr_t base) {
    reset_into(base, RSTS_PARTITION);
}
