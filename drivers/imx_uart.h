/* drivers/imx_uart.h - the UART of NXP's i.MX family. An instance: {&imx_uart_ops, base, 0, line};
 * the divisor stays as the boot loader, which prints here first, has set it. */
#pragma once

#include "hal/board.h"

extern const struct uart_ops imx_uart_ops;
