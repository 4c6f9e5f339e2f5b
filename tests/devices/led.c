/* tests/devices/led.c - which LED of which board flashes, and how often. Sources: as drivers/pi_led.c. */
#include "drivers/pi_led.h"

#include "tests/devices/model.h"

#define GPIO     0x200000u
#define SYSTIMER 0x3000u

static const struct pi_led led = {FIRMWARE, GPIO, SYSTIMER};

static uint32_t revision, selects[6], levels[2], state;
static unsigned flashes, firmwares;
static uint64_t changed_at;

static int does(uint32_t tag, uint32_t *values, unsigned n) {
    if (tag == 0x00010002) {
        WANT(n == 1);
        values[0] = revision;
        return revision != 0 ? 4 : -1;
    }
    WANT(tag == 0x00038041 && n == 2 && values[0] == 130 && values[1] < 2);
    firmwares += values[1] != 0 && state == 0;
    state = values[1];
    return 8;
}

static uint32_t read_(uint32_t offset) {
    WANT(offset < sizeof selects);
    return selects[offset / 4];
}

static void write_(uint32_t offset, uint32_t value) {
    if (offset < sizeof selects) {
        selects[offset / 4] = value;
    } else if (offset == 0x1c || offset == 0x20) {
        WANT(value == 1u << 29 || value == 1u << 10);
        flashes++;
        levels[(offset - 0x1c) / 4] |= value;
        changed_at = model_ticks;
    } else {
        WANT(offset == 0x28 || offset == 0x2c);
        WANT(flashes == 0 || model_ticks - changed_at > 80000); /* long enough to be seen */
        levels[(offset - 0x28) / 4] &= ~value;
    }
}

static uint32_t time_(uint32_t offset) {
    WANT(offset == 4);
    return (uint32_t)(model_ticks += 50);
}

static const struct model gpio_model = {"GPIO", GPIO, 0xf4, read_, write_, NULL};
static const struct model time_model = {"system timer", SYSTIMER, 0x1c, time_, write_, NULL};

static void show(uint32_t board, unsigned n) {
    revision = board;
    flashes = firmwares = 0;
    CALL(pi_led_show(&led, n));
}

void boot_led(void) {
    model_use(&gpio_model);
    model_use(&time_model);
    model_use(&firmware);
    firmware_does = does;
    show(0xb03115, 3); /* 4B: GPIO 42 */
    WANT(flashes == 3 && levels[1] == 0 && selects[4] == 1u << 6);
    show(0xa020d3, 5); /* 3B+: GPIO 29 */
    WANT(flashes == 5 && levels[0] == 0 && selects[2] == 1u << 27);
    show(0x902120, 2); /* Zero 2 W: the same, on is low */
    WANT(flashes == 2 && levels[0] == 1u << 29);
    show(0xa02082, 4); /* 3B: the firmware's */
    WANT(flashes == 0 && firmwares == 4 && state == 0);
    show(0xe, 4); /* an old one */
    WANT(flashes == 0 && firmwares == 0);
    show(0, 4); /* no answer */
    WANT(flashes == 0 && firmwares == 0);
}
