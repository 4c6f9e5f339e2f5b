/* tests/devices/mailbox.c - the firmware behind the mailbox, which takes its time, writes to others as well, and sees of
 * memory only what was cleaned. Sources: as drivers/pi_mailbox.c. */
#include "drivers/pi_framebuffer.h"
#include "drivers/pi_mailbox.h"
#include "drivers/pi_soc.h"

#include <string.h>

#include "tests/devices/model.h"

#define WORDS 32

int (*firmware_does)(uint32_t tag, uint32_t *values, unsigned n);

static uint32_t memory[WORDS], *message; /* the message as it is in memory; where the program has it */
static uint32_t config, letter;
static unsigned late; /* how often the mailbox will still be found empty */
static bool under_way, answered, stranger;

/* Before the question it goes to memory, behind the answer it comes from there; between them nothing is cleaned. */
static void clean(const void *p, size_t size) {
    WANT(size == sizeof memory && (uintptr_t)p % 128 == 0 && !under_way);
    message = (uint32_t *)(uintptr_t)p;
    if (answered) {
        memcpy(message, memory, sizeof memory);
    } else {
        memcpy(memory, message, sizeof memory);
    }
    answered = false;
}

static void answer(void) {
    unsigned at = 2;
    WANT(memory[1] == 0 && memory[0] <= sizeof memory);
    while (memory[at] != 0) {
        unsigned n = memory[at + 1] / 4;
        WANT(at + 3 + n < memory[0] / 4 && memory[at + 2] == 0);
        int bytes = firmware_does(memory[at], &memory[at + 3], n);
        memory[at + 2] = bytes >= 0 ? 1u << 31 | (uint32_t)bytes : 0;
        at += 3 + n;
    }
    WANT(memory[0] == (at + 1) * 4);
    memory[1] = 1u << 31;
}

static uint32_t read_(uint32_t offset) {
    switch (offset) {
    case 0x00:
        WANT(under_way && late == 0);
        if (stranger) {
            stranger = false;
            return 0x12345671;
        }
        under_way = false;
        answered = true;
        return letter;
    case 0x18:
        late -= under_way && late != 0;
        return under_way && late == 0 ? 0 : 1u << 30;
    default:
        WANT(offset == 0x38);
        return 0;
    }
}

static void write_(uint32_t offset, uint32_t value) {
    if (offset == 0x1c) {
        WANT(value < 2);
        config = value;
        return;
    }
    WANT(offset == 0x20 && !under_way && value == (0xc0000008u | (uint32_t)(uintptr_t)message));
    letter = value;
    under_way = true;
    answer();
}

const struct model firmware = {"mailbox", FIRMWARE, 0x40, read_, write_, clean};

/* ---- questions ------------------------------------------------------------------------------------------- */

static int knows_clocks(uint32_t tag, uint32_t *values, unsigned n) {
    if (tag == 0x00030002 && n == 2 && values[0] == 3) {
        values[1] = 1500000000;
        return 8;
    }
    return tag == 0x00030047 ? 0 : -1; /* QEMU's answer to what it does not know */
}

static unsigned parked;

static bool park(const struct job_device *d, void *job) {
    parked++;
    WANT(d->line == 65 && under_way);
    d->ops->begin(d, job);
    WANT(config == 1); /* the line will rise */
    if (parked == 2) { /* too late */
        d->ops->abort(d);
        WANT(config == 0);
        return false;
    }
    while (late > 1 || stranger) { /* a letter each time it is called */
        WANT(d->ops->step(d, job) == JOB_BUSY);
    }
    WANT(d->ops->step(d, job) == JOB_DONE && config == 0 && !under_way);
    return true;
}

void firmware_answers(void) {
    uint32_t clock, measured[2] = {3, 0};
    bool known;
    model_use(&firmware);
    firmware_does = knows_clocks;
    late = 3;
    stranger = true;
    CALL(clock = pi_mailbox_clock(FIRMWARE, PI_CLOCK_ARM));
    WANT(clock == 1500000000);
    CALL(clock = pi_mailbox_clock(FIRMWARE, PI_CLOCK_CORE));
    WANT(clock == 0);
    CALL(known = pi_mailbox_tag(FIRMWARE, 0x00030047, measured, 2));
    WANT(!known);
    pi_soc_park = park;
    for (unsigned i = 1; i <= 3; i++) {
        late = 3;
        stranger = i == 3;
        CALL(clock = pi_mailbox_clock(FIRMWARE, PI_CLOCK_ARM));
        WANT(clock == 1500000000 && parked == i);
    }
    pi_soc_park = NULL;
}

/* ---- a picture ------------------------------------------------------------------------------------------- */

static uint32_t order, depth;

static int shows(uint32_t tag, uint32_t *values, unsigned n) {
    switch (tag) {
    case 0x00048003: /* the screen's, the buffer's */
    case 0x00048004:
        WANT(n == 2 && values[0] == 640 && values[1] == 480);
        return 8;
    case 0x00048005:
        WANT(values[0] == 32);
        values[0] = depth;
        return 4;
    case 0x00048006:
        WANT(values[0] == 0); /* blue in the lowest byte */
        values[0] = order;
        return 4;
    case 0x00040001:
        WANT(n == 2 && values[0] == 4096);
        values[0] = 0xfe400000;
        values[1] = 2560 * 480;
        return 8;
    default:
        WANT(tag == 0x00040008);
        values[0] = 2560;
        return 4;
    }
}

void firmware_shows(void) {
    struct board_screen s;
    bool there;
    model_use(&firmware);
    firmware_does = shows;
    depth = 32;
    CALL(there = pi_framebuffer_open(FIRMWARE, 640, 480, &s));
    WANT(there && s.base == 0x3e400000 && s.pitch == 2560);
    order = 1;
    CALL(there = pi_framebuffer_open(FIRMWARE, 640, 480, &s));
    WANT(!there);
    order = 0;
    depth = 16;
    CALL(there = pi_framebuffer_open(FIRMWARE, 640, 480, &s));
    WANT(!there);
}
