/*
 * boards/zcu102/board.c - Xilinx ZCU102: Zynq UltraScale+, four Cortex-A53, GIC-400, PSCI by SMC.
 *
 * Addresses: Xilinx UG1085, chapters 10 and 13.
 */
#include "hal/board.h"
#include "drivers/cadence_uart.h"
#include "drivers/gicv2.h"
#include "drivers/psci.h"
#include "drivers/semihost.h"

#define GICD  0xf9010000u
#define GICC  0xf9020000u
#define UART0 0xff000000u

#define TIMER_LINE 30u
#define IPI_LINE   1u

static const struct uart uart0 = {&cadence_uart_ops, UART0, .clock = 0, .line = 53};

static const struct intc intc = {&gicv2_ops, {GICD, GICC}, TIMER_LINE, IPI_LINE, .gic = 2};
static const struct intc *const intcs[] = {&intc, NULL};

/* The firmware (TF-A) is at EL3: who is entered there has none. */
static enum psci_conduit conduit(void) {
    return boot_info.entry_el == 3 ? PSCI_NONE : PSCI_SMC;
}

static int start_core(unsigned core, uintptr_t entry) {
    return psci_cpu_on(conduit(), board.core_ids[core], entry, 0);
}

static void power_off(int status) {
    semihost_exit(status);
    psci_system_off(conduit());
}

static void reset(void) {
    psci_system_reset(conduit());
}

const struct disk *const board_disks[] = {NULL};

const struct board board = {
    .name = "Xilinx ZCU102",
    .max_cores = 4,
    .core_ids = {0, 1, 2, 3},
    .console = &uart0,
    .intc = intcs,
    .devices = {{0xf9000000, 0x01000000}, {0xfd000000, 0x03000000}},
    .ram = {0, 0x40000000}, /* QEMU's -m 1G; the board has 2 GiB here */
    .start_core = start_core,
    .power_off = power_off,
    .reset = reset,
};

const struct board_devices board_devices = {0};
