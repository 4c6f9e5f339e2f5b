/*
 * drivers/bcm2835_ic.c - the legacy interrupt controller of the BCM283x.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 7. The shortcut bits of the basic
 * register are not used: the two GPU registers hold all of their lines.
 *
 * Every access sits between two DMBs of its caller, drivers/bcm2836.c: BCM283x peripherals may
 * answer out of order with one another.
 */
#include "drivers/bcm2835_ic.h"

#include "hal/mmio.h"

#define PENDING_BASIC 0x00u /* 7:0 lines 64 to 71 */
#define PENDING(bank) (0x04u + 4 * (bank))
#define FIQ_CONTROL   0x0cu                /* 7 on */
#define ENABLE(bank)  (0x10u + 4 * (bank)) /* write one; bank 2 is basic */
#define DISABLE(bank) (0x1cu + 4 * (bank))

#define BASIC_LINES 0xffu
#define BASIC_FIRST 64u

void bcm2835_ic_init(uintptr_t base) {
    mmio_write32(base + FIQ_CONTROL, 0);
    for (unsigned bank = 0; bank < 3; bank++) {
        mmio_write32(base + DISABLE(bank), ~0u);
    }
}

bool bcm2835_ic_pending(uintptr_t base, unsigned *line) {
    for (unsigned bank = 0; bank < 2; bank++) {
        uint32_t pending = mmio_read32(base + PENDING(bank));
        if (pending != 0) {
            *line = 32 * bank + (unsigned)__builtin_ctz(pending);
            return true;
        }
    }
    uint32_t basic = mmio_read32(base + PENDING_BASIC) & BASIC_LINES;
    if (basic != 0) {
        *line = BASIC_FIRST + (unsigned)__builtin_ctz(basic);
        return true;
    }
    return false;
}

void bcm2835_ic_enable(uintptr_t base, unsigned line) {
    mmio_write32(base + ENABLE(line / 32), 1u << line % 32);
}

void bcm2835_ic_disable(uintptr_t base, unsigned line) {
    mmio_write32(base + DISABLE(line / 32), 1u << line % 32);
}
