/* boards/rpi3/disks.c - the SD card. Addresses: drivers/pi_soc.h, moved to 0x3f000000. */
#include "drivers/pi_gpio.h"
#include "drivers/pi_mailbox.h"
#include "drivers/pi_soc.h"
#include "drivers/sdhci.h"

#define PERIPHERALS 0x3f000000u
#define MAILBOX     (PERIPHERALS + PI_MAILBOX)
#define GPIO        (PERIPHERALS + PI_GPIO)
#define EMMC        (PERIPHERALS + PI_EMMC)

/* The firmware leaves the card with another controller, and this one with the radio's chip. */
static uint32_t prepare_card(void) {
    for (unsigned pin = 34; pin <= 39; pin++) {
        pi_gpio_function(GPIO, pin, PI_GPIO_INPUT);
    }
    for (unsigned pin = 48; pin <= 53; pin++) {
        pi_gpio_function(GPIO, pin, PI_GPIO_ALT3);
    }
    return pi_mailbox_clock(MAILBOX, PI_CLOCK_EMMC);
}

static const struct disk disk = {&sdhci_ops, EMMC, .line = 62, .prepare = prepare_card};
const struct disk *const board_disks[] = {&disk, NULL};
