/*
 * drivers/pi_mailbox.c - the property channel of the VideoCore's mailbox.
 *
 * Source of the registers: raspberrypi/firmware wiki, "Accessing mailboxes" and "Mailbox property
 * interface".
 *
 * The firmware reads and writes the message in memory, past our caches: the message has its lines
 * to itself, is cleaned and invalidated before it is handed over (the DSB at the end of that comes
 * before the write of the doorbell), and invalidated again before the answer is read, for a line
 * may have been fetched ahead. No one writes it in between, so the second time there is nothing to
 * clean over the answer. The DMBs: BCM283x peripherals may answer out of order with one another.
 *
 * A G that asks is parked until the mailbox's interrupt, that it is not empty. At boot, and where that does not come in
 * time, the mailbox is polled. Its bit and its line: Linux, drivers/mailbox/bcm2835-mailbox.c and bcm283x.dtsi.
 */
#include "drivers/pi_mailbox.h"

#include "drivers/pi_soc.h"
#include "hal/aarch64/cache.h"
#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define READ         0x00u /* 31:4 address of the message, 3:0 channel */
#define READ_STATUS  0x18u
#define STATUS_EMPTY (1u << 30)
#define CONFIG       0x1cu
#define CONFIG_RAISE (1u << 0) /* the line is high while there is something to read */
#define WRITE        0x20u
#define WRITE_STATUS 0x38u
#define STATUS_FULL  (1u << 31)

#define LINE                                                                                       \
    65u /* interrupt 1 of the ARM's own, behind the BCM283x's controllers and in the BCM2711's GIC alike */

#define CHANNEL_PROPERTY 8u
#define BUS_UNCACHED     0xc0000000u /* RAM as the VideoCore sees it, past its own cache */

#define REQUEST      0u
#define ANSWER_OK    0x80000000u
#define TAG_ANSWERED 0x80000000u /* and the bytes of the answer */

#define TAG_ARM_MEMORY     0x00010005u
#define TAG_CLOCK_RATE     0x00030002u
#define TAG_SET_CLOCK_RATE 0x00038002u
#define TAG_SET_PIN        0x00038041u /* SET_GPIO_STATE; not in the wiki: Linux, as in pi_facts.c */

#define MAX_VALUES 8u
#define POLLS      10000000u /* a second at least; answers come within milliseconds */

/* Message: size, code, then each tag: its number, bytes of values, code, values; then 0. Two lines
 * of its own. */
#define WORDS 32u
static volatile uint32_t message[WORDS] __attribute__((aligned(128)));

