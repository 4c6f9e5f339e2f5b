/*
 * drivers/bcm2836.c - the local interrupt controller of the BCM2836: each core's timer, a mailbox
 * as doorbell, and the line of the legacy controller, which goes to the core that
 * enable() has named last.
 *
 * Source of the registers: QA7 ARM Quad A7 core, revision 3.4.
 *
 * The race this closes: clearing the doorbell is a posted write, and a sender that rings between
 * our read of the bell and the arrival of the clear has its ring wiped. claim() clears and waits
 * (dsb sy) until the clear has arrived, before anybody looks at what senders published: a wiped
 * ring's stores are then visible, and a later ring stays. Pairs with the dsb ishst before ipi().
 *
 * There is no active state: a line pends until its cause is gone, which the handler sees to. The
 * cores of these chips are 0 to 3 of one cluster.
 */
#include "drivers/bcm2836.h"

#include "drivers/bcm2835_ic.h"
#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define CONTROL       0x00u /* 0: the counter runs from the crystal, by ones */
#define PRESCALER     0x08u /* the counter's share of the crystal, in 1/2^31 */
#define PRESCALER_ONE 0x80000000u
#define GPU_ROUTING   0x0cu /* 1:0 core that gets the legacy IRQ, 3:2 the FIQ */
#define TIMER_CONTROL(n)                                                                           \
    (0x40u + 4 * (n)) /* IRQ of timer: 0 secure, 1 non-secure, 2 EL2, 3 virtual */
#define TIMER_NONSECURE    (1u << 1)
#define MAILBOX_CONTROL(n) (0x50u + 4 * (n)) /* 3:0 IRQ of mailbox 3 to 0 */
#define MAILBOX_0          (1u << 0)
#define SOURCE(n)          (0x60u + 4 * (n))
#define SOURCE_TIMER       (1u << 1)
#define SOURCE_MAILBOX_0   (1u << 4)
#define SOURCE_GPU         (1u << 8)
#define MAILBOX_SET(n)     (0x80u + 16 * (n))
#define MAILBOX_CLEAR(n)   (0xc0u + 16 * (n)) /* write one; read: what is set */

#define BELL 1u

/* Hardware number of each logical core. Written by the core itself in init_core; who rings it has
 * learnt since that it joined. */
static uint8_t hardware_core[4];

static unsigned self(void) {
    return (unsigned)insn_affinity() & 3;
}

static void bcm2836_init(const struct intc *c) {
    insn_dmb_sy();
    mmio_write32(c->base[0] + CONTROL, 0);
    mmio_write32(c->base[0] + PRESCALER, PRESCALER_ONE);
    mmio_write32(c->base[0] + GPU_ROUTING, 0);
    insn_dmb_sy();
    bcm2835_ic_init(c->base[1]);
    insn_dmb_sy();
}

static void bcm2836_init_core(const struct intc *c, unsigned core) {
    uintptr_t local = c->base[0];
    unsigned n = self();
    hardware_core[core] = (uint8_t)n;
    insn_dmb_sy();
    mmio_write32(local + MAILBOX_CLEAR(n), ~0u);
    mmio_write32(local + MAILBOX_CONTROL(n), MAILBOX_0);
    mmio_write32(local + TIMER_CONTROL(n), TIMER_NONSECURE);
    insn_dmb_sy();
}

/* Bell before timer before devices: a claimed bell is gone, a timer is re-armed by its handler, and
 * only a device may ask for ever. */
static uint32_t bcm2836_claim(const struct intc *c) {
    uintptr_t local = c->base[0];
    unsigned n = self();
    uint32_t claim = IRQ_NONE;
    insn_dmb_sy();
    uint32_t source = mmio_read32(local + SOURCE(n));
    if ((source & SOURCE_MAILBOX_0) != 0) {
        mmio_write32(local + MAILBOX_CLEAR(n), ~0u);
        insn_dsb_sy(); /* see the file's head */
        claim = c->ipi_line;
    } else if ((source & SOURCE_TIMER) != 0) {
        claim = c->timer_line;
    } else if ((source & SOURCE_GPU) != 0) {
        unsigned line;
        insn_dmb_sy();
        if (bcm2835_ic_pending(c->base[1], &line)) {
            claim = line;
        }
    }
    insn_dmb_sy();
    return claim;
}

static void bcm2836_done(const struct intc *c, uint32_t claim) {
    (void)c;
    (void)claim;
}

static void bcm2836_enable(const struct intc *c, unsigned line, unsigned core) {
    if (line < BCM2835_IC_LINES) {
        insn_dmb_sy();
        mmio_write32(c->base[0] + GPU_ROUTING, hardware_core[core]); /* all of them: there is but one */
        insn_dmb_sy();
        bcm2835_ic_enable(c->base[1], line);
        insn_dmb_sy();
    }
}

static void bcm2836_disable(const struct intc *c, unsigned line) {
    if (line < BCM2835_IC_LINES) {
        insn_dmb_sy();
        bcm2835_ic_disable(c->base[1], line);
        insn_dmb_sy();
    }
}

static void bcm2836_ipi(const struct intc *c, unsigned core) {
    insn_dmb_sy();
    mmio_write32(c->base[0] + MAILBOX_SET(hardware_core[core]), BELL);
    insn_dmb_sy();
}

const struct intc_ops bcm2836_ops = {
    .init = bcm2836_init,
    .init_core = bcm2836_init_core,
    .claim = bcm2836_claim,
    .done = bcm2836_done,
    .enable = bcm2836_enable,
    .disable = bcm2836_disable,
    .ipi = bcm2836_ipi,
};
