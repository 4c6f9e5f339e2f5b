/* sched/preempt.c - the tick, preemption in an interrupt's tail, and the timer's one deadline.
 *
 * The one-shot timer of a core is set to the nearest of: the running G's slice end, the next
 * sleeper, the runnext guard, the end of the wake-up brake. Entering a G sets it only when it would
 * come too late; a timer that comes too early finds nothing over and is set again (HAZARDS 4).
 *
 * An interrupt never changes queues under the scheduler's feet: it is taken only while a G runs, or
 * polled in hal_idle(). At its end sched_irq_exit() decides. Preempted for its slice, a G goes to
 * the tail; displaced by a woken one, to runnext with the rest of its slice, at most once in
 * CONFIG_WAKE_BRAKE_NS (HAZARDS 7).
 * TOUR 10 / read next: sched/timer.c */
#include "sched/alarm.h"
#include "sched/assert.h"
#include "sched/dump.h"
#include "sched/gmp.h"
#include "sched/knobs.h"
#include "sched/model.h"
#include "sched/pages.h"
#include "sched/policy.h"
#include "sched/sim.h"
#include "sched/stack.h"
#include "sched/watch.h"

#define FRAMES_LOW  2u
#define FRAMES_HIGH 32u

/* For so many slices the watchdogs may be put off; then they get a tick of their own, which comes so much later. */
#define WATCHED_SLICES 4
#define WATCH_LATER    US(20)

void arm(struct core *c, int64_t when) NEEDS(irq_masked) {
    arm_here(c, when);
}

/* ---- the runnext guard ---------------------------------------------------------------------- */

void guard_arm_now(struct core *c) NEEDS(irq_masked) {
    c->guard = runnext_of(c);
    c->guard_tick = core_switches(c);
    c->guard_when = hal_now() + CONFIG_RUNNEXT_NS;
    arm_sooner(c, c->guard_when);
}

/* Handler. If the same G still waits behind the same running one, others may have it. */
static void guard_check(struct core *c, int64_t now) NEEDS(irq_masked) {
    if (c->guard == NULL || now < c->guard_when) {
        return;
    }
    struct g *g = runnext_of(c);
    bool stuck = g != NULL && g == c->guard && core_switches(c) == c->guard_tick;
    c->guard = NULL;
    if (stuck && atomic_load_explicit(&machine.idle_mask, memory_order_relaxed) != 0) { /* a hint */
        gmp_publish_runnext(c);
    } else if (g != NULL) {
        guard_arm(c);
    }
}

/* ---- preemption frames ---------------------------------------------------------------------- */

struct frame *frame_take(struct core *c) NEEDS(irq_masked) {
    struct frame *f = c->frames;
    if (f != NULL) {
        c->frames = f->next;
        c->frame_count--;
        if (c->frame_count < FRAMES_LOW) {
            look_everywhere(c); /* refills */
        }
    }
    return f;
}

void frame_free(struct core *c, void *frame) NEEDS(irq_masked) {
    struct frame *f = frame;
    f->next = c->frames;
    c->frames = f;
    if (++c->frame_count > FRAMES_HIGH) {
        look_everywhere(c); /* gives the others some */
    }
}

/* Frames flow to the cores that resume: what is too much goes to the others through here. */
static struct {
    spinlock_t lock;
    struct frame *frames;
} spare = {.lock = SPINLOCK(RANK_FRAMES)};

static void frames_spill(struct core *c) NEEDS(irq_masked) {
    spin_lock_masked(&spare.lock);
    while (c->frame_count > FRAMES_HIGH / 2) {
        struct frame *f = frame_take(c);
        f->next = spare.frames;
        spare.frames = f;
    }
    spin_unlock_masked(&spare.lock);
}

static void frames_refill(struct core *c) NEEDS(irq_masked) {
    spin_lock_masked(&spare.lock);
    while (c->frame_count < FRAMES_HIGH / 2 && spare.frames != NULL) {
        struct frame *f = spare.frames;
        spare.frames = f->next;
        frame_free(c, f);
    }
    spin_unlock_masked(&spare.lock);
    if (c->frame_count < FRAMES_LOW) {
        char *page = page_alloc(); /* not from the reserve: a preemption can wait, a stack fault cannot */
        for (size_t at = 0; page != NULL && at + HAL_FRAME_SIZE <= HAL_PAGE; at += HAL_FRAME_SIZE) {
            frame_free(c, page + at);
        }
    }
}

/* ---- upcalls of interrupts ------------------------------------------------------------------ */

static bool on_g0(const struct core *c) {
    return hal_self() == &c->g0;
}

