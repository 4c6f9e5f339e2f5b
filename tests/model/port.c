/*
 * tests/model/port.c - see port.h.
 * sources: sched/schedule.c sched/gmp.c sched/runq.c sched/inbox.c sched/idle.c sched/asleep.c sched/preempt.c
 * sources: sched/alarm.c sched/wait.c sched/cores.c sched/affinity.c
 *
 * Compiled without calls for its accesses: what it does is no part of any race, but
 * for the saved stack pointer, which it reports itself.
 */
#include "tests/model/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/host/machine.h"
#include "sched/alarm.h"
#include "sched/ctx.h"
#include "sched/mem.h"
#include "sched/pages.h"
#include "sched/runq.h"
#include "sched/sim.h"
#include "sched/stack.h"

#define CORES  3
#define GS     8
#define STACK  32768
#define TIMERS 8
#define FRAMES 4

struct model_g {
    struct g g;
    void (*fn)(void *);
    void *arg;
    bool ended;
    bool on_stack; /* some core is on it */
    char *stack;
};

static struct model_g gs[GS];
static unsigned g_count;

static struct port {
    struct g *self;
    bool masked;
    int64_t timer_at;
    bool timer_due; /* everybody was at rest, and it came */
    unsigned device_left;
    bool device_due, ipi_due; /* the same of these */
    bool sleeps;
    struct alarm_slot slots[TIMERS];
    char frames[FRAMES][HAL_FRAME_SIZE] __attribute__((aligned(64)));
} ports[CORES];
static unsigned core_count, early_timers;
static int64_t clock_now;
static struct g nobody;
static bool running; /* not in init any more */
static char memory[4096] __attribute__((aligned(16)));
static size_t memory_used;
static void (*device_handler)(void);

static struct port *here(void) {
    return &ports[model_me()];
}

/* ---- leaving and entering ----------------------------------------------------------------------- */

struct leaving {
    struct g *g;
    hal_then *then;
    void *arg;
};

static struct model_g *of(struct g *g) {
    return (struct model_g *)g;
}

/* On the core stack. */
static void left(void *arg) {
    struct leaving l = *(struct leaving *)arg;
    here()->self = &cores[model_me()].g0;
    of(l.g)->on_stack = false;
    hal_enter(l.then(l.g, l.arg));
}

void hal_park(struct g *g, hal_then *then, void *arg) {
    struct leaving l = {.g = g, .then = then, .arg = arg};
    MODEL_CHECK(g == here()->self && here()->masked);
    model_plain(&g->hal.sp, sizeof g->hal.sp, true);
    host_switch_out(&g->hal.sp, model_stack_top(), left, &l);
    hal_irq_unmask();
}

_Noreturn void hal_leave(struct g *g, hal_then *then, void *arg) {
    hal_park(g, then, arg);
    model_fail("hal_leave: a G that had ended was entered");
    abort();
}

static void becomes(struct g *g) {
    if (of(g)->on_stack) {
        model_fail("a G is entered while a core is on its stack");
    }
    of(g)->on_stack = true;
    here()->self = g;
    model_trace("enters G %d", (int)(of(g) - gs));
}

_Noreturn void hal_enter(struct g *g) {
    void *sp = g->hal.sp;
    if (sp == NULL) {
        memcpy(&sp, (char *)sched_resumes(g) + 8, sizeof sp);
    } else {
        model_plain(&g->hal.sp, sizeof g->hal.sp, false);
    }
    becomes(g);
    host_switch_in(sp);
}

/* ---- interrupts --------------------------------------------------------------------------------- */

struct preempted {
    struct g *g;
    void *frame;
};

static void preempted(void *arg) {
    struct preempted p = *(struct preempted *)arg;
    here()->self = &cores[model_me()].g0;
    of(p.g)->on_stack = false;
    sched_preempted(p.g, p.frame);
}

enum { NOTHING, IPI, TIMER, DEVICE };

