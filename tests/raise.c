/* tests/raise.c - a device interrupt from software. */
#include "tests/raise.h"

#include "hal/board.h"
#include "hal/hal.h"
#include "hal/mmio.h"

#ifdef HAL_HOST
unsigned raised_line(void) {
    return 150;
}

bool can_raise(void) {
    return false;
}

void set_pending(uint32_t line) {
    (void)line;
}

bool clear_pending(uint32_t line) {
    (void)line;
    return false;
}
#else
#include <stdatomic.h>

#include "hal/aarch64/insn.h"

#define GICD_ISPENDR 0x200
#define GICD_ICPENDR 0x280

/* BCM2836: the legacy controller's base, and from there the system timer. */
#define SYSTIMER     (board_intc->base[1] - 0xb200 + 0x3000)
#define CS           0x00
#define CS_1         (1u << 1)
#define CLO          0x04
#define C1           0x10
#define SOON_US      20

static bool gic(void) {
    return board_intc->gic != 0;
}

unsigned raised_line(void) {
    return gic() ? 150 : 1;
}

bool can_raise(void) {
    return true;
}

static _Atomic unsigned cleared;

static bool came(unsigned before) {
    return (mmio_read32(SYSTIMER + CS) & CS_1) != 0 || atomic_load(&cleared) != before;
}

/* It comes as the counter is the register's value. What was written when that was over comes 71 minutes later, so it
 * is written again; but where that is not certain, for QEMU's threads may be held up, only after a second without it. */
static void by_timer(void) {
    unsigned before = atomic_load(&cleared);
    bool set = false;
    while (!set) {
        uint32_t now = mmio_read32(SYSTIMER + CLO);
        mmio_write32(SYSTIMER + C1, now + SOON_US);
        set = mmio_read32(SYSTIMER + CLO) - now < SOON_US;
        while (!set && mmio_read32(SYSTIMER + CLO) - now < 1000000) {
            set = came(before);
            hal_relax();
        }
    }
}

void set_pending(uint32_t line) {
    insn_dmb_sy();
    if (gic()) {
        mmio_write32(board_intc->base[0] + GICD_ISPENDR + line / 32 * 4, 1u << line % 32);
    } else {
        by_timer();
    }
    insn_dmb_sy();
}

bool clear_pending(uint32_t line) {
    bool asked = true;
    insn_dmb_sy();
    if (gic()) {
        mmio_write32(board_intc->base[0] + GICD_ICPENDR + line / 32 * 4, 1u << line % 32);
    } else {
        asked = (mmio_read32(SYSTIMER + CS) & CS_1) != 0;
        if (asked) {                       /* else what comes just now would be cleared */
            atomic_fetch_add(&cleared, 1); /* before it can be seen to be clear */
            insn_dmb_sy();
            mmio_write32(SYSTIMER + CS, CS_1);
        }
    }
    insn_dmb_sy();
    return asked;
}
#endif
