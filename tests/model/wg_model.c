/*
 * tests/model/wg_model.c - the wait group, whose word counts, says that somebody waits, or who waits alone for one:
 * sched/wg.c on the whole scheduler.
 * sources: sched/wg.c
 * machine: port
 *
 * Who waits goes on when all are done, sees what was written before each, and may give the group's memory away when it
 * is the last; one whose limit is over may, too.
 */
#include <string.h>

#include <bareloom/sync.h>

#include "hal/errno.h"
#include "tests/model/port.h"

static struct wg wg;
static unsigned data[2];       /* plain: written before a done each, read after the wait */
static _Atomic unsigned users; /* who is still to come through */

static void spoil(void) {
    for (size_t i = 0; i < sizeof wg; i++) {
        ((volatile unsigned char *)&wg)[i] = 0xa5; /* no call of memset(), which would not be seen */
    }
}

static void leaves(void) {
    if (atomic_fetch_sub(&users, 1) == 1) {
        spoil();
    }
}

static void writes(void *arg) {
    *(unsigned *)arg = 1;
    wg_done(&wg);
}

static void takes_two_off(void *arg) {
    data[0] = data[1] = 1;
    (void)arg;
    wg_add(&wg, -2);
}

/* It is never zero before the end. */
static void adds_and_writes(void *arg) {
    wg_add(&wg, 1);
    writes(arg);
    wg_done(&wg);
}

static void waits_and_reads(void *arg) {
    (void)arg;
    wg_wait(&wg);
    MODEL_CHECK(data[0] == 1 && data[1] == 1);
    leaves();
}

static void waits_with_limit(void *arg) {
    (void)arg;
    int r = wg_wait_until(&wg, AT(MS(1)));
    MODEL_CHECK(r == -ETIMEDOUT || (r == 0 && data[0] == 1 && data[1] == 1));
    leaves();
}

static void begin(unsigned n, int count, unsigned waiters) {
    memset(&wg, 0, sizeof wg);
    wg.word = 2 * (unsigned)count;
    data[0] = data[1] = 0;
    users = waiters;
    port_begin(n);
    model_watch(&wg.word);
    model_watch(&wg.lock);
}

static void one_waits(void) {
    begin(3, 2, 1);
    port_watch_idle(); /* or whoever is done would sleep before the next one comes, and so be seen by it */
    port_pinned_g(0, waits_and_reads, NULL);
    port_pinned_g(1, writes, &data[0]);
    port_pinned_g(2, writes, &data[1]);
}

static void two_wait(void) {
    begin(2, 2, 2);
    port_pinned_g(0, waits_and_reads, NULL);
    port_pinned_g(0, waits_and_reads, NULL);
    port_pinned_g(1, takes_two_off, NULL);
}

static void one_waits_for_one(void) {
    begin(2, 1, 1);
    data[1] = 1;
    port_pinned_g(0, waits_and_reads, NULL);
    port_pinned_g(1, writes, &data[0]);
}

/* Who comes second makes the one that waits alone, or is on its way to, wait as others do. */
static void two_wait_for_one(void) {
    begin(3, 1, 2);
    data[1] = 1;
    port_pinned_g(0, waits_and_reads, NULL);
    port_pinned_g(1, waits_and_reads, NULL);
    port_pinned_g(2, writes, &data[0]);
}

static void added(void) {
    begin(2, 1, 1);
    data[1] = 1;
    port_pinned_g(0, waits_and_reads, NULL);
    port_pinned_g(1, adds_and_writes, &data[0]);
}

static void limited(void) {
    begin(2, 2, 2);
    port_early_timers(1);
    port_pinned_g(0, waits_with_limit, NULL);
    port_pinned_g(0, waits_and_reads, NULL);
    port_pinned_g(1, takes_two_off, NULL);
}

static void limited_for_one(void) {
    begin(2, 1, 2);
    data[1] = 1;
    port_early_timers(1);
    port_pinned_g(0, waits_and_reads, NULL);
    port_pinned_g(0, waits_with_limit, NULL);
    port_pinned_g(1, writes, &data[0]);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"one waits and frees it, two are done", one_waits, port_check_rest, 2, 0},
        {"two wait, the last one frees it", two_wait, port_check_rest, 3, 1},
        {"one waits for one and frees it", one_waits_for_one, port_check_rest, 3, 1},
        {"two wait for one, the last one frees it", two_wait_for_one, port_check_rest, 1, 1},
        {"one waits, one adds and is done", added, port_check_rest, 3, 1},
        {"one waits, and one with a limit", limited, port_check_rest, 2, 1},
        {"one waits for one, and one with a limit", limited_for_one, port_check_rest, 2, 1},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
