/*
 * drivers/pi_soc.h - what the BCM283x and the BCM2711 have in the same places, counted from where their peripherals begin,
 * and what their boards therefore do in the same way. A board says in pi_soc where that is.
 *
 * Addresses: BCM2835 ARM Peripherals; BCM2711 ARM Peripherals; those of PM and RNG: Linux, arch/arm/boot/dts/broadcom/bcm283x.dtsi.
 */
#pragma once

#include "hal/board.h"

#define PI_SYSTIMER 0x003000u
#define PI_DMA_5    0x007500u
#define PI_IC       0x00b200u
#define PI_MAILBOX  0x00b880u
#define PI_PM       0x100000u
#define PI_CLOCKS   0x101000u
#define PI_RNG      0x104000u
#define PI_GPIO     0x200000u
#define PI_PL011    0x201000u
#define PI_SPI      0x204000u
#define PI_PWM      0x20c000u
#define PI_AUX      0x215000u
#define PI_EMMC     0x300000u
#define PI_EMMC2    0x340000u /* BCM2711 */
#define PI_I2C      0x804000u

/* The console is UART0 (PL011) on GPIO 14 and 15. Set to 1 for the mini-UART on the same pins, and
 * leave the PL011 to Bluetooth; its clock is the core's: the boards' README.md. */
#ifndef CONFIG_PI_MINI_UART
#define CONFIG_PI_MINI_UART 0
#endif

/* The board's. */
struct pi_soc {
    uintptr_t peripherals;
    struct uart *pl011;     /* its clock becomes what the firmware says */
    unsigned systimer_line; /* of its second compare register */
};
extern const struct pi_soc pi_soc;

/* For struct board. */
extern job_park *pi_soc_park;
void pi_soc_early(void);
size_t pi_soc_ram_size(void);
int pi_soc_start_core(unsigned core, uintptr_t entry);
void pi_soc_power_off(int status);
void pi_soc_reset(void);
void pi_soc_watchdog(uint64_t us);
bool pi_soc_fact(unsigned i, struct board_fact *out);
bool pi_soc_screen(unsigned width, unsigned height, struct board_screen *out);

/* For its devices. */
uint32_t pi_soc_prepare_spi(void);
uint32_t pi_soc_prepare_i2c(void);
void pi_soc_show(unsigned n);
