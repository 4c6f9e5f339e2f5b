/*
 * drivers/gicv2.c - Arm Generic Interrupt Controller, version 2 (GIC-400).
 *
 * Source of the registers: Arm IHI 0048B (GICv2 architecture specification), chapter 4.
 *
 * Groups: whoever ran at EL3 before us decided them, and from non-secure EL1 they cannot be
 * changed. Nothing here writes IGROUPR: with one security state (QEMU's virt) interrupts would
 * become group 1, which plain IAR reads answer with 1022. Both groups are enabled and AckCtl is set
 * instead; where there are two security states, the non-secure view of the same bits enables its
 * one group and ignores the rest.
 *
 * An SGI that is rung between a look at what senders published and its acknowledge, the read of
 * IAR, would be lost with it. The port closes that: DSB after claim() and before anybody looks, DSB
 * before ipi() (hal.h).
 *
 * A CPU's number in the target bits is not its affinity: each core reads its own from the banked
 * ITARGETSR.
 *
 * Everything after init is a write-one register or one byte, so cores never undo each other's
 * writes.
 */
#include "drivers/gicv2.h"

#include "hal/mmio.h"

/* Distributor. */
#define GICD_CTLR         0x000u /* 0 group 0, 1 group 1; non-secure: 0 group 1 */
#define GICD_TYPER        0x004u /* 4:0 32 * (n + 1) lines */
#define GICD_ISENABLER(n) (0x100u + 4 * (n))
#define GICD_ICENABLER(n) (0x180u + 4 * (n))
#define GICD_ICPENDR(n)   (0x280u + 4 * (n))
#define GICD_ICACTIVER(n) (0x380u + 4 * (n))
#define GICD_IPRIORITYR   0x400u             /* a byte a line */
#define GICD_ITARGETSR    0x800u             /* a byte a line; of lines 0 to 31 it says who reads */
#define GICD_ICFGR(n)     (0xc00u + 4 * (n)) /* two bits a line: 0 level, 2 edge */
#define GICD_SGIR         0xf00u             /* 23:16 targets, 3:0 line */
#define GICD_CPENDSGIR    0xf10u             /* a byte an SGI: who sent it */

/* CPU interface, banked. */
#define GICC_CTLR     0x00u
#define CTLR_GROUPS   3u
#define CTLR_ACK_CTL  (1u << 2)
#define CTLR_FIQ_EN   (1u << 3)
#define CTLR_EOI_MODE (1u << 9) /* EOIR would not deactivate */
#define GICC_PMR      0x04u
#define GICC_IAR      0x0cu /* 12:10 sender of an SGI, 9:0 line */
#define GICC_EOIR     0x10u

#define PRIORITY  0x80808080u
#define PMR_ALL   0xffu
#define SPURIOUS  1020u /* and above, in a claim's line: nothing to do, no EOI */
#define FIRST_SPI 32u

/* Each core's bit in target fields, by logical index. Written by the core itself in init_core; who
 * rings it has learnt since that it joined. 0: not there, and the ring is lost, as it should be. */
static uint8_t target_bit[8];

static void gicv2_init(const struct intc *c) {
    uintptr_t gicd = c->base[0];
    mmio_write32(gicd + GICD_CTLR, 0);
    uint32_t words = (mmio_read32(gicd + GICD_TYPER) & 31) + 1;
    for (uint32_t i = 1; i < words; i++) {
        /* Firmware, or the kernel that loaded this one, may have left any of it. */
        mmio_write32(gicd + GICD_ICENABLER(i), ~0u);
        mmio_write32(gicd + GICD_ICPENDR(i), ~0u);
        mmio_write32(gicd + GICD_ICACTIVER(i), ~0u);
    }
    for (uint32_t line = FIRST_SPI; line < 32 * words; line += 4) {
        mmio_write32(gicd + GICD_IPRIORITYR + line, PRIORITY);
    }
    for (uint32_t i = 2; i < 2 * words; i++) {
        /* Level: all devices of our boards hold their line. */
        mmio_write32(gicd + GICD_ICFGR(i), 0);
    }
    mmio_write32(gicd + GICD_CTLR, 3);
}

/* This core's own target bit, from whichever of its 32 private lines has it. Reads as zero where
 * there is one core only. */
static uint8_t own_target(uintptr_t gicd) {
    uint32_t bits = 0;
    for (uint32_t line = 0; line < FIRST_SPI; line += 4) {
        bits |= mmio_read32(gicd + GICD_ITARGETSR + line);
    }
    bits |= bits >> 16;
    bits |= bits >> 8;
    return (bits & 0xff) != 0 ? (uint8_t)bits : 1;
}

static void gicv2_init_core(const struct intc *c, unsigned core) {
    uintptr_t gicd = c->base[0], gicc = c->base[1];
    target_bit[core] = own_target(gicd);
    mmio_write32(gicd + GICD_ICENABLER(0), ~0u);
    mmio_write32(gicd + GICD_ICPENDR(0), ~0u);
    mmio_write32(gicd + GICD_ICACTIVER(0), ~0u);
    for (uint32_t i = 0; i < 16; i += 4) {
        mmio_write32(gicd + GICD_CPENDSGIR + i, ~0u);
    }
    for (uint32_t line = 0; line < FIRST_SPI; line += 4) {
        mmio_write32(gicd + GICD_IPRIORITYR + line, PRIORITY);
    }
    mmio_write32(gicd + GICD_ISENABLER(0), 1u << c->timer_line | 1u << c->ipi_line);
    mmio_write32(gicc + GICC_PMR, PMR_ALL);
    /* Bypass bits stay as the firmware has them. */
    uint32_t ctlr = mmio_read32(gicc + GICC_CTLR) & ~(CTLR_FIQ_EN | CTLR_EOI_MODE);
    mmio_write32(gicc + GICC_CTLR, ctlr | CTLR_GROUPS | CTLR_ACK_CTL);
}

static uint32_t gicv2_claim(const struct intc *c) {
    uint32_t iar = mmio_read32(c->base[1] + GICC_IAR);
    return (iar & IRQ_LINE_MASK) >= SPURIOUS ? IRQ_NONE : iar;
}

/* An SGI ends only with the sender's number in EOIR: hence the whole value. */
static void gicv2_done(const struct intc *c, uint32_t claim) {
    mmio_write32(c->base[1] + GICC_EOIR, claim);
}

static void gicv2_enable(const struct intc *c, unsigned line, unsigned core) {
    if (line >= FIRST_SPI) {
        mmio_write8(c->base[0] + GICD_ITARGETSR + line, target_bit[core]);
    }
    mmio_write32(c->base[0] + GICD_ISENABLER(line / 32), 1u << line % 32);
}

static void gicv2_disable(const struct intc *c, unsigned line) {
    mmio_write32(c->base[0] + GICD_ICENABLER(line / 32), 1u << line % 32);
}

static void gicv2_ipi(const struct intc *c, unsigned core) {
    mmio_write32(c->base[0] + GICD_SGIR, (uint32_t)target_bit[core] << 16 | c->ipi_line);
}

const struct intc_ops gicv2_ops = {
    .init = gicv2_init,
    .init_core = gicv2_init_core,
    .claim = gicv2_claim,
    .done = gicv2_done,
    .enable = gicv2_enable,
    .disable = gicv2_disable,
    .ipi = gicv2_ipi,
};
