/*
 * drivers/pi_gpio.c - pin functions of the BCM283x and BCM2711.
 *
 * Source of the registers: BCM2835 ARM Peripherals, chapter 6; the same in BCM2711 ARM Peripherals,
 * chapter 5.
 *
 * The pulls stay as the firmware set them. The DMBs: BCM283x peripherals may answer out of order
 * with one another.
 */
#include "drivers/pi_gpio.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define GPFSEL(pin)       (4 * ((pin) / 10)) /* ten pins a register, three bits a pin */
#define GPFSEL_SHIFT(pin) (3 * ((pin) % 10))

void pi_gpio_function(uintptr_t base, unsigned pin, enum pi_gpio_function function) {
    insn_dmb_sy();
    uint32_t select = mmio_read32(base + GPFSEL(pin)) & ~(7u << GPFSEL_SHIFT(pin));
    mmio_write32(base + GPFSEL(pin), select | (uint32_t)function << GPFSEL_SHIFT(pin));
    insn_dmb_sy();
}
