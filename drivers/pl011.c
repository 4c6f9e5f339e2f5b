/*
 * drivers/pl011.c - Arm PrimeCell UART (PL011).
 *
 * Source of the registers: Arm DDI 0183 (PL011 technical reference manual), chapter 3.
 *
 * The race this closes: QEMU raises the receive interrupt only when the FIFO goes from empty to one
 * byte. Clearing after draining would wipe the interrupt of a byte that came between, and no other
 * would ever follow. So rx_ack() clears first; then whatever is drained needs no interrupt, and
 * whatever comes after the FIFO was seen empty raises a new one. For the same reason a byte that
 * waits when rx_enable() is called is never announced: the caller drains once.
 *
 * The DMBs: on BCM283x, accesses to different peripherals may pass each other. Elsewhere they cost
 * nothing that counts beside a UART.
 */
#include "drivers/pl011.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define DR       0x00u /* 7:0 byte, 8 framing error, 9 parity error, 10 break, 11 bytes were lost */
#define DR_BAD   (7u << 8)
#define FR       0x18u
#define FR_BUSY  (1u << 3)
#define FR_RXFE  (1u << 4) /* nothing received */
#define FR_TXFF  (1u << 5) /* no room to send */
#define IBRD     0x24u
#define FBRD     0x28u
#define LCRH     0x2cu
#define LCRH_8N1 (3u << 5 | 1u << 4) /* 8 bits, FIFOs on */
#define CR       0x30u
#define CR_ON    (1u << 0 | 1u << 8 | 1u << 9) /* UART, transmit, receive */
#define IFLS     0x34u
#define IFLS_LOW 0u /* interrupt at 1/8 of the FIFO; a time-out of 32 bits covers the rest */
#define IMSC     0x38u
#define INT_RX   (1u << 4)
#define INT_RT   (1u << 6) /* receive time-out */
#define ICR      0x44u
#define ICR_ALL  0x7ffu

#define BAUD 115200u

#define POLLS                                                                                      \
    1000000u /* the FIFO's 32 bytes are gone in 3 ms; an access takes nanoseconds at least */

static void pl011_set_baud(const struct uart *u, uint32_t baud) {
    insn_dmb_sy();
    for (unsigned i = 0; i < POLLS && (mmio_read32(u->base + FR) & FR_BUSY) != 0; i++) {
    }
    mmio_write32(u->base + CR, 0);
    mmio_write32(u->base + IMSC, 0);
    mmio_write32(u->base + ICR, ICR_ALL);
    if (u->clock != 0) {
        /* In 64ths: clock / (16 * baud) * 64, rounded. */
        uint32_t divisor = (u->clock * 4 + baud / 2) / baud;
        mmio_write32(u->base + IBRD, divisor >> 6);
        mmio_write32(u->base + FBRD, divisor & 63);
    }
    mmio_write32(u->base + LCRH, LCRH_8N1); /* also takes the divisor over */
    mmio_write32(u->base + IFLS, IFLS_LOW);
    mmio_write32(u->base + CR, CR_ON);
    insn_dmb_sy();
}

static void pl011_init(const struct uart *u) {
    pl011_set_baud(u, BAUD);
}

uint32_t pl011_divisor(uintptr_t base) {
    insn_dmb_sy();
    uint32_t divisor = (mmio_read32(base + IBRD) & 0xffff) << 6 | (mmio_read32(base + FBRD) & 63);
    insn_dmb_sy();
    return divisor;
}

static bool pl011_tx_ready(const struct uart *u) {
    insn_dmb_sy();
    bool ready = (mmio_read32(u->base + FR) & FR_TXFF) == 0;
    insn_dmb_sy();
    return ready;
}

static void pl011_tx(const struct uart *u, uint8_t b) {
    insn_dmb_sy();
    mmio_write32(u->base + DR, b);
    insn_dmb_sy();
}

static int pl011_rx(const struct uart *u) {
    int byte = -1;
    insn_dmb_sy();
    while (byte < 0 && (mmio_read32(u->base + FR) & FR_RXFE) == 0) {
        uint32_t dr = mmio_read32(u->base + DR);
        if ((dr & DR_BAD) == 0) { /* an open line reads as breaks: no byte */
            byte = (int)(dr & 0xff);
        }
    }
    insn_dmb_sy();
    return byte;
}

static void pl011_rx_enable(const struct uart *u) {
    insn_dmb_sy();
    mmio_write32(u->base + ICR, ICR_ALL);
    mmio_write32(u->base + IMSC, INT_RX | INT_RT);
    insn_dmb_sy();
}

static void pl011_rx_ack(const struct uart *u) {
    insn_dmb_sy();
    mmio_write32(u->base + ICR, ICR_ALL);
    insn_dmb_sy();
}

const struct uart_ops pl011_ops = {
    .init = pl011_init,
    .set_baud = pl011_set_baud,
    .tx_ready = pl011_tx_ready,
    .tx = pl011_tx,
    .rx = pl011_rx,
    .rx_enable = pl011_rx_enable,
    .rx_ack = pl011_rx_ack,
};
