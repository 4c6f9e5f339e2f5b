/*
 * boards/imx8mp/board.c - NXP i.MX 8M Plus EVK: four Cortex-A53, GICv3, PSCI by SMC.
 *
 * Addresses: NXP IMX8MPRM (i.MX 8M Plus reference manual), chapter 2. The console is UART2.
 */
#include "hal/board.h"
#include "drivers/gicv3.h"
#include "drivers/imx_uart.h"
#include "drivers/psci.h"
#include "drivers/semihost.h"

#define UART2 0x30890000u
#define GICD  0x38800000u
#define GICR  0x38880000u

#define TIMER_LINE 30u
#define IPI_LINE   1u

static const struct uart uart2 = {&imx_uart_ops, UART2, .clock = 0, .line = 59};

static const struct intc intc = {&gicv3_ops, {GICD, GICR}, TIMER_LINE, IPI_LINE, .gic = 3};
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
    .name = "NXP i.MX 8M Plus EVK",
    .max_cores = 4,
    .core_ids = {0, 1, 2, 3},
    .console = &uart2,
    .intc = intcs,
    .devices = {{0x30000000, 0x01000000}, {GICD, 0x00200000}},
    .ram = {0x40000000, 0x40000000}, /* QEMU's -m 1G; the board has 6 GiB */
    .start_core = start_core,
    .power_off = power_off,
    .reset = reset,
};

const struct board_devices board_devices = {0};
