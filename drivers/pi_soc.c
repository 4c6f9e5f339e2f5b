/* drivers/pi_soc.c - what the boards with a BCM283x or BCM2711 do in the same way: which driver does it, and at which pins. */
#include "drivers/pi_soc.h"

#include "drivers/pi_dma.h"
#include "drivers/pi_facts.h"
#include "drivers/pi_framebuffer.h"
#include "drivers/pi_gpio.h"
#include "drivers/pi_led.h"
#include "drivers/pi_mailbox.h"
#include "drivers/pi_pm.h"
#include "drivers/pi_systimer.h"
#include "drivers/semihost.h"
#include "drivers/spin_table.h"
#include "hal/aarch64/cache.h"

#define SPIN_TABLE 0xd8u

static uintptr_t at(uintptr_t block) {
    return pi_soc.peripherals + block;
}

job_park *pi_soc_park;

void pi_soc_early(void) {
    enum pi_gpio_function function = CONFIG_PI_MINI_UART ? PI_GPIO_ALT5 : PI_GPIO_ALT0;
    /* Where the firmware refuses, its init_uart_clock is this by default; whatever it is, it says so. */
    pi_mailbox_set_uart_clock(at(PI_MAILBOX), pi_soc.pl011->clock);
    uint32_t clock = pi_mailbox_clock(at(PI_MAILBOX), PI_CLOCK_UART);
    if (clock != 0) {
        pi_soc.pl011->clock = clock;
    }
    if (!CONFIG_PI_MINI_UART) {
        /* The PL011's other pins, to Bluetooth: its chip must not talk on our receive line. */
        pi_gpio_function(at(PI_GPIO), 32, PI_GPIO_INPUT);
        pi_gpio_function(at(PI_GPIO), 33, PI_GPIO_INPUT);
    }
    pi_gpio_function(at(PI_GPIO), 14, function);
    pi_gpio_function(at(PI_GPIO), 15, function);
}

size_t pi_soc_ram_size(void) {
    return pi_mailbox_arm_memory(at(PI_MAILBOX));
}

int pi_soc_start_core(unsigned core, uintptr_t entry) {
    spin_table_start(SPIN_TABLE, core, entry);
    return 0;
}

void pi_soc_power_off(int status) {
    semihost_exit(status);
    pi_pm_off(at(PI_PM));
}

void pi_soc_reset(void) {
    pi_pm_reset(at(PI_PM));
}

void pi_soc_watchdog(uint64_t us) {
    pi_pm_watchdog(at(PI_PM), us);
}

bool pi_soc_fact(unsigned i, struct board_fact *out) {
    const struct pi_facts blocks = {at(PI_MAILBOX),
                                    at(PI_PM),
                                    at(PI_PL011),
                                    {&pi_systimer_ops, at(PI_SYSTIMER), .line = pi_soc.systimer_line}};
    return pi_facts_get(&blocks, i, out);
}

bool pi_soc_screen(unsigned width, unsigned height, struct board_screen *out) {
    return pi_framebuffer_open(at(PI_MAILBOX), width, height, out);
}

/* Chip selects 1 and 0, data in, data out, clock. */
uint32_t pi_soc_prepare_spi(void) {
    for (unsigned pin = 7; pin <= 11; pin++) {
        pi_gpio_function(at(PI_GPIO), pin, PI_GPIO_ALT0);
    }
    return pi_mailbox_clock(at(PI_MAILBOX), PI_CLOCK_CORE);
}

uint32_t pi_soc_prepare_i2c(void) {
    pi_gpio_function(at(PI_GPIO), 2, PI_GPIO_ALT0); /* data; the board pulls both up */
    pi_gpio_function(at(PI_GPIO), 3, PI_GPIO_ALT0);
    return pi_mailbox_clock(at(PI_MAILBOX), PI_CLOCK_CORE);
}

/* ---- how far the boot has come ------------------------------------------------------------------- */

#define SIDE  64u
#define POLLS 1000000u /* a tenth of a second at least */

/* Of a square: a row of its pixels. The picture lies in memory that is the GPU's and not mapped, so DMA paints it. */
static bool paint_row(uintptr_t to) {
    static uint32_t white[SIDE] __attribute__((aligned(64)));
    const struct job_device dma = {.ops = &pi_dma_ops, .base = at(PI_DMA_5)};
    struct dma_job job = {to, (uintptr_t)white, sizeof white};
    enum job_result result = JOB_BUSY;
    for (unsigned i = 0; i < SIDE; i++) {
        white[i] = 0xffffff;
    }
    cache_clean_invalidate(white, sizeof white);
    dma.ops->begin(&dma, &job);
    for (unsigned i = 0; i < POLLS && result == JOB_BUSY; i++) {
        result = dma.ops->step(&dma, &job);
    }
    if (result == JOB_BUSY) {
        dma.ops->abort(&dma);
    }
    return result == JOB_DONE;
}

/* n squares, side by side. */
static void paint(unsigned n) {
    static struct board_screen screen;
    static bool asked, there; /* once: a refusal stays one, and may take its time */
    there = asked ? there : pi_soc_screen(640, 480, &screen);
    asked = true;
    if (!there) {
        return;
    }
    for (unsigned i = 0; i < n * SIDE; i++) {
        uintptr_t square = screen.base + sizeof(uint32_t) * (SIDE / 2 + i / SIDE * (SIDE + SIDE / 2));
        if (!paint_row(square + (SIDE / 2 + i % SIDE) * screen.pitch)) {
            return;
        }
    }
}

void pi_soc_show(unsigned n) {
    paint(n);
    const struct pi_led led = {at(PI_MAILBOX), at(PI_GPIO), at(PI_SYSTIMER)};
    pi_led_show(&led, n);
}
