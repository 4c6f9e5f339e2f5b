/*
 * tests/model/idle_model.c - the idle protocol: sched/idle.c and sched/runq.c themselves under the checker.
 * sources: sched/idle.c sched/runq.c
 *
 * Core 0 (and 3) make work and then compute for ever; the others look for work as schedule_search() in
 * sched/schedule.c does, and sleep. Each G that is taken computes for ever too, so a core that got one looks at nothing again. In the
 * end, when nothing can happen any more:
 *   no G is left in a queue while a core sleeps (a lost wake-up),
 *   the idle mask says exactly who sleeps,
 *   and no searcher is counted (a leaked one keeps everybody from being woken, HAZARDS 8).
 */
#include <stdio.h>
#include <string.h>

#include "tests/model/checker.h"

#include "sched/runq.h"

#define CORES 4
#define GS    3

struct core cores[HAL_MAX_CORES];
struct machine machine;

static struct g gs[GS];
static unsigned ran[GS];    /* how often each was taken */
static unsigned core_count; /* of this scenario */
static bool sleeping[CORES];
static unsigned alarms[CORES]; /* how often a timer may end a core's sleep */

/* ---- what idle.c and runq.c call ---------------------------------------------------------------------- */

struct core *hal_core(void) {
    return &cores[model_me()];
}

unsigned hal_core_count(void) {
    return core_count;
}

int64_t hal_now(void) {
    return 0;
}

void arm(struct core *c, int64_t when) {
    c->deadline = when;
}

void hal_relax(void) {
}

void hal_ipi(unsigned core) {
    model_ring(core);
}

/* Sleeps until the interrupt, or a timer that comes at any time. */
void hal_idle(void) {
    unsigned me = model_me();
    if (alarms[me] != 0 && model_choose(2) == 1) {
        alarms[me]--;
        return;
    }
    sleeping[me] = true;
    model_wait_ring();
    sleeping[me] = false;
}

void nap(struct core *c) {
    (void)c;
    hal_idle();
}

hal_irq_t hal_irq_save(void) {
    return true;
}

void hal_irq_restore(hal_irq_t was) {
    (void)was;
}

_Noreturn void go_fatal(const char *file, int line, const char *format, ...) {
    (void)file;
    (void)line;
    model_fail(format);
    for (;;) {
    }
}

/* ---- threads -------------------------------------------------------------------------------------------- */

/* As schedule_search() does: its own queue, a search if it may, else sleep; until it has one. */
static void looks_for_work(unsigned me) {
    struct core *c = &cores[me];
    struct g *g = NULL;
    for (;;) {
        if ((g = runq_get(&c->runq)) != NULL) {
            break;
        }
        if (search_begin(c)) {
            unsigned taken;
            for (unsigned i = 0; i < core_count && g == NULL; i++) {
                g = i != me ? runq_steal(&c->runq, &cores[i].runq, &taken) : NULL;
            }
            if (g != NULL) {
                break;
            }
        }
        idle(c);
    }
    search_end(c, true);
    ran[g - gs]++;
}

static void puts_one(unsigned me) {
    runq_put(&cores[me].runq, &gs[me != 0]);
    wake_one();
}

static void puts_two(unsigned me) {
    runq_put(&cores[me].runq, &gs[0]);
    wake_one();
    runq_put(&cores[me].runq, &gs[1]);
    wake_one();
}

/* ---- scenarios ------------------------------------------------------------------------------------------ */

static void begin(unsigned n) {
    memset(cores, 0, sizeof cores);
    memset(&machine, 0, sizeof machine);
    memset(ran, 0, sizeof ran);
    memset(sleeping, 0, sizeof sleeping);
    memset(alarms, 0, sizeof alarms);
    core_count = n;
    machine.active = n;
    model_watch(&machine.idle_mask);
    model_watch(&machine.searchers);
    for (unsigned i = 0; i < n; i++) {
        cores[i].hal.index = i;
    }
}

/* Only these have a queue that changes: a thief of one G runs it and puts none. */
static void has_queue(unsigned core) {
    model_watch(&cores[core].runq.tail);
    model_watch(&cores[core].runq.head);
}

static void check(unsigned made) {
    unsigned takers = 0, asleep = 0;
    for (unsigned i = 0; i < core_count; i++) {
        asleep |= sleeping[i] ? 1u << i : 0;
    }
    for (unsigned i = 0; i < made; i++) {
        MODEL_CHECK(ran[i] <= 1);
        takers += ran[i];
    }
    if (takers < made && asleep != 0) {
        model_fail("a core sleeps although there is work");
    }
    if (machine.idle_mask != asleep) {
        model_fail("the idle mask does not say who sleeps");
    }
    if (machine.searchers != 0) {
        model_fail("a searcher is counted although nobody searches");
    }
}

static void check_one(void) {
    check(1);
}

static void check_two(void) {
    check(2);
}

static void one_for_one(void) {
    begin(2);
    has_queue(0);
    model_thread(puts_one, 0);
    model_thread(looks_for_work, 1);
}

static void one_with_alarm(void) {
    one_for_one();
    alarms[1] = 1;
}

static void one_for_two(void) {
    begin(3);
    has_queue(0);
    model_thread(puts_one, 0);
    model_thread(looks_for_work, 1);
    model_thread(looks_for_work, 2);
}

static void two_for_two(void) {
    begin(3);
    has_queue(0);
    model_thread(puts_two, 0);
    model_thread(looks_for_work, 1);
    model_thread(looks_for_work, 2);
}

static void two_makers(void) {
    begin(4);
    has_queue(0);
    has_queue(3);
    model_thread(puts_one, 0);
    model_thread(puts_one, 3);
    model_thread(looks_for_work, 1);
    model_thread(looks_for_work, 2);
}

static void two_with_alarm(void) {
    two_for_two();
    alarms[2] = 1;
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"one G, one idle core", one_for_one, check_one, 4, 4},
        {"the same, and a timer", one_with_alarm, check_one, 4, 4},
        {"one G, two idle cores", one_for_two, check_one, 2, 2},
        {"two Gs, two idle cores", two_for_two, check_two, 2, 2},
        {"the same, and a timer", two_with_alarm, check_two, 2, 1},
        {"two cores make one each", two_makers, check_two, 2, 1},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
