/*
 * drivers/gicv3.c - Arm Generic Interrupt Controller, version 3 (GIC-500, GIC-600).
 *
 * Source of the registers: Arm IHI 0069 (GICv3 and GICv4 architecture specification), chapter 12.
 *
 * All interrupts are in group 1, which the CPU interface signals as IRQ and IAR1 hands out. Before
 * EL1 the boot has let EL1 use the system registers (ICC_SRE_EL2, ICC_SRE_EL3).
 *
 * An SGI that is rung between a look at what senders published and its acknowledge, the read of
 * IAR1, a system register that nothing else orders, would be lost with it. The port closes that:
 * DSB after claim() and before anybody looks, DSB before ipi() (hal.h).
 *
 * A core's redistributor is the one whose TYPER holds its affinity; their order means nothing.
 *
 * Everything after init is a write-one register or belongs to one line, so cores never undo each
 * other's writes.
 */
#include "drivers/gicv3.h"

#include "hal/aarch64/gicv3_regs.h"
#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

/* Distributor. */
#define GICD_CTLR          0x0000u
#define GICD_CTLR_GROUPS   0x3u      /* group 1 in each view: bit 1, and bit 0 without affinities */
#define GICD_CTLR_ARE      (1u << 4) /* route by affinity */
#define GICD_CTLR_RWP      (1u << 31)             /* a write is still on its way */
#define GICD_TYPER         0x0004u                /* 4:0 32 * (n + 1) lines */
#define GICD_IPRIORITYR    0x0400u                /* a byte a line */
#define GICD_ICFGR(n)      (0x0c00u + 4 * (n))    /* two bits a line: 0 level, 2 edge */
#define GICD_IROUTER(line) (0x6000u + 8 * (line)) /* the affinity it goes to */

/* Redistributor: a frame of 64 KiB for the core, one for its lines 0 to 31; two more with VLPIs. */
#define GICR_TYPER       0x0008u
#define GICR_TYPER_VLPIS (1u << 1)
#define GICR_TYPER_LAST  (1u << 4)
#define GICR_WAKER       0x0014u
#define WAKER_SLEEP      (1u << 1)
#define WAKER_ASLEEP     (1u << 2)
#define GICR_FRAME       0x10000u
#define GICR_LINES       0x10000u

/* The same offsets in the distributor, and in the redistributor for lines 0 to 31. */
#define GIC_IGROUPR(n)   (0x0080u + 4 * (n))
#define GIC_ISENABLER(n) (0x0100u + 4 * (n))
#define GIC_ICENABLER(n) (0x0180u + 4 * (n))
#define GIC_ICPENDR(n)   (0x0280u + 4 * (n))
#define GIC_ICACTIVER(n) (0x0380u + 4 * (n))

/* CPU interface. */
#define SRE_ENABLE    1u
#define CTLR_EOI_MODE (1u << 1) /* EOIR would not deactivate */
#define PMR_ALL       0xffu

#define PRIORITY  0x80808080u
#define SPURIOUS  1020u /* to 1023, as a claim: nothing to do, no EOI */
#define FIRST_SPI 32u

/* By logical index; written by the core itself in init_core. Who rings or routes to it has learnt
 * since that it joined. */
static struct {
    uint64_t affinity; /* as IROUTER takes it */
    uint64_t ring;     /* ICC_SGI1R less the line; 0: not there */
    uintptr_t lines;   /* its redistributor's second frame */
} cores[8];

bool gicv3_present(void) {
    return gicv3_sysregs_present();
}

/* Until the distributor has done what was written: before a change that builds on it. */
static void gicd_wait(uintptr_t gicd) {
    while ((mmio_read32(gicd + GICD_CTLR) & GICD_CTLR_RWP) != 0) {
    }
}

static void gicv3_init(const struct intc *c) {
    uintptr_t gicd = c->base[0];
    mmio_write32(gicd + GICD_CTLR, 0);
    gicd_wait(gicd);
    mmio_write32(gicd + GICD_CTLR, GICD_CTLR_ARE); /* only while the groups are off */
    gicd_wait(gicd);
    uint32_t words = (mmio_read32(gicd + GICD_TYPER) & 31) + 1;
    for (uint32_t i = 1; i < words; i++) {
        /* Firmware, or the kernel that loaded this one, may have left any of it. */
        mmio_write32(gicd + GIC_ICENABLER(i), ~0u);
        mmio_write32(gicd + GIC_ICPENDR(i), ~0u);
        mmio_write32(gicd + GIC_ICACTIVER(i), ~0u);
        mmio_write32(gicd + GIC_IGROUPR(i), ~0u);
    }
    for (uint32_t line = FIRST_SPI; line < 32 * words; line += 4) {
        mmio_write32(gicd + GICD_IPRIORITYR + line, PRIORITY);
    }
    for (uint32_t i = 2; i < 2 * words; i++) {
        /* Level: all devices of our boards hold their line. */
        mmio_write32(gicd + GICD_ICFGR(i), 0);
    }
    gicd_wait(gicd);
    mmio_write32(gicd + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GROUPS);
    gicd_wait(gicd);
}

