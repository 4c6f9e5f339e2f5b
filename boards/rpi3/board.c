/*
 * boards/rpi3/board.c - Raspberry Pi 3B, 3B+, 3A+, Zero 2 W: BCM2837 or RP3A0, four Cortex-A53.
 *
 * Addresses: BCM2835 ARM Peripherals, moved to 0x3f000000; QA7 for the local block at 0x40000000.
 */
#include "hal/board.h"
#include "drivers/bcm2835_rng.h"
#include "drivers/bcm2836.h"
#include "drivers/mini_uart.h"
#include "drivers/pi_facts.h"
#include "drivers/pi_framebuffer.h"
#include "drivers/pi_gpio.h"
#include "drivers/pi_mailbox.h"
#include "drivers/pi_pm.h"
#include "drivers/pl011.h"
#include "drivers/semihost.h"
#include "drivers/spin_table.h"

#define PERIPHERALS 0x3f000000u
#define IC          (PERIPHERALS + 0x00b200u)
#define SYSTIMER    (PERIPHERALS + 0x003000u)
#define MAILBOX     (PERIPHERALS + 0x00b880u)
#define PM          (PERIPHERALS + 0x100000u)
#define RNG         (PERIPHERALS + 0x104000u)
#define GPIO        (PERIPHERALS + 0x200000u)
#define PL011       (PERIPHERALS + 0x201000u)
#define AUX         (PERIPHERALS + 0x215000u)
#define LOCAL       0x40000000u
#define SPIN_TABLE  0xd8u

/* The console is UART0 (PL011) on GPIO 14 and 15. Set to 1 for the mini-UART on the same pins, and
 * leave the PL011 to Bluetooth; its clock is the core's: README.md. */
#ifndef CONFIG_PI_MINI_UART
#define CONFIG_PI_MINI_UART 0
#endif

static struct uart pl011 = {&pl011_ops, PL011, .clock = 48000000, .line = 57};
static const struct uart mini_uart = {&mini_uart_ops, AUX, .clock = 250000000, .line = 29};

static const struct gpio gpio = {&pi_gpio_ops, GPIO, .pins = 28, .taken = 1u << 14 | 1u << 15,
                                 .line = 49};

static const struct rng rng = {.ops = &bcm2835_rng_ops, .base = RNG};

static const struct intc intc = {
    &bcm2836_ops, {LOCAL, IC}, BCM2836_TIMER_LINE, BCM2836_IPI_LINE, .gic = 0};
static const struct intc *const intcs[] = {&intc, NULL};

static void early(void) {
    enum pi_gpio_function function = CONFIG_PI_MINI_UART ? PI_GPIO_ALT5 : PI_GPIO_ALT0;
    /* Where the firmware refuses, its init_uart_clock is this by default; whatever it is, it says so. */
    pi_mailbox_set_uart_clock(MAILBOX, pl011.clock);
    uint32_t clock = pi_mailbox_clock(MAILBOX, PI_CLOCK_UART);
    pl011.clock = clock != 0 ? clock : pl011.clock;
    if (!CONFIG_PI_MINI_UART) {
        /* The PL011's other pins, to Bluetooth: its chip must not talk on our receive line. */
        pi_gpio_function(GPIO, 32, PI_GPIO_INPUT);
        pi_gpio_function(GPIO, 33, PI_GPIO_INPUT);
    }
    pi_gpio_function(GPIO, 14, function);
    pi_gpio_function(GPIO, 15, function);
}

static size_t ram_size(void) {
    return pi_mailbox_arm_memory(MAILBOX);
}

static int start_core(unsigned core, uintptr_t entry) {
    spin_table_start(SPIN_TABLE, core, entry);
    return 0;
}

static void power_off(int status) {
    semihost_exit(status);
    pi_pm_off(PM);
}

static void reset(void) {
    pi_pm_reset(PM);
}

static void watchdog(uint64_t us) {
    pi_pm_watchdog(PM, us);
}

static bool fact(unsigned i, struct board_fact *out) {
    static const struct pi_facts at = {MAILBOX, PM, SYSTIMER, PL011};
    return pi_facts_get(&at, i, out);
}

static bool screen(unsigned width, unsigned height, struct board_screen *out) {
    return pi_framebuffer_open(MAILBOX, width, height, out);
}

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
    .ram_size = ram_size,
    .early = early,
    .start_core = start_core,
    .power_off = power_off,
    .reset = reset,
    .watchdog = watchdog,
    .fact = fact,
    .screen = screen,
};
