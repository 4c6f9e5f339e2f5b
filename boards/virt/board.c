/*
 * boards/virt/board.c - QEMU's virt machine: 1 to 8 cores, a GICv2 or a GICv3, PSCI.
 *
 * Addresses: QEMU, hw/arm/virt.c. The device tree says how much RAM there is.
 */
#include "hal/board.h"
#include "drivers/gicv2.h"
#include "drivers/gicv3.h"
#include "drivers/pl011.h"
#include "drivers/pl061.h"
#include "drivers/psci.h"
#include "drivers/semihost.h"
#include "drivers/virtio_random.h"

#define GICD   0x08000000u
#define GICC   0x08010000u
#define GICR   0x080a0000u
#define PL011  0x09000000u
#define PL061  0x09030000u
#define VIRTIO 0x0a000000u /* the first of 32 */

#define TIMER_LINE 30u
#define IPI_LINE   1u

static const struct uart pl011 = {&pl011_ops, PL011, .clock = 24000000, .line = 33};

static const struct gpio pl061 = {&pl061_ops, PL061, .pins = 8, .line = 39};

static const struct rng rng = {&virtio_random_ops, VIRTIO, .wants_ring = true};

static const struct intc intc_v3 = {&gicv3_ops, {GICD, GICR}, TIMER_LINE, IPI_LINE, .gic = 3};
static const struct intc intc_v2 = {&gicv2_ops, {GICD, GICC}, TIMER_LINE, IPI_LINE, .gic = 2};
static const struct intc *const intcs[] = {&intc_v3, &intc_v2, NULL};

static bool intc_present(const struct intc *c) {
    return (c == &intc_v3) == gicv3_present();
}

/* QEMU is the firmware: it answers HVC to a guest that starts at EL1, SMC to one that owns EL2, and
 * nothing to one that owns EL3. */
static enum psci_conduit conduit(void) {
    static const enum psci_conduit by_level[] = {PSCI_NONE, PSCI_HVC, PSCI_SMC, PSCI_NONE};
    return by_level[boot_info.entry_el & 3];
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

const struct board board = {
    .name = "QEMU virt",
    .max_cores = 8,
    .core_ids = {0, 1, 2, 3, 4, 5, 6, 7},
    .console = &pl011,
    .gpio = &pl061,
    .rng = &rng,
    .intc = intcs,
    .intc_present = intc_present,
    .devices = {{GICD, 0x03000000}},
    .ram = {0x40000000, 0x08000000},
    .start_core = start_core,
    .power_off = power_off,
    .reset = reset,
};

const struct board_devices board_devices = {0};
