/* sched/schedule.c - entering and leaving Gs: what g0 does, park and ready, yield.
 *
 * Leaving a G is one save (hal_park), entering one is one restore, and between the two a function runs
 * on g0 that publishes the G and says which one is next: a G that is findable while its registers are
 * still in use would run twice.
 * TOUR 5 / read next: sched/runq.h */
#include "hal/sanitize.h"
#include "sched/assert.h"
#include "sched/gmp.h"
#include "sched/knobs.h"
#include "sched/model.h"
#include "sched/policy.h"
#include "sched/sim.h"
#include "sched/wait.h"

/* Made ready with interrupts masked in one go. */
#define WAKE_BATCH 32u

/* c is about to enter g, which runs from then on: what says so is the tick. */
static inline void enters(struct core *c, struct g *g, uint64_t tick) NEEDS(irq_masked) {
    DEBUG_ASSERT(g_status(g) == G_RUNNABLE);
    /* relaxed, and no read-modify-write: one core at a time; watchdogs only compare */
    relaxed_store(&c->tick, tick);
    relaxed_store(&g->entry, tick);
    sim_step(c, g);
}

/* It was displaced, and goes on in what is left of its slice. */
UNCOMMON static struct g *slice_goes_on(struct core *c, struct g *g) NEEDS(irq_masked) {
    slice_begin(c);
    c->slice_stamp -= g->slice_used;
    g->slice_used = 0;
    arm_sooner(c, slice_start(c) + slice_length()); /* that may be before the tick which is set */
    return g;
}

static inline struct g *begin_slice(struct core *c, struct g *g) NEEDS(irq_masked) {
    return __builtin_expect(g->slice_used != 0, 0) ? slice_goes_on(c, g) : g;
}

/* How many wait in c's queues; more: that are about to be put on the ring. */
static inline unsigned waiting(struct core *c, unsigned more) NEEDS(irq_masked) {
    return runq_length_here(&c->runq) + (runnext_of(c) != NULL) + more;
}

UNCOMMON static struct g *begin_hooked(struct core *c, struct g *g, unsigned more) NEEDS(irq_masked) {
    trace_g_hooked(c, EV_START, g, 0, waiting(c, more));
    model_begins(c, g);
    if (knobs_turned(c)) {
        knobs_enter(c, g);
    }
    return begin_slice(c, g);
}

static inline struct g *begin_at(struct core *c, struct g *g, uint64_t tick, unsigned more)
    NEEDS(irq_masked) {
    enters(c, g, tick);
    return hooked(c) ? begin_hooked(c, g, more) : begin_slice(c, g);
}

static inline struct g *begin_before(struct core *c, struct g *g, unsigned more) NEEDS(irq_masked) {
    return begin_at(c, g, next_tick(c), more);
}

/* Any G, at the end of any pick. */
static struct g *begin(struct core *c, struct g *g) NEEDS(irq_masked) {
    return begin_before(c, g, 0);
}

struct g *dispatch(struct core *c, struct g *g) NEEDS(irq_masked) {
    look_closer(c); /* it may be pinned: see gmp.h */
    return begin(c, g);
}

/* For all that will run from now on: the timer's handler never lets the tick be later than a slice away
 * (HAZARDS 4). */
static void tick_begin(struct core *c) NEEDS(irq_masked) {
    slice_begin(c);
    int64_t end = slice_start(c) + slice_length(), next = alarms_next(&c->alarms);
    trace_runs_again(c);
    int64_t when = next < end ? next : end;
    if (when < c->deadline) { /* a core that runs a G always has its tick */
        arm_here(c, when);
    }
}

/* True: *found is what has been, or NULL. */
UNCOMMON static bool search_hooked(struct core *c, struct g **found) NEEDS(irq_masked) {
    if (policy_is_on(c)) {
        struct g *g = policy_search(c);
        *found = g != NULL ? g : policy_pick(c);
        return true;
    }
    if (!knobs_turned(c) || !knobs_search(c)) {
        return false;
    }
    *found = gmp_pick(c);
    return true;
}

