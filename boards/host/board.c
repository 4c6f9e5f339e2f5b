/* boards/host/board.c - this computer: a Linux process, its cores are threads (hal/host). */
#include "hal/board.h"
#include "hal/host/gpio.h"
#include "hal/host/rng.h"
#include "hal/host/uart.h"

static const struct uart console = {&host_uart_ops, .line = 1};
static const struct gpio pins = {&host_gpio_ops, 0, .pins = 8, .line = 2};
static const struct rng rng = {.ops = &host_rng_ops};

/* RAM, cores and power are hal/host's own. */
const struct board board = {
    .name = "host",
    .max_cores = 8,
    .console = &console,
    .gpio = &pins,
    .rng = &rng,
};

const struct board_devices board_devices = {0};