static int64_t nearest(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* The watchdogs' part of a tick at now. While a G waits for the tick's end - one that was woken, or the next one - they are
 * put off; and when that has been for long they come over the one that goes on. If they are put off then as well, since
 * slices are as short, or preemption is off, they come all the same when it has been for twice as long. Returns when. */
UNCOMMON static int64_t watch(struct core *c, int64_t now, bool hurried) NEEDS(irq_masked) {
    if (hurried && !c->watch_later) {
        c->watch_later = true;
        return now + WATCH_LATER;
    }
    if (hurried && now - c->watched < 2 * WATCHED_SLICES * slice_length()) {
        return INT64_MAX;
    }
    c->watch_later = false;
    c->watched = now;
    watch_tick(c, now);
    return INT64_MAX;
}

UNCOMMON static void asleep_hooked(struct core *c) NEEDS(irq_masked) {
    trace_core(c, EV_IRQ_BEGIN, IRQ_TIMER, hal_self()->id);
    alarms_expire(c, hal_now());
    trace_core(c, EV_IRQ_END, IRQ_TIMER, 0);
}

/* Calls nothing but last, and so has no frame. */
void sched_timer_asleep(void) {
    struct core *c = this_core();
    nap_over(c);
    count(&c->n.ticks);
    trace_flight(c, EV_IRQ_BEGIN, IRQ_TIMER, hal_self()->id);
    c->deadline = INT64_MAX; /* it is set before a G runs, or the core sleeps again (schedule.c, idle.c) */
    if (hooked(c)) {
        asleep_hooked(c);
    } else {
        alarms_expire_asleep(c, hal_now());
    }
}

void sched_timer(void) {
    struct core *c = this_core();
    if (on_g0(c)) {
        sched_timer_asleep();
        return;
    }
    count(&c->n.ticks);
    trace_core_always(c, EV_IRQ_BEGIN, IRQ_TIMER, hal_self()->id);
    int64_t now = hal_now();
    if (alarms_next(&c->alarms) <= now) {
        alarms_expire(c, now);
    }
    int64_t when = alarms_next(
        &c->alarms); /* only now: tickers have set themselves anew. At once if a batch left some */
    guard_check(c, now);
    bool over = gmp_tick(c, now), hurried = over || !inbox_empty(c);
    watch_note(c);
    if (!hurried || now - c->watched >= WATCHED_SLICES * slice_length()) {
        when = nearest(when, watch(c, now, hurried));
    }
    if (over) {
        c->slice_over_at = atomic_load_explicit(&c->tick, memory_order_relaxed);
        /* If it cannot be preempted just now. From the end of this handler on: it may have taken longer
         * than a short slice, and the G would not get one instruction further. */
        when = nearest(when, hal_now() + slice_length());
    } else {
        when = nearest(when, slice_start(c) + slice_length());
    }
    if (c->guard != NULL) {
        when = nearest(when, c->guard_when);
    }
    if (CONFIG_TRACE && (hooked(c) || relaxed_load(&c->sample_every) != 0)) { /* a switch, as hooks is */
        when = trace_tick(c, now, when);
    }
    arm(c, when);
    trace_core(c, EV_IRQ_END, IRQ_TIMER, 0);
}

static void doorbell(struct core *c) NEEDS(irq_masked) {
    look_closer(c); /* there may be something in the inbox, or a trace has begun */
    if (!core_active(c)) {
        look_everywhere(c); /* go_set_cores() may have retired us just now */
    }
    if (on_g0(c)) {
        return; /* asleep: whatever it is, picking comes next */
    }
    /* of no effect unless go_set_slice() has made slices shorter */
    arm_sooner(c, slice_start(c) + slice_length());
    if (runnext_of(c) != NULL) {
        guard_arm(c);
    }
}

UNCOMMON static void ipi_hooked(struct core *c) NEEDS(irq_masked) {
    trace_core_slow(c, EV_IRQ_END, IRQ_IPI, 0);
    if (policy_is_on(c)) {
        policy_called(c);
    }
}

void sched_ipi(void) {
    struct core *c = this_core();
    nap_over(c);
    count(&c->n.ipis_received);
    trace_core_always(c, EV_IRQ_BEGIN, IRQ_IPI, hal_self()->id);
    doorbell(c);
    dump_answer(c);
    if (hooked(c)) {
        ipi_hooked(c);
    }
}

/* How long a woken G still has to wait before it may displace the running one. */
static int64_t brake_left(struct core *c, int64_t now) {
    return c->last_displaced + CONFIG_WAKE_BRAKE_NS - now;
}

/* While the brake is on, which another policy than GMP never takes off: whether what was sent here displaces the
 * running G now. */
UNCOMMON static bool goes_first(struct core *c, int64_t now) NEEDS(irq_masked) {
    if (policy_is_on(c)) {
        return policy_interrupts(c);
    }
    arm_sooner(c, now + brake_left(c, now)); /* it stays in the inbox until then */
    return false;
}

void *sched_irq_exit(void) {
    struct core *c = this_core();
    struct g *g = hal_self();
    uintptr_t sp = hal_interrupted_sp();
    if (sp < g->stack_lo || sp > g->stack_hi) {
        FATAL("runtime: goroutine %lu \"%s\" runs with its stack pointer %p outside of its stack",
              (unsigned long)g->id, g->name != NULL ? g->name : "", (void *)sp);
    }
    if (!slice_is_over(c) && inbox_empty(c)) {
        return NULL;
    }
    if (knob_is(c, KNOB_TICK, 0)) {
        return NULL; /* before a G in a section without preemption is told of it */
    }
    if (g->preempt_off != 0) {
        atomic_store_explicit(&g->resched, 1, memory_order_relaxed); /* same core: program order */
        return NULL;
    }
    if (!slice_is_over(c)) {
        int64_t now = hal_now();
        if (brake_left(c, now) > 0 && !goes_first(c, now)) {
            return NULL;
        }
    }
    if (c->frame_count == 0) {
        frames_refill(c); /* over a G that was not masked, so this core holds no lock */
    }
    void *frame = frame_take(c);
    if (frame == NULL) {
        count(&c->n.frames_short); /* the G runs on; the next tick tries again */
    }
    return frame;
}

/* ---- on g0: the preempted G is off its core ------------------------------------------------- */

static enum why stop_cause(const struct core *c) {
    return slice_is_over(c) || inbox_empty(c) ? WHY_SLICE : WHY_DISPLACED;
}

static struct g *put_aside_quietly(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (stop_cause(c) == WHY_SLICE) {
        if (globq_length() != 0) {
            look_everywhere(c); /* its turn at each slice's end: hogs do not make 61 picks soon */
        }
        gmp_put(c, g, WHY_SLICE);
        return schedule();
    }
    c->last_displaced = hal_now();
    if (!core_active(c)) {
        gmp_put(c, g, WHY_YIELD);
        return schedule(); /* pinned, or woken here for other cores: the picking sorts it out */
    }
    g->slice_used = hal_stamp() - c->slice_stamp;
    gmp_put(c, g, WHY_DISPLACED);
    struct gqueue woken = inbox_take(c);
    struct g *first = gqueue_pop(&woken);
    for (struct g *w = gqueue_pop(&woken); w != NULL; w = gqueue_pop(&woken)) {
        gmp_put(c, w, w->pin != ANY_CORE ? WHY_WOKEN : WHY_YIELD);
    }
    slice_begin(c);
    return dispatch(c, first);
}

UNCOMMON static struct g *put_aside_hooked(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (policy_is_on(c)) {
        enum why why = policy_stopped(c, g);
        trace_g(c, EV_STOP, g, why);
        if (policy_put(c, g, why)) {
            return schedule();
        }
        g->slice_used = 0;
        return put_aside_quietly(c, g);
    }
    enum why why = stop_cause(c);
    trace_g(c, EV_STOP, g, why);
    g->budget = c->budget;
    if (why == WHY_SLICE && g->pin == ANY_CORE && core_active(c) && knob_is(c, KNOB_DEMOTE, 1)) {
        gmp_demote(c, g);
        return schedule();
    }
    return put_aside_quietly(c, g);
}

/* g was stopped with its state saved: by its slice's end, or for the first G of the inbox. */
static struct g *put_aside(struct core *c, struct g *g) NEEDS(irq_masked) {
    count(&c->n.preempted);
    stack_check(g);
    trace_flight(c, EV_STOP, stop_cause(c), g->id);
    return hooked(c) ? put_aside_hooked(c, g) : put_aside_quietly(c, g);
}

void *sched_resumes(struct g *g) {
    void *frame = g->hal.frame;
    g->hal.frame = NULL;
    frame_free(this_core(), frame); /* masked until it has been read: nobody takes it before */
    return frame;
}

_Noreturn void sched_preempted(struct g *g, void *frame) {
    g->hal.sp = NULL;
    g->hal.frame = frame;
    hal_enter(put_aside(this_core(), g));
}

static struct g *preempted_late(struct g *g, void *arg) NEEDS(irq_masked) {
    (void)arg;
    return put_aside(this_core(), g);
}

/* ---- preemption off and on ------------------------------------------------------------------ */

void go_preempt_off(void) {
    struct g *g = hal_self();
    g->preempt_off++;
    atomic_signal_fence(memory_order_seq_cst); /* only against a handler on this core */
}

void go_preempt_on(void) {
    struct g *g = hal_self();
    atomic_signal_fence(memory_order_seq_cst); /* the section before the store, for a handler */
    uint32_t depth = g->preempt_off;
    ASSERT(depth != 0);
    g->preempt_off = depth - 1;
    atomic_signal_fence(memory_order_seq_cst); /* store depth, then load resched: see sched_irq_exit */
    if (depth == 1 && atomic_load_explicit(&g->resched, memory_order_relaxed) != 0) {
        atomic_store_explicit(&g->resched, 0, memory_order_relaxed);
        hal_irq_mask();
        if (gmp_anything(this_core()) && !model_cooperates()) {
            model_leave(g, preempted_late, NULL);
        } else {
            hal_irq_unmask();
        }
    }
}

/* ---- pools that handlers draw on ------------------------------------------------------------ */

void refill(struct core *c) NEEDS(irq_masked) {
    if (c->frame_count < FRAMES_LOW) {
        frames_refill(c);
    } else if (c->frame_count > FRAMES_HIGH) {
        frames_spill(c);
    }
    if (c->magazine_count < MAGAZINE / 2) {
        magazine_fill(c);
    }
}