struct g *schedule_search(void) NEEDS(irq_masked) {
    struct core *c = this_core();
    struct g *g, *found; /* two: the first stays in a register */
    uint64_t tick = next_tick(c);
    relaxed_store(&c->tick, tick); /* the one that was entered last does not run here any more */
    tick = next_tick(c);
    look_closer(c); /* see gmp_pick_woken() */
    do {
        if (hooked(c) && search_hooked(c, &found)) {
            g = found;
            continue;
        }
        if (core_active(c) && any_runq(c) && search_begin(c) && (g = gmp_steal(c)) != NULL) {
            break;
        }
        idle(c);
        g = gmp_pick_woken(c, tick);
    } while (g == NULL);
    if (c->searching) {
        search_end(c, true);
    }
    tick_begin(c);
    return begin_at(c, g, tick, 0);
}

/* The pick that has tick, if it is plain: the one that the G which leaves has woken, or the first of the
 * ring. NULL: pick_closely(). */
static inline struct g *pick_first(struct core *c, uint64_t tick) NEEDS(irq_masked) {
    struct g *g = runnext_of(c);
    if (g != NULL) {
        set_runnext(c, NULL);
    } else if (ring_get(&c->runq, &g)) {
        slice_begin(c);
    } else {
        return NULL;
    }
    DEBUG_ASSERT(g->slice_used == 0); /* while one that was displaced is next no pick is plain: gmp_put() */
    enters(c, g, tick);
    return g;
}

/* Of a pick that would be plain but for its events. NULL: pick_closely(). */
static inline struct g *pick_recorded(struct core *c) NEEDS(irq_masked) {
    uint64_t tick = next_tick(c);
    struct g *g = gmp_pick_is_recorded(c, tick) ? pick_first(c, tick) : NULL;
    if (g != NULL) {
        trace_put(c, EV_START, 0, trace_pair(g->id, waiting(c, 0)));
    }
    return g;
}

/* Policies are asked here and in schedule_search() alone, with no G in hand that would be put to what ruled before. */
UNCOMMON static struct g *pick_hooked(struct core *c) NEEDS(irq_masked) {
    struct g *g = pick_recorded(c);
    if (g != NULL) {
        return g;
    }
    if (knobs_turned(c)) {
        knobs_pick(c);
    }
    g = policy_is_on(c) ? policy_pick(c) : gmp_pick(c);
    return g != NULL ? begin(c, g) : NULL;
}

/* After pick_plainly(): of a plain pick with nobody next the ring was empty. */
INLINE_COLD struct g *pick_closely_here(struct core *c) NEEDS(irq_masked) {
    struct g *g;
    if (runq_behind(&c->runq) != 0 && gmp_pick_is_plain(c, next_tick(c)) && runnext_of(c) == NULL &&
        (g = runq_get_behind(&c->runq)) != NULL) {
        slice_begin(c);
        enters(c, g, next_tick(c));
        return g;
    }
    if (hooked(c)) {
        return pick_hooked(c);
    }
    g = gmp_pick(c);
    return g != NULL ? begin(c, g) : NULL;
}

APART struct g *pick_closely(struct core *c) NEEDS(irq_masked) {
    return pick_closely_here(c);
}

/* The commonest. NULL: pick_closely(). */
static inline struct g *pick_plainly(struct core *c) NEEDS(irq_masked) {
    uint64_t tick;
    return gmp_next_is_plain(c, &tick) ? pick_first(c, tick) : NULL;
}

static inline struct g *pick(struct core *c) NEEDS(irq_masked) {
    struct g *g = pick_plainly(c);
    return g != NULL ? g : pick_closely(c);
}

struct g *schedule(void) NEEDS(irq_masked) {
    struct core *c = this_core();
    struct g *g = pick(c);
    return g != NULL ? g : schedule_search();
}

struct g *schedule_first(void) NEEDS(irq_masked) {
    tick_begin(this_core());
    return schedule();
}

/* ---- from one G to the next ------------------------------------------------------------------ */

/* Where somebody looks at atomic operations they must be C's. */
#define SWITCH_IN_C (HAL_ATOMICS_SEEN || SANITIZED)

