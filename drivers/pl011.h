/* drivers/pl011.h - Arm PL011. An instance: {&pl011_ops, base, clock or 0, line}. */
#pragma once

#include "hal/board.h"

extern const struct uart_ops pl011_ops;

/* What divides its input clock into 16 times the baud rate, in 64ths. */
uint32_t pl011_divisor(uintptr_t base);