static void handle(unsigned what) {
    struct port *p = here();
    struct core *c = &cores[model_me()];
    c->hal.in_handler = true;
    if (what == IPI) {
        model_take_ring();
        p->ipi_due = false;
        sched_ipi();
    } else if (what == TIMER) {
        model_trace("timer");
        clock_now = clock_now < p->timer_at ? p->timer_at : clock_now;
        p->timer_due = false;
        p->timer_at = INT64_MAX;
        sched_timer();
    } else {
        model_trace("device");
        p->device_left--;
        p->device_due = false;
        device_handler();
    }
    c->hal.in_handler = false;
}

/* What may come now, chosen. */
static unsigned pending(void) {
    struct port *p = here();
    unsigned may[4] = {NOTHING}, n = 1;
    if (p->timer_due || p->device_due || p->ipi_due) { /* all the others wait for it */
        return p->timer_due ? TIMER : p->device_due ? DEVICE : IPI;
    }
    if (model_rung(model_me())) {
        may[n++] = IPI;
    }
    if (p->timer_at != INT64_MAX && early_timers != 0) {
        may[n++] = TIMER;
    }
    if (p->device_left != 0) {
        may[n++] = DEVICE;
    }
    unsigned what = may[model_choose(n)];
    if (what == TIMER) {
        early_timers--;
    }
    return what;
}

/* At each point, and when interrupts are opened. */
static void poll(void) {
    struct port *p = here();
    unsigned what;
    while (running && !p->masked && (what = pending()) != NOTHING) {
        struct preempted by = {.g = p->self};
        p->masked = true;
        handle(what);
        by.frame = sched_irq_exit();
        if (by.frame != NULL) {
            host_switch_out((void **)((char *)by.frame + 8), model_stack_top(), preempted, &by);
            p = here(); /* entered again, perhaps by another core */
        }
        p->masked = false;
    }
}

hal_irq_t hal_irq_save(void) {
    poll(); /* the last moment for it */
    hal_irq_t was = here()->masked;
    here()->masked = true;
    return was;
}

void hal_irq_restore(hal_irq_t was) {
    here()->masked = was;
    poll();
}

void hal_irq_mask(void) {
    hal_irq_save();
}

void hal_irq_unmask(void) {
    hal_irq_restore(false);
}

bool hal_irq_masked(void) {
    return here()->masked;
}

void hal_idle(void) {
    struct port *p = here();
    MODEL_CHECK(p->masked && p->self == &cores[model_me()].g0);
    unsigned what = model_rung(model_me()) ? IPI : pending();
    if (what == NOTHING) {
        p->sleeps = true;
        model_sleep();
        p->sleeps = false;
        what = p->timer_due ? TIMER : p->device_due ? DEVICE : IPI;
    }
    handle(what);
}

/* No core can run. What has not come yet comes now: IPIs and devices, then the nearest timer. */
static bool at_rest(void) {
    struct port *first = NULL;
    for (unsigned i = 0; i < core_count; i++) {
        struct port *p = &ports[i];
        if (model_rung(i) && !p->ipi_due) {
            p->ipi_due = true;
            return true;
        }
        if (p->device_left != 0 && !p->device_due) {
            p->device_due = true;
            model_wake(i);
            return true;
        }
        if (p->timer_at != INT64_MAX && !p->timer_due &&
            (first == NULL || p->timer_at < first->timer_at)) {
            first = p;
        }
    }
    if (first == NULL) {
        return false;
    }
    first->timer_due = true;
    model_wake((unsigned)(first - ports));
    return true;
}

void hal_ipi(unsigned core) {
    model_ring(core);
}

void hal_timer_set(int64_t when) {
    here()->timer_at = when;
}

int64_t hal_now(void) {
    return clock_now;
}

void hal_relax(void) {
    model_relax();
}

/* ---- who and where ------------------------------------------------------------------------------- */

struct core *hal_core(void) {
    return &cores[model_me()];
}

struct g *hal_self(void) {
    return here()->self;
}

unsigned hal_core_count(void) {
    return core_count;
}

bool hal_on_core_stack(void) {
    return here()->self == &cores[model_me()].g0 || cores[model_me()].hal.in_handler;
}

uintptr_t hal_interrupted_sp(void) {
    return here()->self->stack_hi;
}

uintptr_t hal_interrupted_pc(void) {
    return 0;
}

/* ---- what the model has none of ------------------------------------------------------------------ */

static _Noreturn void broken(const char *format) {
    model_fail(format);
    abort();
}

