/* libc/watchdog.c - the board's watchdog, for programs. */
#include <bareloom/time.h>
#include <bareloom/watchdog.h>
#include <errno.h>

#include "hal/board.h"

#define SHORTEST US(16)
#define LONGEST  SEC(15)

int watchdog_start(ns_t limit) {
    if (board.watchdog == NULL) {
        return -ENODEV;
    }
    if (limit < SHORTEST || limit > LONGEST) {
        return -EINVAL;
    }
    board.watchdog((uint64_t)(limit / US(1)));
    return 0;
}

void watchdog_stop(void) {
    if (board.watchdog != NULL) {
        board.watchdog(0);
    }
}
