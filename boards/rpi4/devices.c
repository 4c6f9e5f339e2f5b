/*
 * boards/rpi4/devices.c - SPI, I2C, DMA, PWM, the LED. Addresses: drivers/pi_soc.h, in "low peripheral" mode.
 *
 * The DMA channel is 5: a full one, of those that the firmware leaves to us (Linux' device tree has the list).
 */
#include "drivers/pi_dma.h"
#include "drivers/pi_i2c.h"
#include "drivers/pi_pwm.h"
#include "drivers/pi_soc.h"
#include "drivers/pi_spi.h"

#define PERIPHERALS 0xfe000000u

static const struct job_device spi = {&pi_spi_ops, PERIPHERALS + PI_SPI, .line = 150,
                                      .prepare = pi_soc_prepare_spi};
static const struct job_device i2c = {&pi_i2c_ops, PERIPHERALS + PI_I2C, .line = 149,
                                      .prepare = pi_soc_prepare_i2c};
static const struct job_device dma = {&pi_dma_ops, PERIPHERALS + PI_DMA_5, .line = 117};
static const struct pwm pwm = {&pi_pwm_ops,
                               {PERIPHERALS + PI_PWM, PERIPHERALS + PI_CLOCKS, PERIPHERALS + PI_GPIO},
                               .clock = 54000000};

const struct board_devices board_devices = {
    .spi = &spi, .i2c = &i2c, .dma = &dma, .pwm = &pwm, .show = pi_soc_show};
