/* drivers/mini_uart.h - the mini-UART of the BCM283x and BCM2711. An instance: {&mini_uart_ops,
 * base of the auxiliary block, core clock, line of the auxiliary block}. */
#pragma once

#include "hal/board.h"

extern const struct uart_ops mini_uart_ops;
