/*
 * boards/rpi4/board.c - Raspberry Pi 4B, 400, Compute Module 4: BCM2711, four Cortex-A72, GIC-400.
 *
 * Addresses: drivers/pi_soc.h, in "low peripheral" mode; the GIC's, and lines: BCM2711 ARM Peripherals, chapter 6. The RAM
 * is what lies below the GPU's, at most the first GiB.
 */
#include "drivers/gicv2.h"
#include "drivers/mini_uart.h"
#include "drivers/pi_gpio.h"
#include "drivers/pi_soc.h"
#include "drivers/pl011.h"
#include "drivers/rng200.h"

#define PERIPHERALS 0xfe000000u
#define GICD        0xff841000u
#define GICC        0xff842000u

#define TIMER_LINE 30u
#define IPI_LINE   1u

static struct uart pl011 = {&pl011_ops, PERIPHERALS + PI_PL011, .clock = 48000000, .line = 153};
static const struct uart mini_uart = {&mini_uart_ops, PERIPHERALS + PI_AUX, .clock = 250000000,
                                      .line = 125};

static const struct gpio gpio = {&pi_gpio_2711_ops, PERIPHERALS + PI_GPIO, .pins = 28,
                                 .taken = 1u << 14 | 1u << 15, .line = 145};

static const struct rng rng = {.ops = &rng200_ops, .base = PERIPHERALS + PI_RNG};

static const struct intc intc = {&gicv2_ops, {GICD, GICC}, TIMER_LINE, IPI_LINE, .gic = 2};
static const struct intc *const intcs[] = {&intc, NULL};

const struct pi_soc pi_soc = {PERIPHERALS, &pl011, .systimer_line = 97};

const struct board board = {
    .name = "Raspberry Pi 4",
    .max_cores = 4,
    .core_ids = {0, 1, 2, 3},
    .console = CONFIG_PI_MINI_UART ? &mini_uart : &pl011,
    .gpio = &gpio,
    .rng = &rng,
    .intc = intcs,
    .devices = {{0xfc000000, 0x04000000}},
    .ram = {0, 0x38000000}, /* 1 GB less 128 MB for the GPU */
    .ram_size = pi_soc_ram_size,
    .early = pi_soc_early,
    .start_core = pi_soc_start_core,
    .power_off = pi_soc_power_off,
    .reset = pi_soc_reset,
    .watchdog = pi_soc_watchdog,
    .fact = pi_soc_fact,
    .screen = pi_soc_screen,
    .park = &pi_soc_park,
};