static bool wait_clear(uintptr_t status, uint32_t bit) {
    for (unsigned i = 0; i < POLLS; i++) {
        if ((mmio_read32(status) & bit) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the letter has come back; one to somebody else (the loader before us) is dropped. One at a time: a mailbox that never
 * becomes empty must not hold a handler. */
static bool came_back(uintptr_t base, uint32_t letter) {
    return (mmio_read32(base + READ_STATUS) & STATUS_EMPTY) == 0 && mmio_read32(base + READ) == letter;
}

/* The job is a letter that is under way. */
static void pi_mailbox_begin(const struct job_device *d, void *job) {
    (void)job;
    insn_dmb_sy();
    mmio_write32(d->base + CONFIG, CONFIG_RAISE);
    insn_dmb_sy();
}

static enum job_result pi_mailbox_step(const struct job_device *d, void *job) {
    const uint32_t *letter = job;
    insn_dmb_sy();
    bool back = came_back(d->base, *letter);
    if (back) {
        mmio_write32(d->base + CONFIG, 0);
    }
    insn_dmb_sy();
    return back ? JOB_DONE : JOB_BUSY;
}

static void pi_mailbox_abort(const struct job_device *d) {
    insn_dmb_sy();
    mmio_write32(d->base + CONFIG, 0);
    insn_dmb_sy();
}

static const struct job_ops ops = {
    .begin = pi_mailbox_begin, .step = pi_mailbox_step, .abort = pi_mailbox_abort};

/* Whoever has parked may have been interrupted over another peripheral, so a poll begins and ends with a DMB. */
static bool poll(uintptr_t base, uint32_t letter) {
    bool back = false;
    insn_dmb_sy();
    for (unsigned i = 0; i < POLLS && !back; i++) {
        back = came_back(base, letter);
    }
    insn_dmb_sy();
    return back;
}

/* Sends the message and waits for its return. */
static bool exchange(uintptr_t base) {
    const struct job_device mailbox = {&ops, base, .line = LINE};
    uint32_t letter = BUS_UNCACHED | (uint32_t)(uintptr_t)message | CHANNEL_PROPERTY;
    cache_clean_invalidate((const void *)(uintptr_t)message, sizeof(message));
    insn_dmb_sy();
    bool back = wait_clear(base + WRITE_STATUS, STATUS_FULL);
    if (back) {
        mmio_write32(base + WRITE, letter);
    }
    insn_dmb_sy();
    back = back && ((pi_soc_park != NULL && pi_soc_park(&mailbox, &letter)) || poll(base, letter));
    cache_clean_invalidate((const void *)(uintptr_t)message, sizeof(message));
    return back;
}

/* Puts a tag at word `at`; the word behind it. */
static unsigned put_tag(unsigned at, uint32_t tag, const uint32_t *values, unsigned n) {
    message[at] = tag;
    message[at + 1] = n * 4;
    message[at + 2] = REQUEST;
    for (unsigned i = 0; i < n; i++) {
        message[at + 3 + i] = values[i];
    }
    return at + 3 + n;
}

/* The answer to the tag at word `at`. False: there is none, or an empty one, which is QEMU's to a tag that it does not know. */
static bool take_tag(unsigned at, uint32_t *values, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        values[i] = message[at + 3 + i];
    }
    return message[at + 2] > TAG_ANSWERED;
}

/* The tags end before word `end`. */
static bool send(uintptr_t base, unsigned end) {
    message[end] = 0;
    message[0] = (end + 1) * 4;
    message[1] = REQUEST;
    return exchange(base) && message[1] == ANSWER_OK;
}

bool pi_mailbox_tag(uintptr_t base, uint32_t tag, uint32_t *values, unsigned n) {
    return n <= MAX_VALUES && send(base, put_tag(2, tag, values, n)) && take_tag(2, values, n);
}

bool pi_mailbox_tags(uintptr_t base, struct pi_tag *tags, unsigned n) {
    unsigned at = 2;
    for (unsigned i = 0; i < n; i++) {
        if (at + 3 + tags[i].n >= WORDS) {
            return false;
        }
        at = put_tag(at, tags[i].tag, tags[i].values, tags[i].n);
    }
    bool answered = send(base, at);
    at = 2;
    for (unsigned i = 0; answered && i < n; i++) {
        answered = take_tag(at, tags[i].values, tags[i].n);
        at += 3 + tags[i].n;
    }
    return answered;
}

size_t pi_mailbox_arm_memory(uintptr_t base) {
    uint32_t values[2] = {0, 0}; /* base, size */
    return pi_mailbox_tag(base, TAG_ARM_MEMORY, values, 2) && values[0] == 0 ? values[1] : 0;
}

bool pi_mailbox_set_pin(uintptr_t base, uint32_t pin, bool high) {
    uint32_t values[2] = {pin, high};
    return pi_mailbox_tag(base, TAG_SET_PIN, values, 2) && values[0] == 0;
}

bool pi_mailbox_set_uart_clock(uintptr_t base, uint32_t hz) {
    uint32_t values[3] = {PI_CLOCK_UART, hz, 0}; /* clock, rate, do not skip turbo */
    return pi_mailbox_tag(base, TAG_SET_CLOCK_RATE, values, 3);
}

uint32_t pi_mailbox_clock(uintptr_t base, enum pi_clock clock) {
    uint32_t values[2] = {clock, 0};
    return pi_mailbox_tag(base, TAG_CLOCK_RATE, values, 2) ? values[1] : 0;
}
