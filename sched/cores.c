/* sched/cores.c - the cores: what each is at power-on, how many take part, and how one retires at
 * run time.
 *
 * A retired core keeps its interrupts, its timers, its inbox and its pinned Gs; it only stops
 * picking and stealing the rest, and gives what it had to the global queue (HAZARDS 9).
 * TOUR 2 / read next: sched/sched.h */
#include "hal/errno.h"
#include "sched/alarm.h"
#include "sched/assert.h"
#include "sched/knobs.h"
#include "sched/mem.h"
#include "sched/model.h"
#include "sched/pages.h"
#include "sched/runq.h"
#include "sched/sim.h"
#include "sched/stack.h"

struct core cores[HAL_MAX_CORES];
struct machine machine;

struct core *sched_core(unsigned i, void *stack_top) {
    struct core *c = &cores[i];
    c->hal.index = i;
    c->hal.stack_top = stack_top;
    c->hal.g0 = &c->g0;
    c->g0.pin = (uint8_t)i;
    c->g0.name = "g0";
    c->g0.alarm.pos = ALARM_IDLE;
    c->runq.lock = SPINLOCK(RANK_OVERFLOW);
    c->alarms.lock = SPINLOCK(RANK_ALARMS);
    c->alarms.first = INT64_MAX;
    gs_core(c);
    c->random = sim_seed(i);
    c->tick = i;
    c->slice_over_at = UINT64_MAX;
    c->deadline = INT64_MAX;
    c->sample_when = INT64_MAX;
    c->last_displaced = INT64_MIN / 2;
    return c;
}

static void first_core(void) {
    pages_init();
    stacks_init();
    alarms_init();
    mem_init();
    atomic_store(&machine.active, hal_core_count());
    atomic_store(&machine.slice, CONFIG_SLICE_NS);
    /* release: pairs with the acquire below, the tables above are there */
    atomic_store_explicit(&machine.started, true, memory_order_release);
    if (g_start(&GO_OPTS(.name = "main", .stack = KB(256)), go_main, NULL, 0) != 0) {
        FATAL("runtime: no memory for the first goroutine");
    }
}

_Noreturn void sched_core_main(void) {
    struct core *c = this_core();
    ASSERT(hal_irq_masked());
    if (c->hal.index == 0) {
        first_core();
    }
    while (!atomic_load_explicit(&machine.started, memory_order_acquire)) {
        hal_relax();
    }
    hal_enter(schedule_first());
}

unsigned gs_alive(void) {
    uint64_t n = 0;
    for (unsigned i = 0; i < hal_core_count(); i++) {
        /* acquire: pairs with the release at a G's end, so that its start, perhaps on another core, is
         * counted below: never fewer than none */
        n -= atomic_load_explicit(&cores[i].n.ended, memory_order_acquire);
    }
    for (unsigned i = 0; i < hal_core_count(); i++) {
        n += atomic_load_explicit(&cores[i].n.started, memory_order_relaxed);
    }
    return (unsigned)n;
}

/* ---- how many cores take part --------------------------------------------------------------- */

unsigned go_num_cores(void) {
    return model_cooperates() ? 1 : hal_core_count();
}

unsigned go_cores(void) {
    return atomic_load_explicit(&machine.active, memory_order_relaxed);
}

int go_set_cores(unsigned n) {
    if (n < 1 || n > go_num_cores()) {
        return -EINVAL;
    }
    check_may_block("go_set_cores");
    hal_irq_mask();
    atomic_store(&machine.active, n);
    /* Each looks at active when it next schedules: the retired hand over, the new ones search. */
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if (i != this_core()->hal.index) {
            kick(i);
        }
    }
    look_everywhere(this_core());
    bool leave = !core_active(this_core());
    hal_irq_unmask();
    if (leave) {
        go_yield();
    }
    return 0;
}

void core_hand_over(struct core *c) NEEDS(irq_masked) {
    gmp_publish_runnext(c);
    unsigned n;
    struct gqueue all = runq_take_all(&c->runq, &n);
    if (n != 0) {
        globq_put(&all, n);
        wake_one();
        if (knobs_turned(c)) {
            knobs_call_all();
        }
    }
}

ns_t go_set_slice(ns_t d) {
    ns_t least = US(10), most = SEC(1);
    hal_irq_t was = hal_irq_save();
    ns_t old = atomic_exchange(&machine.slice, d < least ? least : d > most ? most : d);
    for (unsigned i = 0; i < hal_core_count(); i++) {
        kick(i); /* us too: each sets its tick anew, which may stand a long old slice away (HAZARDS 43) */
    }
    hal_irq_restore(was);
    return old;
}
