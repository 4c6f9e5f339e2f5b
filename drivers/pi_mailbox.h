/* drivers/pi_mailbox.h - questions to the VideoCore's firmware on a Raspberry Pi. One caller at
 * a time: the boot core, which polls, then a G behind board_ask() (libc/board.h), which is parked (pi_soc_park). base is the mailbox
 * block's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One property tag with n words of values, at most 8: sent, and overwritten by the answer. False
 * when the firmware does not answer or does not know the tag. */
bool pi_mailbox_tag(uintptr_t base, uint32_t tag, uint32_t *values, unsigned n);

/* Several tags in one message, which the firmware carries out as one, and what it answered. False when one of them
 * was not answered, or the message would be longer than 32 words: a tag takes three and its values. */
struct pi_tag {
    uint32_t tag;
    unsigned n; /* of values, as far as they are used */
    uint32_t values[2];
};
bool pi_mailbox_tags(uintptr_t base, struct pi_tag *tags, unsigned n);

/* Bytes of RAM from address 0 that are the ARM's; 0 if unknown. The GPU's memory lies above. */
size_t pi_mailbox_arm_memory(uintptr_t base);

/* One of the pins that the firmware has on an expander, from 128 on: false, too, where it has none. */
bool pi_mailbox_set_pin(uintptr_t base, uint32_t pin, bool high);

/* Sets the input clock of the PL011. */
bool pi_mailbox_set_uart_clock(uintptr_t base, uint32_t hz);

enum pi_clock {
    PI_CLOCK_EMMC = 1,
    PI_CLOCK_UART = 2,
    PI_CLOCK_ARM = 3,
    PI_CLOCK_CORE = 4,
    PI_CLOCK_EMMC2 = 12
};

/* What the clock runs at, in Hz; 0 if unknown. */
uint32_t pi_mailbox_clock(uintptr_t base, enum pi_clock clock);
