/* libc/board_info.c - the board's name and command line, for programs: what only boards know and sched may not. */
#include <bareloom/info.h>

#include "hal/board.h"

const char *info_board(void) {
    return board.name;
}

const char *info_args(void) {
    return boot_info.args;
}
