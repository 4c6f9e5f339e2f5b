/* tests/libc/test_board.c - a G that asks the board is parked until the answer's interrupt. */
#include <bareloom/info.h>
#include <string.h>

#include "hal/board.h"
#include "tests/test.h"

#define TRIES 20u /* on a loaded computer an interrupt may come too late, and is polled for */

/* Of libc/job.c: app.mk has the linker lead its callers here. */
int __wrap_job_do(void *place, void *job, ns_t limit);
int __real_job_do(void *place, void *job, ns_t limit);

static _Atomic unsigned in_time, too_late;

int __wrap_job_do(void *place, void *job, ns_t limit) {
    int status = __real_job_do(place, job, limit);
    ++*(status == 0 ? &in_time : &too_late);
    return status;
}

static unsigned answers, alarms; /* in time */

static bool notes(const struct board_info *fact, void *arg) {
    (void)arg;
    if (strcmp(fact->name, "clock of the cores") == 0) {
        CHECK(fact->value != 0);
        CHECK(in_time + too_late > 0);
        answers += in_time;
    } else if (strcmp(fact->name, "counter of the cores") == 0) {
        CHECK(fact->value != 0);
        CHECK(in_time + too_late == 1);
        alarms += in_time;
    }
    in_time = too_late = 0;
    return true;
}

/* QEMU's Pi 4 leads the mailbox's interrupt to its GIC, the system timer's not. */
TEST(libc, who_asks_the_board_is_parked) {
    if (board.park == NULL) {
        SKIP("nothing to wait for here");
    }
    bool no_alarms = strcmp(board.name, "Raspberry Pi 4") == 0;
    answers = alarms = 0;
    for (unsigned i = 0; i < TRIES && (answers == 0 || (alarms == 0 && !no_alarms)); i++) {
        in_time = too_late = 0;
        info_board_facts(notes, NULL);
    }
    CHECK(answers > 0);
    CHECK(alarms > 0 || no_alarms);
    CHECK(*board.park == NULL); /* who is no G has nobody to park */
}
