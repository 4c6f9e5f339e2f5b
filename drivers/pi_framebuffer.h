/* drivers/pi_framebuffer.h - the picture that a Raspberry Pi shows, which its firmware keeps in the GPU's memory.
 * One caller at a time. */
#pragma once

#include "hal/board.h"

/* Asks for a picture of that size, 32 bits a pixel; the firmware scales it to the screen. False: it gives none.
 * mailbox is the mailbox block's base. */
bool pi_framebuffer_open(uintptr_t mailbox, unsigned width, unsigned height, struct board_screen *out);
