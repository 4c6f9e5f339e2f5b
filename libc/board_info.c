/* libc/board_info.c - what only boards know and sched may not, for programs: its name, command line, facts. */
#include <bareloom/info.h>

#include "hal/board.h"
#include "libc/board.h"
#include "libc/job.h"

const char *info_board(void) {
    return board.name;
}

const char *info_args(void) {
    return boot_info.args;
}

struct mutex board_pins;

/* ---- asking ---------------------------------------------------------------------------------- */

#define PATIENCE MS(100) /* then the board polls */

static struct mutex asked;

static bool park(const struct job_device *d, void *job) {
    static struct job_place place; /* under asked */
    bool done = job_begin(&place, d) == 0 && job_do(&place, job, PATIENCE) == 0;
    job_end(&place);
    return done;
}

void board_ask(void) {
    mutex_lock(&asked);
    if (board.park != NULL) {
        *board.park = park;
    }
}

void board_told(void) {
    if (board.park != NULL) {
        *board.park = NULL;
    }
    mutex_unlock(&asked);
}

void info_board_facts(bool (*fn)(const struct board_info *fact, void *arg), void *arg) {
    struct board_fact f;
    bool more = board.fact != NULL;
    for (unsigned i = 0; more; i++) {
        board_ask();
        more = board.fact(i, &f);
        board_told();
        if (more && f.name != NULL) {
            more = fn(&(struct board_info){f.name, f.value, f.unit}, arg);
        }
    }
}
