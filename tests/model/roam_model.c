/*
 * tests/model/roam_model.c - the line that roams: sched/irq.c and sched/asleep.c themselves under the checker.
 * sources: sched/irq.c sched/asleep.c sched/runq.c
 *
 * Each thread is a core that naps once, and is woken or not. When all have come that far and one of them sleeps, the line
 * is at a core that sleeps.
 */
#include <string.h>

#include <bareloom/irq.h>

#include "tests/model/checker.h"

#include "sched/runq.h"
#include "sched/watch.h"

#define CORES 3
#define LINE  40

struct core cores[HAL_MAX_CORES];
struct machine machine;

static bool woken[CORES];   /* of this scenario */
static unsigned line_is_at; /* guarded by irq.c's lock */

/* ---- what the sources call ------------------------------------------------------------------------------- */

struct core *hal_core(void) {
    return &cores[model_me()];
}

struct g *hal_self(void) {
    return &hal_core()->g0;
}

unsigned hal_core_count(void) {
    return CORES;
}

hal_irq_t hal_irq_save(void) {
    return true;
}

void hal_irq_restore(hal_irq_t was) {
    (void)was;
}

void hal_relax(void) {
    model_relax();
}

void hal_irq_enable(unsigned line, unsigned core) {
    (void)line;
    line_is_at = core;
}

void hal_irq_disable(unsigned line) {
    (void)line;
}

void must_not_block(const char *what) {
    model_fail(what);
    for (;;) {
    }
}

void go_yield(void) {
    model_relax();
}

unsigned gs_alive(void) {
    return 1;
}

void kick(unsigned core) {
    model_ring(core);
}

_Noreturn void machine_dead(const char *text) {
    must_not_block(text);
}

void watch_step(int64_t now) {
    (void)now;
}

void watch_asleep(int64_t now, int64_t until) {
    (void)now;
    (void)until;
}

int64_t hal_now(void) {
    return 0;
}

void hal_idle(void) {
    if (!woken[hal_core()->hal.index]) {
        model_wait_ring(); /* for ever */
    }
}

/* ---- scenarios ------------------------------------------------------------------------------------------- */

static void never(void *arg) {
    (void)arg;
}

static void naps(unsigned me) {
    nap(&cores[me]);
}

/* Core 0 has the line. */
static void begin(bool first, bool second, bool third) {
    memset(cores, 0, sizeof cores);
    memset(&machine, 0, sizeof machine);
    woken[0] = first;
    woken[1] = second;
    woken[2] = third;
    for (unsigned i = 0; i < CORES; i++) {
        cores[i].hal.index = i;
        model_watch(&cores[i].naps);
        model_thread(naps, i);
    }
    irq_attach(LINE, never, NULL);
    irq_roam(LINE);
}

static void one_wakes(void) {
    begin(true, false, false);
}

static void two_wake(void) {
    begin(true, true, false);
}

static void the_others_wake(void) {
    begin(false, true, true);
}

static void all_wake(void) {
    begin(true, true, true);
}

static void check(void) {
    bool any = false;
    for (unsigned i = 0; i < CORES; i++) {
        any |= !woken[i];
    }
    if (any && woken[line_is_at]) {
        model_fail("the line is at a core that is awake, and another one sleeps");
    }
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"one wakes", one_wakes, check, 3, 2},
        {"two wake", two_wake, check, 3, 2},
        {"all but the first wake", the_others_wake, check, 3, 2},
        {"all wake", all_wake, check, 2, 2},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
