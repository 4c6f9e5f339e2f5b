/* boards/rpi4/disks.c - the SD card. Addresses: drivers/pi_soc.h, in "low peripheral" mode. */
#include "drivers/pi_mailbox.h"
#include "drivers/pi_soc.h"
#include "drivers/sdhci.h"

#define PERIPHERALS 0xfe000000u
#define MAILBOX     (PERIPHERALS + PI_MAILBOX)
#define EMMC        (PERIPHERALS + PI_EMMC)
#define EMMC2       (PERIPHERALS + PI_EMMC2)

/* The card's power and pins are as the firmware needed them: at EMMC2. QEMU's card is at the older controller, which
 * has the radio's chip on a board. */
static uint32_t prepare_emmc2(void) {
    return pi_mailbox_clock(MAILBOX, PI_CLOCK_EMMC2);
}
static uint32_t prepare_emmc(void) {
    return pi_mailbox_clock(MAILBOX, PI_CLOCK_EMMC);
}

static const struct disk emmc2 = {&sdhci_ops, EMMC2, .line = 158, .prepare = prepare_emmc2};
static const struct disk emmc = {&sdhci_ops, EMMC, .line = 158, .prepare = prepare_emmc};
const struct disk *const board_disks[] = {&emmc2, &emmc, NULL};