#if SWITCH_IN_C
struct switching {
    struct g *next;
    _Atomic uint64_t *word;
    uint64_t value;
    _Atomic uint32_t *tail;
};

static struct g *switched(struct g *g, void *arg) NEEDS(irq_masked) {
    struct switching s = *(struct switching *)arg; /* on g's stack */
    (void)g;
    atomic_store_explicit(s.word, s.value, memory_order_release); /* as in hal_switch() */
    return s.next;
}

static struct g *switched_look(struct g *g, void *arg) NEEDS(irq_masked) {
    struct switching s = *(struct switching *)arg;
    (void)g;
    atomic_store_explicit(s.tail, (uint32_t)s.value, memory_order_release); /* as in hal_switch_look() */
    wake_one();
    return s.next;
}
#endif

/* g, which is masked on this core, leaves it for next. The store of value to word, with release, shows g to others. */
static inline void leave_for(struct g *g, struct g *next, _Atomic uint64_t *word, uint64_t value)
    OPENS(irq_masked) {
#if SWITCH_IN_C
    struct switching s = {.next = next, .word = word, .value = value};
    hal_park(g, switched, &s);
#else
    hal_switch(word, next, g, value);
#endif
}

/* The same where an idle core could take it: who finds one after a full fence wakes it, as in wake_one(). */
static inline void leave_to_others(struct g *g, struct g *next, _Atomic uint32_t *tail,
                                   uint32_t value) OPENS(irq_masked) {
#if SWITCH_IN_C
    struct switching s = {.next = next, .tail = tail, .value = value};
    hal_park(g, switched_look, &s);
#else
    hal_switch_look(g, next, tail, value);
#endif
}

void sched_published(void) {
    wake_idle();
}

static struct g *ended(struct g *g, void *next) NEEDS(irq_masked) {
    (void)g;
    return next != NULL ? next : schedule_search();
}

UNCOMMON static void schedule_ended_closely(struct core *c, struct g *next) OPENS(irq_masked) {
    next = next != NULL ? next : pick_closely(c);
    if (next == NULL || HAL_ATOMICS_SEEN) {
        hal_leave(hal_self(), ended, next);
    }
    hal_leave_for(next);
}

void schedule_ended(struct g *g, struct core *c) OPENS(irq_masked) {
    struct g *next = pick_plainly(c);
    (void)g; /* an argument so that next comes to lie where hal_leave_for() wants it */
    if (next == NULL || HAL_ATOMICS_SEEN) {
        schedule_ended_closely(c, next);
    } else {
        hal_leave_for(next);
    }
}

/* ---- park and ready ------------------------------------------------------------------------- */

void check_g(const char *what) {
    if (hal_on_core_stack()) {
        PANIC("%s: not from an interrupt handler", what);
    }
}

_Noreturn void must_not_block(const char *what) {
    PANIC("%s: would block %s", what,
          hal_on_core_stack() ? "in an interrupt handler" : "with preemption off");
}

UNCOMMON static void park_hooked(struct core *c, struct g *g) NEEDS(irq_masked) {
    trace_g_hooked(c, EV_BLOCK, g, g_waits_for(g), 0);
    if (policy_is_on(c) && g_waits_for(g) == WAIT_MUTEX) {
        policy_waits_for_mutex(c, g);
    }
}

void park(enum wait_reason reason, hal_then *then, void *arg) NEEDS(irq_masked) {
    struct g *g = hal_self();
    struct core *c = this_core();
    ASSERT(hal_irq_masked() && g->preempt_off == 0);
    begin_wait(c, g, G_WAITING + (unsigned)reason);
    if (hooked(c)) {
        park_hooked(c, g);
    }
    sanitize_follow();
    model_leave(g, then, arg);
    hal_irq_mask();
    sanitize_acquire(g); /* pairs with ready() */
}

struct parking_on {
    spinlock_t *lock;
    uint64_t note;
};

