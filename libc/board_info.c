/* libc/board_info.c - what only boards know and sched may not, for programs: its name, command line, facts. */
#include <bareloom/info.h>

#include "hal/board.h"
#include "libc/board.h"

const char *info_board(void) {
    return board.name;
}

const char *info_args(void) {
    return boot_info.args;
}

struct mutex board_asked, board_pins;

void info_board_facts(bool (*fn)(const struct board_info *fact, void *arg), void *arg) {
    struct board_fact f;
    bool more = board.fact != NULL;
    for (unsigned i = 0; more; i++) {
        mutex_lock(&board_asked);
        more = board.fact(i, &f);
        mutex_unlock(&board_asked);
        if (more && f.name != NULL) {
            more = fn(&(struct board_info){f.name, f.value, f.unit}, arg);
        }
    }
}
