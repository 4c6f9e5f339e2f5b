/*
 * drivers/mini_uart.c - UART 1 of the BCM283x and BCM2711: what the firmware puts on the header of
 * boards whose PL011 serves Bluetooth. Its baud rate follows the core clock, which enable_uart=1 in
 * config.txt fixes.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 2, and its errata (the two halves of
 * IER stand swapped there; bits 3:2 must be set for receive interrupts).
 *
 * The interrupt is a level, up while a received byte waits: draining is all the acknowledging there
 * is. The DMBs: accesses to different peripherals may pass each other.
 */
#include "drivers/mini_uart.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define AUX_ENABLES 0x04u
#define AUX_MINI    (1u << 0)
#define MU_IO       0x40u
#define MU_IER      0x44u
#define IER_RX      (1u << 0 | 3u << 2)
#define MU_IIR      0x48u
#define IIR_CLEAR   (3u << 1) /* both FIFOs */
#define MU_LCR      0x4cu
#define LCR_8BIT    3u
#define MU_MCR      0x50u
#define MU_LSR      0x54u
#define LSR_RX      (1u << 0) /* a byte waits */
#define LSR_TX_ROOM (1u << 5)
#define LSR_TX_IDLE (1u << 6)
#define MU_CNTL     0x60u
#define CNTL_ON     3u /* receive, transmit */
#define MU_BAUD     0x68u

#define BAUD 115200u
#define POLLS                                                                                      \
    1000000u /* the FIFO's 8 bytes are gone in 1 ms; an access takes nanoseconds at least */

static void mini_uart_set_baud(const struct uart *u, uint32_t baud) {
    insn_dmb_sy();
    mmio_write32(u->base + AUX_ENABLES, mmio_read32(u->base + AUX_ENABLES) | AUX_MINI);
    for (unsigned i = 0; i < POLLS && (mmio_read32(u->base + MU_LSR) & LSR_TX_IDLE) == 0; i++) {
    }
    mmio_write32(u->base + MU_CNTL, 0);
    mmio_write32(u->base + MU_IER, 0);
    mmio_write32(u->base + MU_LCR, LCR_8BIT);
    mmio_write32(u->base + MU_MCR, 0);
    mmio_write32(u->base + MU_IIR, IIR_CLEAR);
    if (u->clock != 0) {
        mmio_write32(u->base + MU_BAUD, (u->clock / 8 + baud / 2) / baud - 1);
    }
    mmio_write32(u->base + MU_CNTL, CNTL_ON);
    insn_dmb_sy();
}

static void mini_uart_init(const struct uart *u) {
    mini_uart_set_baud(u, BAUD);
}

static bool mini_uart_tx_ready(const struct uart *u) {
    insn_dmb_sy();
    bool ready = (mmio_read32(u->base + MU_LSR) & LSR_TX_ROOM) != 0;
    insn_dmb_sy();
    return ready;
}

static void mini_uart_tx(const struct uart *u, uint8_t b) {
    insn_dmb_sy();
    mmio_write32(u->base + MU_IO, b);
    insn_dmb_sy();
}

static int mini_uart_rx(const struct uart *u) {
    int byte = -1;
    insn_dmb_sy();
    if ((mmio_read32(u->base + MU_LSR) & LSR_RX) != 0) {
        byte = (int)(mmio_read32(u->base + MU_IO) & 0xff);
    }
    insn_dmb_sy();
    return byte;
}

static void mini_uart_rx_enable(const struct uart *u) {
    insn_dmb_sy();
    mmio_write32(u->base + MU_IER, IER_RX);
    insn_dmb_sy();
}

static void mini_uart_rx_ack(const struct uart *u) {
    (void)u;
}

const struct uart_ops mini_uart_ops = {
    .init = mini_uart_init,
    .set_baud = mini_uart_set_baud,
    .tx_ready = mini_uart_tx_ready,
    .tx = mini_uart_tx,
    .rx = mini_uart_rx,
    .rx_enable = mini_uart_rx_enable,
    .rx_ack = mini_uart_rx_ack,
};
