/* drivers/pi_facts.h - what a Raspberry Pi knows of itself, by its firmware and its reset registers. One caller at a time. */
#pragma once

#include "hal/board.h"

struct pi_facts {
    uintptr_t mailbox, pm, pl011; /* where these blocks are */
    struct job_device systimer;
};

/* The i-th fact, which is not there if out->name is NULL: this firmware does not answer. False: there are no more. */
bool pi_facts_get(const struct pi_facts *at, unsigned i, struct board_fact *out);
