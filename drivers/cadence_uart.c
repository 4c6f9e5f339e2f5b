/*
 * drivers/cadence_uart.c - Cadence UART, as in Zynq UltraScale+.
 *
 * Source of the registers: Xilinx UG1085 (Zynq UltraScale+ technical reference manual), chapter 21,
 * and UG1087, module UART.
 *
 * The interrupt status is sticky and its receive bit is set for as long as a byte waits. rx_ack()
 * clears it before the drain, so that a byte which comes after the FIFO was seen empty sets it
 * anew. What waits already sets it again at once: one more interrupt, which finds nothing, follows
 * each batch. The other order would lose the byte that comes between.
 */
#include "drivers/cadence_uart.h"

#include "hal/mmio.h"

#define CR         0x00u
#define CR_RESET   (1u << 0 | 1u << 1) /* receiver, transmitter; clears itself */
#define CR_ON      (1u << 2 | 1u << 4)
#define MR         0x04u
#define MR_8N1     (4u << 3)
#define IER        0x08u /* write one: interrupt on */
#define IDR        0x0cu /* write one: off */
#define ISR        0x14u /* write one: clear */
#define INT_ALL    0x1fffu
#define INT_RX     (1u << 0) /* RXWM bytes wait */
#define RXWM       0x20u
#define SR         0x2cu
#define SR_RXEMPTY (1u << 1)
#define SR_TXEMPTY (1u << 3)
#define SR_TXFULL  (1u << 4)
#define FIFO       0x30u

#define POLLS                                                                                      \
    1000000u /* the FIFO's 64 bytes are gone in 6 ms; an access takes nanoseconds at least */

static void cadence_uart_init(const struct uart *u) {
    for (unsigned i = 0; i < POLLS && (mmio_read32(u->base + SR) & SR_TXEMPTY) == 0; i++) {
    }
    mmio_write32(u->base + IDR, INT_ALL);
    mmio_write32(u->base + CR, CR_RESET);
    for (unsigned i = 0; i < POLLS && (mmio_read32(u->base + CR) & CR_RESET) != 0; i++) {
    }
    mmio_write32(u->base + MR, MR_8N1);
    mmio_write32(u->base + RXWM, 1);
    mmio_write32(u->base + CR, CR_ON);
    mmio_write32(u->base + ISR, INT_ALL);
}

static bool cadence_uart_tx_ready(const struct uart *u) {
    return (mmio_read32(u->base + SR) & SR_TXFULL) == 0;
}

static void cadence_uart_tx(const struct uart *u, uint8_t b) {
    mmio_write32(u->base + FIFO, b);
}

static int cadence_uart_rx(const struct uart *u) {
    if ((mmio_read32(u->base + SR) & SR_RXEMPTY) != 0) {
        return -1;
    }
    return (int)(mmio_read32(u->base + FIFO) & 0xff);
}

static void cadence_uart_rx_enable(const struct uart *u) {
    mmio_write32(u->base + ISR, INT_RX);
    mmio_write32(u->base + IER, INT_RX);
}

static void cadence_uart_rx_ack(const struct uart *u) {
    mmio_write32(u->base + ISR, INT_RX);
}

const struct uart_ops cadence_uart_ops = {
    .init = cadence_uart_init,
    .tx_ready = cadence_uart_tx_ready,
    .tx = cadence_uart_tx,
    .rx = cadence_uart_rx,
    .rx_enable = cadence_uart_rx_enable,
    .rx_ack = cadence_uart_rx_ack,
};