/* This core's redistributor. A core without one could never be preempted: that ends in a report. */
static uintptr_t find_redistributor(uintptr_t frame, uint64_t affinity) {
    uint64_t packed = (affinity >> 32) << 24 | (affinity & 0xffffff);
    for (;;) {
        uint64_t typer = mmio_read64(frame + GICR_TYPER);
        if (typer >> 32 == packed) {
            return frame;
        }
        if ((typer & GICR_TYPER_LAST) != 0) {
            __builtin_trap();
        }
        frame += (typer & GICR_TYPER_VLPIS) != 0 ? 4 * GICR_FRAME : 2 * GICR_FRAME;
    }
}

/* Aff3, Aff2, Aff1, and Aff0 as a bit among 16 and the number of that 16. */
static uint64_t ring_value(uint64_t affinity) {
    uint64_t aff0 = affinity & 0xff;
    return (affinity >> 32 & 0xff) << 48 | (aff0 >> 4) << 44 | (affinity >> 16 & 0xff) << 32 |
           (affinity >> 8 & 0xff) << 16 | 1ull << (aff0 & 15);
}

static void gicv3_init_core(const struct intc *c, unsigned core) {
    uint64_t affinity = insn_affinity();
    uintptr_t gicr = find_redistributor(c->base[1], affinity);
    uintptr_t lines = gicr + GICR_LINES;

    mmio_write32(gicr + GICR_WAKER, mmio_read32(gicr + GICR_WAKER) & ~WAKER_SLEEP);
    while ((mmio_read32(gicr + GICR_WAKER) & WAKER_ASLEEP) != 0) {
    }
    mmio_write32(lines + GIC_ICENABLER(0), ~0u);
    mmio_write32(lines + GIC_ICPENDR(0), ~0u);
    mmio_write32(lines + GIC_ICACTIVER(0), ~0u);
    mmio_write32(lines + GIC_IGROUPR(0), ~0u);
    for (uint32_t line = 0; line < FIRST_SPI; line += 4) {
        mmio_write32(lines + GICD_IPRIORITYR + line, PRIORITY);
    }
    mmio_write32(lines + GIC_ISENABLER(0), 1u << c->timer_line | 1u << c->ipi_line);

    gicv3_sre_write(gicv3_sre_read() | SRE_ENABLE);
    gicv3_pmr_write(PMR_ALL);
    gicv3_ctlr_write(gicv3_ctlr_read() & ~(uint64_t)CTLR_EOI_MODE);
    gicv3_igrpen1_write(1);

    cores[core].affinity = affinity;
    cores[core].ring = ring_value(affinity);
    cores[core].lines = lines;
}

static uint32_t gicv3_claim(const struct intc *c) {
    (void)c;
    uint32_t iar = (uint32_t)gicv3_iar_read();
    return iar >= SPURIOUS && iar <= IRQ_NONE ? IRQ_NONE : iar;
}

static void gicv3_done(const struct intc *c, uint32_t claim) {
    (void)c;
    gicv3_eoir_write(claim);
}

static void gicv3_enable(const struct intc *c, unsigned line, unsigned core) {
    uintptr_t gicd = c->base[0];
    if (line < FIRST_SPI) {
        mmio_write32(cores[core].lines + GIC_ISENABLER(0), 1u << line);
        return;
    }
    mmio_write64(gicd + GICD_IROUTER(line), cores[core].affinity);
    mmio_write32(gicd + GIC_ISENABLER(line / 32), 1u << line % 32);
}

static void gicv3_disable(const struct intc *c, unsigned line) {
    uintptr_t gicd = c->base[0];
    if (line < FIRST_SPI) {
        for (unsigned i = 0; i < sizeof(cores) / sizeof(cores[0]); i++) {
            if (cores[i].lines != 0) {
                mmio_write32(cores[i].lines + GIC_ICENABLER(0), 1u << line);
            }
        }
        return;
    }
    mmio_write32(gicd + GIC_ICENABLER(line / 32), 1u << line % 32);
    gicd_wait(gicd);
}

static void gicv3_ipi(const struct intc *c, unsigned core) {
    if (cores[core].ring != 0) {
        gicv3_sgi1r_write(cores[core].ring | (uint64_t)c->ipi_line << 24);
    }
}

const struct intc_ops gicv3_ops = {
    .init = gicv3_init,
    .init_core = gicv3_init_core,
    .claim = gicv3_claim,
    .done = gicv3_done,
    .enable = gicv3_enable,
    .disable = gicv3_disable,
    .ipi = gicv3_ipi,
};
