/* libc/board.h - the locks that files of libc/ share, since their drivers share what they write. */
#pragma once

#include <bareloom/sync.h>

/* board.fact(), board.screen() and a disk's init() take one caller at a time. */
extern struct mutex board_asked;

/* What a pin is - an input, an output, a bus's, a pulse's - stands in one register with other pins. Who makes it another
 * holds this: gpio.c, pwm.c, a device's prepare(). Behind board_asked. */
extern struct mutex board_pins;
