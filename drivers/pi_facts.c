/*
 * drivers/pi_facts.c - what a Raspberry Pi knows of itself.
 *
 * Source of the tags: raspberrypi/firmware wiki, "Mailbox property interface"; throttling, and a clock as it is
 * measured, not as it was set: Linux, include/soc/bcm2835/raspberrypi-firmware.h, and Raspberry Pi's documentation of
 * `vcgencmd get_throttled`. What the last reset was: no document of the vendor; see pi_pm.c.
 */
#include "drivers/pi_facts.h"

#include "drivers/pi_mailbox.h"
#include "drivers/pi_pm.h"
#include "drivers/pi_systimer.h"
#include "drivers/pl011.h"

#define TAG_FIRMWARE 0x00000001u

static const struct {
    const char *name;
    const char *unit;
    uint32_t tag;
    uint32_t what;  /* the tag's first value: which clock, which sensor */
    uint8_t values; /* words of the tag; its answer stands in the last of them, or in all */
    bool wide;      /* in both: 64 bits */
} facts[] = {
    {"firmware", "date", TAG_FIRMWARE, 0, 1, false},
    {"board revision", "hex", 0x00010002, 0, 1, false},
    {"serial number", "hex", 0x00010004, 0, 2, true},
    {"RAM of the cores", "bytes", 0x00010005, 0, 2, false},
    {"RAM of the GPU", "bytes", 0x00010006, 0, 2, false},
    {"clock of the cores", "Hz", 0x00030002, PI_CLOCK_ARM, 2, false},
    {"measured", "Hz", 0x00030047, PI_CLOCK_ARM, 2, false},
    {"its maximum", "Hz", 0x00030004, PI_CLOCK_ARM, 2, false},
    {"clock of the GPU", "Hz", 0x00030002, PI_CLOCK_CORE, 2, false},
    {"clock of the UART", "Hz", 0x00030002, PI_CLOCK_UART, 2, false},
    {"temperature", "millidegrees", 0x00030006, 0, 2, false},
    {"its maximum", "millidegrees", 0x0003000a, 0, 2, false},
    /* Bit 0 too little voltage, 1 slowed down, 2 throttled, 3 near the highest temperature; the same from 16 on: it was
     * so since power-on. */
    {"throttled", "hex", 0x00030046, 0, 1, false},
};
#define FACTS (sizeof facts / sizeof facts[0])

/* QEMU, hw/misc/bcm2835_property.c; a Pi's is the time when it was built. */
#define QEMUS_FIRMWARE 0x548e1u

static bool is_qemu(uintptr_t mailbox) {
    uint32_t firmware = 0;
    return pi_mailbox_tag(mailbox, TAG_FIRMWARE, &firmware, 1) && firmware == QEMUS_FIRMWARE;
}

bool pi_facts_get(const struct pi_facts *at, unsigned i, struct board_fact *out) {
    *out = (struct board_fact){0};
    if (i == FACTS) {
        *out = (struct board_fact){.name = "last reset", .unit = pi_pm_last_reset(at->pm)};
    } else if (i == FACTS + 1) {
        *out = (struct board_fact){"counter of the cores", pi_systimer_counter_hz(&at->systimer),
                                   "Hz, by the system timer"};
    } else if (i == FACTS + 2) {
        *out = (struct board_fact){"divisor of the PL011", pl011_divisor(at->pl011), "64ths"};
    } else if (i == FACTS + 3 && is_qemu(at->mailbox)) {
        *out = (struct board_fact){.name = "emulator", .unit = "QEMU"};
    }
    if (i >= FACTS) {
        return i <= FACTS + 3;
    }
    uint32_t values[2] = {facts[i].what, 0};
    if (pi_mailbox_tag(at->mailbox, facts[i].tag, values, facts[i].values)) {
        uint32_t last = values[facts[i].values - 1];
        out->name = facts[i].name;
        out->unit = facts[i].unit;
        out->value = facts[i].wide ? (uint64_t)last << 32 | values[0] : last;
    }
    return true;
}
