/* hal/host/uart.h - the process's standard input and output as a UART. An instance:
 * {&host_uart_ops, .line = n}; there is one. */
#pragma once

#include "hal/board.h"

extern const struct uart_ops host_uart_ops;

/* Gives the terminal back as it was found. Any context, any number of times. */
void host_uart_restore(void);