_Noreturn void go_fatal(const char *file, int line, const char *format, ...) {
    (void)file;
    (void)line;
    broken(format);
}

_Noreturn void go_panic(const char *file, int line, const char *format, ...) {
    (void)file;
    (void)line;
    broken(format);
}

/* The last core to fall asleep found nothing left. */
static _Atomic bool dead;

_Noreturn void machine_dead(const char *text) {
    for (unsigned i = 0; i < g_count; i++) {
        if (!gs[i].ended) {
            model_fail(text);
        }
    }
    here()->sleeps = dead = true;
    for (;;) {
        model_sleep();
        model_take_ring();
    }
}

void watch_tick(struct core *c, int64_t now) {
    (void)c;
    (void)now;
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

void dump_answer(struct core *c) {
    (void)c;
}

__attribute__((weak)) void *page_alloc(void) {
    return NULL;
}

uint32_t sim_seed(unsigned i) {
    return 1 + i;
}

/* Nothing is used twice in a run, so that a use after free stays what it is. */
void *mem_alloc(size_t size) {
    void *p = memory + memory_used;
    memory_used += (size + 15) & ~(size_t)15;
    MODEL_CHECK(memory_used <= sizeof memory);
    memset(p, 0xa5, size);
    return p;
}

void mem_free(void *p, size_t size) {
    model_plain(p, size, true);
}

void magazine_fill(struct core *c) {
    (void)c;
}

_Noreturn void stack_overflown(const struct g *g) {
    (void)g;
    broken("a small stack in a model");
}

uintptr_t hal_window(enum hal_window w, size_t *size) {
    (void)w;
    *size = 0;
    broken("no windows in a model");
}

bool mem_tables(uintptr_t base, size_t size) {
    (void)base;
    (void)size;
    return false;
}

void hal_map(uintptr_t va, void *page) {
    (void)va;
    (void)page;
}

void gs_core(struct core *c) {
    (void)c; /* no G of a model ends for another to begin in its place */
}

/* ---- scenarios ----------------------------------------------------------------------------------- */

static struct g *ended(struct g *g, void *arg) {
    (void)arg;
    of(g)->ended = true;
    return schedule();
}

static void g_main(void *arg) {
    struct model_g *m = arg;
    hal_irq_unmask();
    m->fn(m->arg);
    hal_irq_mask();
    g_set_status(&m->g, G_DEAD);
    hal_leave(&m->g, ended, NULL);
}

static void core_main(unsigned me) {
    (void)me;
    running = true;
    here()->self = &cores[model_me()].g0;
    here()->masked = true;
    hal_enter(schedule_first());
}

void port_begin(unsigned n) {
    memset(ports, 0, sizeof ports);
    core_count = n;
    g_count = early_timers = 0;
    running = false;
    memory_used = 0;
    ports[0].self = &nobody; /* init may call what a G may */
    clock_now = 0;
    machine.active = n;
    machine.slice = CONFIG_SLICE_NS;
    machine.listeners = 1; /* all asleep is no deadlock, unless port_nobody_listens() */
    dead = false;
    for (unsigned i = 0; i < n; i++) {
        struct core *c = sched_core(i, NULL);
        ports[i].timer_at = INT64_MAX;
        c->alarms.slots = ports[i].slots;
        c->alarms.capacity = TIMERS;
        c->magazine_count = MAGAZINE;
        for (unsigned f = 0; f < FRAMES; f++) {
            frame_free(c, ports[i].frames[f]);
        }
        model_thread(core_main, i);
    }
    model_at_points(poll);
    model_at_rest(at_rest);
}

static struct g *new_g(unsigned core, void (*fn)(void *), void *arg) {
    struct model_g *m = &gs[g_count++];
    char *stack = m->stack != NULL ? m->stack : malloc(STACK);
    *m = (struct model_g){.fn = fn, .arg = arg, .stack = stack};
    m->g = (struct g){.id = g_count, .pin = ANY_CORE, .alarm.pos = ALARM_IDLE, .stack_hi = UINTPTR_MAX};
    m->g.entry = core;
    g_set_status(&m->g, G_RUNNABLE);
    struct host_context *c = (struct host_context *)(stack + STACK) - 1;
    host_context_init(c, g_main, m);
    m->g.hal.sp = c;
    return &m->g;
}

struct g *port_g(unsigned core, void (*fn)(void *), void *arg) {
    struct g *g = new_g(core, fn, arg);
    runq_put(&cores[core].runq, g);
    return g;
}

struct g *port_pinned_g(unsigned core, void (*fn)(void *), void *arg) {
    struct g *g = new_g(core, fn, arg);
    g->pin = (uint8_t)core;
    g->link = cores[core].inbox;
    cores[core].inbox = g;
    return g;
}

struct g *port_system_g(unsigned core, void (*fn)(void *), void *arg) {
    struct g *g = port_pinned_g(core, fn, arg);
    g->system = true;
    return g;
}

void port_device(unsigned core, unsigned times, void (*handler)(void)) {
    ports[core].device_left = times;
    device_handler = handler;
}

void port_nobody_listens(void) {
    machine.listeners = 0;
}

void port_early_timers(unsigned n) {
    early_timers = n;
}

void port_watch_idle(void) {
    model_watch(&machine.idle_mask);
    model_watch(&machine.searchers);
}

static const char *name_of(const char *what, unsigned core) {
    static char names[CORES][4][16];
    for (unsigned i = 0;; i++) {
        if (names[core][i][0] == '\0') {
            snprintf(names[core][i], sizeof names[core][i], "%s of %u", what, core);
        }
        if (strncmp(names[core][i], what, strlen(what)) == 0) {
            return names[core][i];
        }
    }
}

void port_watch_queue(unsigned core) {
    model_watch_as(&cores[core].runq.tail, name_of("tail", core));
    model_watch_as(&cores[core].runq.head, name_of("head", core));
}

void port_watch_inbox(unsigned core) {
    model_watch_as(&cores[core].inbox, name_of("inbox", core));
    model_watch_as(&cores[core].runnext, name_of("runnext", core));
}

bool port_ended(unsigned i) {
    return gs[i].ended;
}

void port_check_rest(void) {
    for (unsigned i = 0; i < g_count; i++) {
        if (!gs[i].ended && !gs[i].g.system) {
            model_fail("a G was lost: it has not ended, and no core does anything any more");
        }
    }
    for (unsigned i = 0; i < core_count; i++) {
        struct core *c = &cores[i];
        if (!ports[i].sleeps) {
            model_fail("a core does not sleep although there is nothing to do");
        }
        if (runq_length(&c->runq) != 0 || c->runnext != NULL || c->inbox != NULL ||
            c->pinned.head != NULL || alarms_in(&c->alarms) != 0) {
            model_fail("a queue holds something although every G has ended");
        }
    }
    if (dead) {
        return; /* one that was just being called stopped short of taking that back */
    }
    if (machine.listeners == 0) {
        model_fail("a deadlock went unnoticed");
    }
    if (machine.idle_mask != (1u << machine.active) - 1) {
        model_fail("the idle mask does not say who sleeps");
    }
    if (machine.searchers != 0) {
        model_fail("a searcher is counted although nobody searches");
    }
}

void port_wait(bool (*until)(void)) {
    while (!until()) {
        model_point();
        model_relax();
    }
}

void port_pass(int64_t ns) {
    clock_now += ns;
}

bool port_sleeps(unsigned core) {
    return ports[core].sleeps;
}

int64_t port_clock(void) {
    return clock_now;
}

void port_compute(unsigned points) {
    for (unsigned i = 0; i < points; i++) {
        model_point();
    }
}

/* ---- what the modelled parts do not reach: no timers, no contexts ---------------------------------- */

__attribute__((weak)) void timer_fire(struct alarm *a, uint32_t seq, int64_t now) {
    (void)a, (void)seq, (void)now;
    model_fail("a timer fires");
}

__attribute__((weak)) bool ctx_join(struct ctx *c, struct waiter *w) {
    (void)c, (void)w;
    return true;
}

__attribute__((weak)) bool ctx_leave(struct ctx *c, struct waiter *w) {
    (void)c, (void)w;
    return false;
}

__attribute__((weak)) int ctx_err(const struct ctx *c) {
    (void)c;
    return 0;
}
