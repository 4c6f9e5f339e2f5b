/* sched/info.c - what <bareloom/info.h> tells, read without stopping anyone.
 * TOUR 15 / read next: sched/panic.c */
#include <bareloom/info.h>
#include <bareloom/trace.h>

#include "sched/dump.h"
#include "sched/info.h"
#include "sched/pages.h"
#include "sched/policy.h"
#include "sched/runq.h"

/* Go's words. */
static const char *const reasons[WAIT_REASONS] = {
    [WAIT_NONE] = "",
    [WAIT_SLEEP] = "sleep",
    [WAIT_CHAN_SEND] = "chan send",
    [WAIT_CHAN_RECV] = "chan receive",
    [WAIT_CHAN_SEND_NIL] = "chan send (nil chan)",
    [WAIT_CHAN_RECV_NIL] = "chan receive (nil chan)",
    [WAIT_MUTEX] = "sync.Mutex.Lock",
    [WAIT_WG] = "sync.WaitGroup.Wait",
    [WAIT_SEMA] = "semacquire",
    [WAIT_SELECT] = "select",
    [WAIT_SELECT_NONE] = "select (no cases)",
    [WAIT_RWMUTEX_R] = "sync.RWMutex.RLock",
    [WAIT_RWMUTEX_W] = "sync.RWMutex.Lock",
    [WAIT_COND] = "sync.Cond.Wait",
    [WAIT_EVENT] = "event wait",
    [WAIT_BARRIER] = "barrier wait",
    [WAIT_JOIN] = "join",
    [WAIT_IO] = "IO wait",
};

const char *reason_text(unsigned reason) {
    return reason < WAIT_REASONS ? reasons[reason] : "";
}

const char *g_reason(const struct g *g) {
    return reason_text(g_waits_for(g));
}

static uint64_t get(_Atomic uint64_t *n) {
    return relaxed_load(n); /* a count, orders nothing */
}

struct walk {
    bool (*fn)(const struct go_info *g, void *arg);
    void *arg;
};

/* With what it has had since it was entered, as long as that is counted. */
static ns_t cpu_time(struct g *g, enum g_state state) {
    const struct core *c = &cores[g_core(g)];
    bool counts = state == G_RUNNING && (relaxed_load(&c->hal.hooks) & HOOK_CPU) != 0;
    int64_t since = counts ? relaxed_load(&c->run_since) : 0;
    return (ns_t)get(&g->cpu) + (since != 0 ? hal_now() - since : 0);
}

static bool tell(struct g *g, void *arg) {
    struct walk *w = arg;
    struct go_info i = {0};
    enum g_state state = g_state(g);
    if (state == G_DEAD || g->system) {
        return true;
    }
    static const enum go_state states[] = {GO_DEAD, GO_RUNNABLE, GO_RUNNING, GO_WAITING};
    i.id = g->id;
    i.state = states[state];
    i.reason = g_reason(g);
    i.core = g_core(g);
    i.pinned = g->pin != ANY_CORE && g->affinity == 0;
    i.cpu = cpu_time(g, state);
    i.waiting = state == G_WAITING ? hal_now() - hal_stamp_ns(g->since) : 0;
    i.stack_used = g->stack_hi - g->stack_low;
    i.stack_size = g->stack_hi - g->stack_lo;
    dump_name(g, i.name, sizeof i.name);
    return w->fn(&i, w->arg);
}

void info_gs(bool (*fn)(const struct go_info *g, void *arg), void *arg) {
    struct walk w = {.fn = fn, .arg = arg};
    g_each(tell, &w);
}

/* With the sleep that it is in. */
static ns_t idle_time(struct core *c) {
    int64_t since = atomic_load_explicit(&c->n.asleep_since, memory_order_relaxed);
    return hal_stamp_ns((int64_t)get(&c->n.idle) + (since != 0 ? hal_stamp() - since : 0));
}

bool info_core(unsigned i, struct core_info *out) {
    if (i >= hal_core_count()) {
        return false;
    }
    struct core *c = &cores[i];
    *out = (struct core_info){
        .index = i,
        .active = core_active(c),
        .switches = core_switches(c),
        .started = get(&c->n.started),
        .stolen = get(&c->n.stolen),
        .preempted = get(&c->n.preempted),
        .ticks = get(&c->n.ticks),
        .ipis_sent = get(&c->n.ipis_sent),
        .ipis_received = get(&c->n.ipis_received),
        .idle_wakes = get(&c->n.idle_wakes),
        .futile_wakes = get(&c->n.futile_wakes),
        .frames_short = get(&c->n.frames_short),
        .spun = get(&c->n.spun),
        .faults = get(&c->n.faults),
        .lock_wait = spin_waited(i),
        .idle = idle_time(c),
        .queued =
            runq_length(&c->runq) + (runnext_of(c) != NULL) + (CONFIG_TRACE ? policy_queued(c) : 0),
        .timers = alarms_in(&c->alarms),
    };
    return true;
}

uint64_t info_cycles(void) {
    return hal_cycles();
}

const char *info_core_stage(unsigned i) {
    return hal_core_stage(i);
}

void info_memory(size_t *pages, size_t *free_pages) {
    *pages = pages_total();
    *free_pages = pages_free_count();
}

_Noreturn void machine_exit(int status) {
    trace_finish();
    hal_exit(status);
}

_Noreturn void machine_reset(void) {
    hal_reset();
}
