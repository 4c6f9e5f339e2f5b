/*
 * drivers/imx_uart.c - NXP i.MX UART.
 *
 * Source of the registers: NXP IMX8MPRM (i.MX 8M Plus reference manual), chapter UART.
 *
 * The receive interrupt is a level, up while at least one byte waits: draining is all the
 * acknowledging there is.
 */
#include "drivers/imx_uart.h"

#include "hal/mmio.h"

#define URXD        0x00u /* 7:0 byte, 10 parity error, 11 break, 12 framing error */
#define URXD_BAD    (7u << 10)
#define UTXD        0x40u
#define UCR1        0x80u
#define UCR1_ON     (1u << 0)
#define UCR1_RRDYEN (1u << 9) /* interrupt when UFCR's number of bytes waits */
#define UCR1_OFF    0xb36cu   /* all interrupts, RRDYEN too, and DMA */
#define UCR2        0x84u
#define UCR2_ON     0x4027u /* 0 no reset, 1 receive, 2 transmit, 5 8 bits, 14 ignore RTS */
#define UCR2_OFF    0x8158u /* 3 4 15 interrupts, 6 two stop bits, 8 parity */
#define UCR4        0x8cu
#define UCR4_OFF    0xfu /* interrupts: data ready, overrun, break, transmit complete */
#define UFCR        0x90u
#define UFCR_RXTL   0x3fu
#define USR2        0x98u
#define USR2_RDR    (1u << 0) /* a byte waits */
#define UTS         0xb4u
#define UTS_TXFULL  (1u << 4)

/* Sets and clears bits of a register. */
static void change(uintptr_t reg, uint32_t clear, uint32_t set) {
    mmio_write32(reg, (mmio_read32(reg) & ~clear) | set);
}

static void imx_uart_init(const struct uart *u) {
    change(u->base + UCR1, UCR1_OFF, UCR1_ON);
    change(u->base + UCR2, UCR2_OFF, UCR2_ON);
    change(u->base + UCR4, UCR4_OFF, 0);
    change(u->base + UFCR, UFCR_RXTL, 1);
}

static bool imx_uart_tx_ready(const struct uart *u) {
    return (mmio_read32(u->base + UTS) & UTS_TXFULL) == 0;
}

static void imx_uart_tx(const struct uart *u, uint8_t b) {
    mmio_write32(u->base + UTXD, b);
}

static int imx_uart_rx(const struct uart *u) {
    while ((mmio_read32(u->base + USR2) & USR2_RDR) != 0) {
        uint32_t data = mmio_read32(u->base + URXD);
        if ((data & URXD_BAD) == 0) { /* an open line reads as breaks: no byte */
            return (int)(data & 0xff);
        }
    }
    return -1;
}

static void imx_uart_rx_enable(const struct uart *u) {
    change(u->base + UCR1, 0, UCR1_RRDYEN);
}

static void imx_uart_rx_ack(const struct uart *u) {
    (void)u;
}

const struct uart_ops imx_uart_ops = {
    .init = imx_uart_init,
    .tx_ready = imx_uart_tx_ready,
    .tx = imx_uart_tx,
    .rx = imx_uart_rx,
    .rx_enable = imx_uart_rx_enable,
    .rx_ack = imx_uart_rx_ack,
};
