/* tests/raise.c - a device interrupt from software. */
#include "tests/raise.h"

#include "hal/board.h"
#include "hal/mmio.h"

#ifdef HAL_HOST
bool can_raise(void) {
    return false;
}

void set_pending(uint32_t line) {
    (void)line;
}

void clear_pending(uint32_t line) {
    (void)line;
}
#else
#define GICD_ISPENDR 0x200
#define GICD_ICPENDR 0x280

bool can_raise(void) {
    return board_intc->timer_line == 30; /* the line of a GIC */
}

void set_pending(uint32_t line) {
    mmio_write32(board_intc->base[0] + GICD_ISPENDR + line / 32 * 4, 1u << line % 32);
}

void clear_pending(uint32_t line) {
    mmio_write32(board_intc->base[0] + GICD_ICPENDR + line / 32 * 4, 1u << line % 32);
}
#endif
