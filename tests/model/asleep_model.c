/*
 * tests/model/asleep_model.c - the check for deadlock: sched/asleep.c, sched/inbox.c and sched/runq.c themselves
 * under the checker.
 * sources: sched/asleep.c sched/inbox.c sched/runq.c
 *
 * Each thread is a core: it runs what is in its inbox or ring, steals, naps. A timer of a core ends whenever the
 * checker likes. live counts what is still to come; machine_dead() while it is not zero is a false alarm, and an end
 * with all asleep and nobody declared dead is a deadlock that went unnoticed.
 */
#include <stdio.h>
#include <string.h>

#include "tests/model/checker.h"

#include "sched/runq.h"
#include "sched/watch.h"

#define GS 2

struct core cores[HAL_MAX_CORES];
struct machine machine;

static struct g gs[GS];
static unsigned core_count;   /* of this scenario */
static _Atomic unsigned live; /* Gs that have not come to their end */
static _Atomic bool dead;     /* said so */

/* What a G does when it runs: sleeps so often, then goes to the core next, then ends. */
static struct script {
    unsigned sleeps;
    int next; /* -1: nowhere */
} script[GS];

static struct alarm_slot a_sleeper = {.alarm = &gs[0].alarm}; /* what is in a heap: a G of the program */
static struct g *sleeper[HAL_MAX_CORES]; /* whom a core's timer wakes; guarded by its heap's lock */

/* ---- what the sources call ------------------------------------------------------------------------------- */

unsigned gs_alive(void) {
    return 1;
}

struct core *hal_core(void) {
    return &cores[model_me()];
}

