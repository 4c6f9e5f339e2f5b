/* boards/rpi4/disks.c - the SD card. Addresses: drivers/pi_soc.h, in "low peripheral" mode. The expander's pin:
 * Linux, arch/arm/boot/dts/broadcom/bcm2711-rpi-4-b.dts. */
#include "drivers/pi_mailbox.h"
#include "drivers/pi_soc.h"
#include "drivers/sdhci.h"

#define PERIPHERALS 0xfe000000u
#define MAILBOX     (PERIPHERALS + PI_MAILBOX)
#define EMMC        (PERIPHERALS + PI_EMMC)
#define EMMC2       (PERIPHERALS + PI_EMMC2)

#define CARD_AT_1V8 132u /* the expander's pin; low: 3.3 V */

/* The card's power and pins are as the firmware needed them: at EMMC2. But who was before us may have gone on at 1.8 V,
 * and an expander does not know of a reset. QEMU's card is at the older controller, which has the radio's chip on a
 * board; it has no expander. What the pins take to settle, sdhci.c waits. */
static uint32_t prepare_emmc2(void) {
    (void)pi_mailbox_set_pin(MAILBOX, CARD_AT_1V8, false);
    return pi_mailbox_clock(MAILBOX, PI_CLOCK_EMMC2);
}
static uint32_t prepare_emmc(void) {
    return pi_mailbox_clock(MAILBOX, PI_CLOCK_EMMC);
}

static const struct disk emmc2 = {&sdhci_ops, EMMC2, .line = 158, .prepare = prepare_emmc2};
static const struct disk emmc = {&sdhci_ops, EMMC, .line = 158, .prepare = prepare_emmc};
const struct disk *const board_disks[] = {&emmc2, &emmc, NULL};
