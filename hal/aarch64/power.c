/* hal/aarch64/power.c - the end. The board knows how; semihosting comes first where somebody
 * listens. */
#include "hal/aarch64/port.h"
#include "hal/kprint.h"
#include "hal/sanitize.h"

/* What the transmitter still holds, 64 bytes at most, goes out at 115200 baud before the power
 * does. */
#define DRAIN_NS INT64_C(6000000)

/* All that a core executes is the machine. */
bool hal_waits_outside(unsigned core) {
    (void)core;
    return false;
}

/* Whoever is at the console may still ask what became of the goroutines. Polled: interrupts are masked for good. */
_Noreturn static void halt(void) {
    for (;;) {
        if (board.console->ops->rx(board.console) == DUMP_KEY) {
            sched_dump();
        }
        hal_relax();
    }
}

_Noreturn void hal_exit(int status) {
    hal_irq_mask();
    status = sanitize_status(status);
    if (boot_info.at_exit != AT_EXIT_OFF) {
        kprintf("\nBareloom: exit status %d\n", status);
    }
    hal_delay(DRAIN_NS);
    if (boot_info.at_exit == AT_EXIT_RESET && board.reset != NULL) {
        board.reset();
    }
    if (boot_info.at_exit != AT_EXIT_HALT && board.power_off != NULL) {
        board.power_off(status);
    }
    halt();
}

_Noreturn void hal_reset(void) {
    hal_irq_mask();
    hal_delay(DRAIN_NS);
    if (board.reset != NULL) {
        board.reset();
    }
    hal_exit(3);
}