/* Unchecked: which lock it is, only the G knows that parks. */
static struct g *parked_on(struct g *g, void *arg) NEEDS(irq_masked) UNCHECKED {
    struct parking_on p = *(struct parking_on *)arg; /* on g's stack */
    (void)g;
    spin_unlock_noting(p.lock, p.note);
    return schedule_search();
}

/* The same, and looks for the next one there. */
static struct g *parked_first(struct g *g, void *arg) NEEDS(irq_masked) UNCHECKED {
    struct parking_on p = *(struct parking_on *)arg;
    (void)g;
    spin_unlock_noting(p.lock, p.note);
    return schedule();
}

/* Who is next, if only events keep the pick from being plain. */
UNCOMMON static struct g *park_recorded(struct core *c, struct g *g) NEEDS(irq_masked) {
    park_hooked(c, g);
    return pick_recorded(c);
}

/* The pick is not plain, or finds nothing here. Unchecked, as parked_on(). */
APART void park_closely(spinlock_t *lock, struct core *c, struct g *g, uint64_t note)
    OPENS(irq_masked, *lock) UNCHECKED {
    struct parking_on p = {.lock = lock, .note = note};
    struct g *next = hooked(c) ? park_recorded(c, g) : NULL;
    if (next != NULL) {
        leave_for(g, next, lock, spin_opened(lock, note));
        return;
    }
    if (model_traps()) {
        model_leave(g, parked_first, &p);
        return;
    }
    /* Looking everywhere takes 300 bytes, which a small stack has not, and 2000 instructions if pools run low, for which
     * others must not wait that want the lock */
    if ((g->stack_class & STACK_SMALL) != 0 || next_tick(c) >= c->around_at) {
        hal_park(g, parked_first, &p);
        return;
    }
    next = pick_closely_here(c);
    if (next != NULL) {
        leave_for(g, next, lock, spin_opened(lock, note));
    } else {
        hal_park(g, parked_on, &p);
    }
}

void park_on(spinlock_t *lock, unsigned status, struct g *g, uint64_t note)
    OPENS(irq_masked, *lock) UNCHECKED {
    struct core *c = this_core();
    begin_wait(c, g, status);
    sanitize_release((const void *)lock); /* it is g that had the lock, though who opens it may be g0 */
    struct g *next = pick_plainly(c);
    if (next != NULL) {
        leave_for(g, next, lock, spin_opened(lock, note));
    } else {
        park_closely(lock, c, g, note);
    }
    sanitize_acquire(g); /* pairs with ready() */
}

static inline void ready_pinned(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (g->where == c->hal.index) {
        gmp_put_pinned(c, g);
    } else {
        inbox_put_pinned(g);
    }
}

static inline void ready_quietly(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (c->hal.in_handler) {
        put_by_handler(c, g, hal_self() == &c->g0);
    } else if (g->pin != ANY_CORE) {
        ready_pinned(c, g);
    } else {
        gmp_put_next_anywhere(c, g);
    }
}

UNCOMMON static void ready_hooked(struct core *c, struct g *g) NEEDS(irq_masked) {
    trace_g_hooked(c, EV_UNBLOCK, g, c->hal.in_handler, hal_self()->id);
    if (policy_is_on(c) && policy_ready(c, g, WHY_WOKEN)) {
        return;
    }
    if (knobs_turned(c) && knobs_ready(c, g)) {
        return;
    }
    ready_quietly(c, g);
}

/* From a handler, or to another core; or somebody was next, or idles, or wants to know. Calls nothing but last, and so
 * has no frame. */
APART void ready_otherwise(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (hooked(c)) {
        ready_hooked(c, g);
    } else {
        ready_quietly(c, g);
    }
}

/* The same; true: and it is next, with nothing more to be done but guard_arm(). */
static inline bool ready_plainly(struct core *c, struct g *g) NEEDS(irq_masked) {
    is_woken(g);
    return gmp_put_next_plainly(c, g);
}

void ready(struct g *g) NEEDS(irq_masked) {
    struct core *c = this_core();
    if (ready_plainly(c, g)) {
        guard_arm(c);
    } else {
        ready_otherwise(c, g);
    }
}

