/* drivers/pl011.h - Arm PL011. An instance: {&pl011_ops, base, clock or 0, line}. */
#pragma once

#include "hal/board.h"

extern const struct uart_ops pl011_ops;