unsigned hal_core_count(void) {
    return core_count;
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

void kick(unsigned core) {
    model_ring(core);
}

_Noreturn void go_fatal(const char *file, int line, const char *format, ...) {
    (void)file;
    (void)line;
    model_fail(format);
    for (;;) {
    }
}

_Noreturn void machine_dead(const char *text) {
    (void)text;
    if (live != 0) {
        model_fail("declared dead while a goroutine lives");
    }
    dead = true;
    for (;;) {
        model_wait_ring();
    }
}

void watch_step(int64_t now) {
    (void)now;
}

void watch_asleep(int64_t now, int64_t until) {
    (void)now;
    (void)until;
}

void irq_falls_asleep(struct core *c) {
    (void)c;
}

_Atomic unsigned irq_roams_at = HAL_MAX_CORES;

void irq_hand_on(struct core *c) {
    (void)c;
}

int64_t hal_now(void) {
    return 0;
}

/* As sched_timer() and alarms_expire() do. */
static void timer_comes(struct core *c) {
    nap_over(c);
    spin_lock_masked(&c->alarms.lock);
    struct g *g = sleeper[c->hal.index];
    c->alarms.n = 0;
    spin_unlock_masked(&c->alarms.lock);
    inbox_put(g->pin == ANY_CORE ? c : &cores[g->pin], g);
}

void hal_idle(void) {
    struct core *c = hal_core();
    if (c->alarms.n != 0 && model_choose(1 + model_rung(c->hal.index)) == 0) {
        timer_comes(c);
        return;
    }
    model_wait_ring();
    nap_over(c); /* as sched_ipi() does */
}

/* ---- cores ----------------------------------------------------------------------------------------------- */

static void sleeps_on(struct core *c, struct g *g) {
    spin_lock_masked(&c->alarms.lock);
    sleeper[c->hal.index] = g;
    c->alarms.n = 1;
    spin_unlock_masked(&c->alarms.lock);
}

static void runs_on(struct core *c, struct g *g) {
    struct script *s = &script[g - gs];
    if (s->sleeps != 0) {
        s->sleeps--;
        sleeps_on(c, g);
    } else if (s->next >= 0) {
        struct core *to = &cores[s->next];
        s->next = -1;
        inbox_put(to, g);
    } else {
        live--;
    }
}

static struct g *steals(struct core *c) {
    unsigned taken;
    for (unsigned i = 0; i < core_count; i++) {
        struct g *g = &cores[i] != c ? runq_steal(&c->runq, &cores[i].runq, &taken) : NULL;
        if (g != NULL) {
            return g;
        }
    }
    return NULL;
}

static void core_runs(unsigned me) {
    struct core *c = &cores[me];
    for (;;) {
        struct gqueue q = inbox_take(c);
        for (struct g *in = gqueue_pop(&q); in != NULL; in = gqueue_pop(&q)) {
            runq_put(&c->runq, in);
        }
        struct g *g = runq_get(&c->runq);
        if (g == NULL) {
            g = steals(c);
        }
        if (g != NULL) {
            runs_on(c, g);
        } else {
            nap(c);
        }
    }
}

/* A G on its ring, another core called to take it; whoever is faster. */
static void core_calls(unsigned me) {
    runq_put(&cores[me].runq, &gs[0]);
    model_ring(1);
    core_runs(me);
}

/* ---- scenarios ------------------------------------------------------------------------------------------- */

static void begin_with(unsigned n, void (*core_0)(unsigned me)) {
    memset(cores, 0, sizeof cores);
    memset(&machine, 0, sizeof machine);
    memset(gs, 0, sizeof gs);
    memset(sleeper, 0, sizeof sleeper);
    core_count = n;
    live = 0;
    dead = false;
    for (unsigned i = 0; i < n; i++) {
        cores[i].hal.index = i;
        cores[i].alarms.slots = &a_sleeper;
        model_watch(&cores[i].naps);
        model_watch(&cores[i].inbox);
        model_watch(&cores[i].alarms.lock);
        model_thread(i == 0 ? core_0 : core_runs, i);
    }
}

static void begin(unsigned n) {
    begin_with(n, core_runs);
}

static struct g *new_g(unsigned i, uint8_t pin, unsigned sleeps, int next) {
    gs[i].pin = pin;
    script[i] = (struct script){.sleeps = sleeps, .next = next};
    live++;
    return &gs[i];
}

static void has_sleeper(unsigned core, struct g *g) {
    sleeper[core] = g;
    cores[core].alarms.n = 1;
}

static void nothing(void) {
    begin(2);
}

static void one_sleeper(void) {
    begin(2);
    has_sleeper(1, new_g(0, ANY_CORE, 0, -1));
}

static void sleeper_elsewhere(void) {
    begin(2);
    has_sleeper(1, new_g(0, 0, 0, -1));
}

static void sleeps_again(void) {
    begin(2);
    has_sleeper(1, new_g(0, ANY_CORE, 1, -1));
}

static void to_the_third(void) {
    begin(3);
    has_sleeper(1, new_g(0, ANY_CORE, 0, 2));
}

static void two_sleepers(void) {
    begin(2);
    has_sleeper(0, new_g(0, ANY_CORE, 0, 1));
    has_sleeper(1, new_g(1, ANY_CORE, 0, 0));
}

static void stolen(void) {
    begin_with(2, core_calls);
    model_watch(&cores[0].runq.tail);
    model_watch(&cores[0].runq.head);
    new_g(0, ANY_CORE, 0, -1);
}

static void check(void) {
    if (live != 0) {
        model_fail("all sleep although a goroutine lives");
    }
    if (!dead) {
        model_fail("a deadlock went unnoticed");
    }
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"nobody lives", nothing, check, 4, 4},
        {"a sleeper", one_sleeper, check, 3, 3},
        {"a sleeper of another core", sleeper_elsewhere, check, 3, 3},
        {"one that sleeps twice", sleeps_again, check, 3, 3},
        {"one that goes to a third core", to_the_third, check, 2, 2},
        {"two sleepers that cross", two_sleepers, check, 3, 1},
        {"one that is stolen", stolen, check, 3, 2},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
