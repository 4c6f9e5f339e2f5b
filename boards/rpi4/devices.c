/*
 * boards/rpi4/devices.c - SPI, I2C, DMA, PWM, the LED. Addresses: BCM2711 ARM Peripherals, "low peripheral" mode.
 *
 * The DMA channel is 5: a full one, of those that the firmware leaves to us (Linux' device tree has the list).
 */
#include "drivers/pi_dma.h"
#include "drivers/pi_gpio.h"
#include "drivers/pi_i2c.h"
#include "drivers/pi_led.h"
#include "drivers/pi_mailbox.h"
#include "drivers/pi_pwm.h"
#include "drivers/pi_spi.h"
#include "hal/board.h"

#define PERIPHERALS 0xfe000000u
#define SYSTIMER    (PERIPHERALS + 0x003000u)
#define DMA_5       (PERIPHERALS + 0x007500u)
#define MAILBOX     (PERIPHERALS + 0x00b880u)
#define CLOCKS      (PERIPHERALS + 0x101000u)
#define GPIO        (PERIPHERALS + 0x200000u)
#define SPI         (PERIPHERALS + 0x204000u)
#define PWM         (PERIPHERALS + 0x20c000u)
#define I2C         (PERIPHERALS + 0x804000u)

/* Chip selects 1 and 0, data in, data out, clock. */
static uint32_t prepare_spi(void) {
    for (unsigned pin = 7; pin <= 11; pin++) {
        pi_gpio_function(GPIO, pin, PI_GPIO_ALT0);
    }
    return pi_mailbox_clock(MAILBOX, PI_CLOCK_CORE);
}

static uint32_t prepare_i2c(void) {
    pi_gpio_function(GPIO, 2, PI_GPIO_ALT0); /* data; the board pulls both up */
    pi_gpio_function(GPIO, 3, PI_GPIO_ALT0);
    return pi_mailbox_clock(MAILBOX, PI_CLOCK_CORE);
}

static const struct job_device spi = {&pi_spi_ops, SPI, .line = 150, .prepare = prepare_spi};
static const struct job_device i2c = {&pi_i2c_ops, I2C, .line = 149, .prepare = prepare_i2c};
static const struct job_device dma = {&pi_dma_ops, DMA_5, .line = 117};
static const struct pwm pwm = {&pi_pwm_ops, {PWM, CLOCKS, GPIO}, .clock = 54000000};

static void show(unsigned n) {
    static const struct pi_led led = {MAILBOX, GPIO, SYSTIMER};
    pi_led_show(&led, n);
}

const struct board_devices board_devices = {
    .spi = &spi, .i2c = &i2c, .dma = &dma, .pwm = &pwm, .show = show};
