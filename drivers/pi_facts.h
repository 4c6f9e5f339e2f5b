/* drivers/pi_facts.h - what a Raspberry Pi knows of itself, by its firmware and its reset registers. Polled, one caller
 * at a time. */
#pragma once

#include "hal/board.h"

/* The i-th fact, which is not there if out->name is NULL: this firmware does not answer. False: there are no more. base
 * is the mailbox block's and the power management block's. */
bool pi_facts_get(uintptr_t mailbox, uintptr_t pm, unsigned i, struct board_fact *out);