void ready_by_handler(struct core *c, struct g *g) NEEDS(irq_masked) {
    is_woken(g);
    if (hooked(c)) {
        ready_hooked(c, g);
    } else {
        put_by_handler(c, g, hal_self() == &c->g0);
    }
}

void ready_in_turn(struct g *g) NEEDS(irq_masked) {
    struct core *c = this_core();
    is_woken(g);
    if (is_unusual(c) || g->pin != ANY_CORE) {
        ready_otherwise(c, g);
    } else {
        runq_put(&c->runq, g);
        wake_one();
    }
}

/* Its wait is over. w is on its stack: not to be looked at after it is ready. */
static inline struct g *waited(struct waiter *w, bool served) {
    struct g *g = w->g;
    w->g = served ? g : NULL;
    return g;
}

/* Those of a chain who come before one that is pinned, and before the last, up to a batch: to the ring, seen there all at
 * once. The others. */
static struct waiter *ready_at_once(struct core *c, struct waiter *w, bool served) NEEDS(irq_masked) {
    struct runq *q = &c->runq;
    uint32_t most = ring_room(q), first = relaxed_load(&q->tail), tail = first; /* our own */
    uint32_t end = first + (most < WAKE_BATCH ? most : WAKE_BATCH);
    while (tail != end && w->next != NULL && w->g->pin == ANY_CORE) {
        struct waiter *next = w->next;
        struct g *g = waited(w, served);
        is_woken(g);
        relaxed_store(&q->ring[tail++ % RING], g); /* published by tail */
        w = next;
    }
    if (tail != first) {
        /* release: as in ring_put() */
        atomic_store_explicit(&q->tail, tail, memory_order_release);
        wake_one();
    }
    return w;
}

void wake_all(struct waiter *chain, bool served) {
    while (chain != NULL) {
        hal_irq_t was = hal_irq_save();
        struct core *c = this_core();
        if (!is_unusual(c)) {
            chain = ready_at_once(c, chain, served);
        }
        struct waiter *next = chain->next;
        struct g *g = waited(chain, served);
        if (next != NULL) {
            ready_in_turn(g);
        } else {
            ready(g);
        }
        chain = next;
        hal_irq_restore(was);
    }
}

APART int ready_otherwise_and_open(struct core *c, struct g *g, hal_irq_t was) OPENS(irq_masked) {
    ready_otherwise(c, g);
    hal_irq_restore(was);
    return 0;
}

/* Of ready_and_open(): it is pinned, or something else is not plain. */
APART int ready_pinned_and_open(struct g *g, hal_irq_t was, struct core *c) OPENS(irq_masked) {
    if (g->where != c->hal.index || c->hal.in_handler || hooked(c)) {
        return ready_otherwise_and_open(c, g, was);
    }
    gmp_put_pinned(c, g);
    hal_irq_restore(was);
    return 0;
}

UNCOMMON static int guard_and_open(struct core *c, hal_irq_t was) OPENS(irq_masked) {
    guard_arm_now(c);
    hal_irq_restore(was);
    return 0;
}

int ready_and_open(struct g *g, hal_irq_t was) OPENS(irq_masked) {
    struct core *c = this_core();
    if (!ready_plainly(c, g)) {
        return ready_pinned_and_open(g, was, c);
    }
    if (guard_wanted(c)) {
        return guard_and_open(c, was);
    }
    hal_irq_restore(was);
    return 0;
}

int open_and_ready(spinlock_t *lock, struct g *g) OPENS(irq_masked, *lock) {
    sanitize_release((const void *)lock); /* opened here, where no sanitizer looks */
    spin_unlock_masked(lock);
    struct core *c = this_core();
    if (!ready_plainly(c, g)) {
        return ready_otherwise_and_open(c, g, hal_irq_open());
    }
    if (guard_wanted(c)) {
        return guard_and_open(c, hal_irq_open());
    }
    hal_irq_unmask();
    return 0;
}

/* ---- yield ---------------------------------------------------------------------------------- */

