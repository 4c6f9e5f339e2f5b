/* <bareloom/watchdog.h> - a clock that resets the machine unless the program says in time that it lives: Raspberry
 * Pi. Who looks whether the last reset was one of these: info_board_facts(), "last reset". */
#pragma once

#include <bareloom/base.h>

/* Starts it, or starts it anew: the machine is reset after limit, unless this or watchdog_stop() comes before. 0;
 * -ENODEV: the board has none that we know; -EINVAL: limit is less than 16 us or more than 15 s. Any context. */
int watchdog_start(ns_t limit);

/* Ends it. Any context. */
void watchdog_stop(void);
