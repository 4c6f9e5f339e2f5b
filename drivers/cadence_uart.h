/* drivers/cadence_uart.h - the UART of Zynq and ZynqMP. An instance: {&cadence_uart_ops, base, 0,
 * line}; the divisor stays as the boot loader, which prints here first, has set it. */
#pragma once

#include "hal/board.h"

extern const struct uart_ops cadence_uart_ops;