static struct g *yielded(struct g *g, void *next) NEEDS(irq_masked) {
    struct core *c = this_core();
    trace_g(c, EV_STOP, g, WHY_YIELD);
    gmp_put(c, g, WHY_YIELD); /* if this core has been retired, to the others */
    return next != NULL ? begin(c, next) : schedule_search();
}

/* g is pinned: its core's own list is the only one it is ever on, where nobody else looks, so it may be put there while
 * it still runs, and nothing has to be shown to others. */
static inline void yield_pinned(struct core *c, struct g *g, struct g *next) OPENS(irq_masked) {
    trace_g(c, EV_STOP, g, WHY_YIELD);
    gmp_put_pinned(c, g);
    begin(c, next);
    leave_for(g, next, &c->tick, relaxed_load(&c->tick)); /* stays what it is */
}

static struct g *yielded_by_policy(struct g *g, void *arg) NEEDS(irq_masked) {
    struct core *c = this_core();
    (void)arg;
    trace_g(c, EV_STOP, g, WHY_YIELD);
    if (!policy_put(c, g, WHY_YIELD)) {
        gmp_put(c, g, WHY_YIELD);
    }
    return schedule();
}

/* A yield that would be plain but for its events. */
static void yield_recorded(struct core *c, struct g *g, struct g *next, uint32_t shows)
    OPENS(irq_masked) {
    trace_put(c, EV_STOP, WHY_YIELD, g->id);
    slice_begin(c);
    enters(c, next, next_tick(c));
    trace_put(c, EV_START, 0, trace_pair(next->id, waiting(c, 1)));
    leave_to_others(g, next, &c->runq.tail, shows);
}

/* Pinned, others before the ring, nobody there, or somebody wants to know. g comes first, as where go_yield() needs it. */
APART void yield_closely(struct g *g, struct core *c) OPENS(irq_masked) {
    struct g *next;
    uint32_t shows;
    if (hooked(c)) {
        if (policy_is_on(c)) {
            model_leave(g, yielded_by_policy, NULL);
            return;
        }
        if (gmp_pick_is_recorded(c, next_tick(c)) && runnext_of(c) == NULL &&
            runq_behind(&c->runq) == 0 && ring_turn(&c->runq, g, &next, &shows)) {
            yield_recorded(c, g, next, shows);
            return;
        }
        if (knobs_turned(c)) {
            knobs_pick(c);
        }
    }
    next = gmp_pick(c);
    if (next != NULL && g->pin != ANY_CORE) {
        yield_pinned(c, g, next);
    } else if (next != NULL && core_active(c) && ring_room(&c->runq) != 0) {
        trace_g(c, EV_STOP, g, WHY_YIELD);
        begin_before(c, next, 1);
        leave_to_others(g, next, &c->runq.tail, ring_put_unseen(&c->runq, g));
    } else if (next != NULL || (!core_active(c) && g->pin == ANY_CORE)) {
        hal_park(g, yielded, next);
    } else {
        hal_irq_unmask(); /* it goes on */
    }
}

/* Others wait behind the ring. Unchecked: runq_turn_behind() has taken its lock. */
UNCOMMON static void yield_behind(struct core *c, struct g *g) OPENS(irq_masked) UNCHECKED {
    struct g *next = runq_turn_behind(&c->runq, g);
    if (next == NULL) {
        yield_closely(g, c);
        return;
    }
    slice_begin(c);
    enters(c, next, next_tick(c));
    leave_for(g, next, &c->runq.lock, spin_opened(&c->runq.lock, 0));
}

void go_yield(void) {
    check_may_block("go_yield");
    hal_irq_mask();
    struct core *c = this_core();
    struct g *next, *g = hal_self();
    uint32_t shows;
    uint64_t tick;
    if (!gmp_next_is_plain(c, &tick) || runnext_of(c) != NULL) {
        yield_closely(g, c);
    } else if (runq_behind(&c->runq) != 0) {
        yield_behind(c, g);
    } else if (!ring_turn(&c->runq, g, &next, &shows)) {
        yield_closely(g, c);
    } else {
        slice_begin(c);
        enters(c, next, tick);
        leave_to_others(g, next, &c->runq.tail, shows);
    }
}
