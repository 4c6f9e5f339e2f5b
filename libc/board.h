/* libc/board.h - the locks that files of libc/ share, since their drivers share what they write. */
#pragma once

#include <bareloom/sync.h>

/* Around board.fact(), board.screen(), a device's prepare() and a disk's init(): one caller at a time, and the board parks
 * it where it waits for an interrupt. From a G. */
void board_ask(void);
void board_told(void);

/* What a pin is - an input, an output, a bus's, a pulse's - stands in one register with other pins. Who makes it another
 * holds this: gpio.c, pwm.c, a device's prepare(). Behind board_ask(). */
extern struct mutex board_pins;
