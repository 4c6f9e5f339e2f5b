/*
 * boards/rpi3/board.c - Raspberry Pi 3B, 3B+, 3A+, Zero 2 W: BCM2837 or RP3A0, four Cortex-A53.
 *
 * Addresses: drivers/pi_soc.h, moved to 0x3f000000; QA7 for the local block at 0x40000000. Lines: BCM2835 ARM Peripherals,
 * chapter 7.
 */
#include "drivers/bcm2835_rng.h"
#include "drivers/bcm2836.h"
#include "drivers/mini_uart.h"
#include "drivers/pi_gpio.h"
#include "drivers/pi_soc.h"
#include "drivers/pl011.h"

#define PERIPHERALS 0x3f000000u
#define LOCAL       0x40000000u

static struct uart pl011 = {&pl011_ops, PERIPHERALS + PI_PL011, .clock = 48000000, .line = 57};
static const struct uart mini_uart = {&mini_uart_ops, PERIPHERALS + PI_AUX, .clock = 250000000,
                                      .line = 29};

static const struct gpio gpio = {&pi_gpio_ops, PERIPHERALS + PI_GPIO, .pins = 28,
                                 .taken = 1u << 14 | 1u << 15, .line = 49};

static const struct rng rng = {.ops = &bcm2835_rng_ops, .base = PERIPHERALS + PI_RNG};

static const struct intc intc = {
    &bcm2836_ops, {LOCAL, PERIPHERALS + PI_IC}, BCM2836_TIMER_LINE, BCM2836_IPI_LINE, .gic = 0};
static const struct intc *const intcs[] = {&intc, NULL};

const struct pi_soc pi_soc = {PERIPHERALS, &pl011, .systimer_line = 1};

const struct board board = {
    .name = "Raspberry Pi 3",
    .max_cores = 4,
    .core_ids = {0, 1, 2, 3},
    .console = CONFIG_PI_MINI_UART ? &mini_uart : &pl011,
    .gpio = &gpio,
    .rng = &rng,
    .intc = intcs,
    .devices = {{PERIPHERALS, 0x01000000}, {LOCAL, 0x00200000}},
    .ram = {0, 0x1c000000}, /* 512 MB less 64 for the GPU */
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
