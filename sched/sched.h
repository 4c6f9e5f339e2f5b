/*
 * sched/sched.h - the three things the scheduler knows: G, core, and the machine as a whole.
 *
 * A G is in exactly one place, and that place says who may touch it:
 *
 *                      go                        dispatch
 *        DEAD ------------------> RUNNABLE ------------------> RUNNING
 *         ^   free list           ring, runnext,               on one core
 *         |                       overflow, pinned,             |  |  |
 *         |                       global, inbox                 |  |  |
 *         |                           ^   ^    yield, preempt   |  |  |
 *         |                     ready |   +---------------------+  |  |
 *         |                           |                       park |  |
 *         |                        WAITING <-----------------------+  |
 *         +-----------------------------------------------------------+ exit
 *
 * A G is published (put where another core can find it) after it is off its stack: on g0, or by one store
 * of hal_switch(). Ring, runnext and pinned list are written by their own core alone, masked.
 * Everyone else - a handler, another core - hands a G over through core->inbox (HAZARDS 1).
 *
 * TOUR 4 / read next: sched/go.c
 */
#pragma once

#include <stdatomic.h>

#include <bareloom/base.h>
#include <bareloom/config.h>
#include <bareloom/go.h>

#include "hal/hal.h"
#include "hal/sanitize.h"
#include "sched/relaxed.h"
#include "sched/spinlock.h"
#include "sched/trace.h"

struct rwmutex;
struct due;
struct policy;
struct timer;

/* The uncommon end of a short function: called last, so that the rest of it needs no frame. */
#define UNCOMMON __attribute__((noinline, cold))

/* The same of what is not that uncommon, and is to be short itself. */
#define APART __attribute__((noinline)) static

/* Why a G is put on a queue; policies may care. */
enum why { WHY_WOKEN, WHY_YIELD, WHY_SLICE, WHY_DISPLACED, WHY_NEW };

enum g_state { G_DEAD, G_RUNNABLE, G_RUNNING, G_WAITING };

/* What a waiting G waits for; the texts in sched/info.c are Go's. */
enum wait_reason {
    WAIT_NONE,
    WAIT_SLEEP,
    WAIT_CHAN_SEND,
    WAIT_CHAN_RECV,
    WAIT_CHAN_SEND_NIL,
    WAIT_CHAN_RECV_NIL,
    WAIT_MUTEX,
    WAIT_WG,
    WAIT_SEMA,
    WAIT_SELECT,
    WAIT_SELECT_NONE,
    WAIT_RWMUTEX_R,
    WAIT_RWMUTEX_W,
    WAIT_COND,
    WAIT_EVENT,
    WAIT_BARRIER,
    WAIT_JOIN,
    WAIT_IO,
    WAIT_REASONS
};

#define ANY_CORE UINT8_MAX

/* Something that is due at a point in time: in a core's heap, under that heap's lock. It is never
 * unmapped, and seq tells a late handler that it was set anew: so no handler has to be waited for. */
struct alarm {
    _Atomic uint32_t seq; /* the wait that it ends, or which setting of a timer it is. First: loads with acquire take no
                             offset */
    _Atomic uint32_t pos; /* index in the heap, or ALARM_IDLE; written under the heap's lock */
    int64_t when;
    _Atomic(struct alarm_heap *) heap; /* in which it was last; written under that one's lock */
    bool is_timer;                     /* it lies in a struct timer, not in a struct g; set once */
};

struct g {
    struct hal_g hal;
    int64_t slice_used; /* of a displaced G: how much of its slice is gone, in stamps; beside hal.frame */
    struct g *link; /* next in whatever list the G is on */

    /* Set while dead, read by anyone */
    uint64_t id;
    const char *name;
    uintptr_t creator;  /* behind the call of go(), for dumps; 0: the first */
    uint64_t parent;    /* number of the G that made that call */
    uintptr_t stack_lo; /* lowest address it may use; the guard lies below its slot */
    uintptr_t stack_hi;
    union {
        struct {
            uint8_t pin; /* the only core it may run on, or ANY_CORE. With affinity: where it is now */
            uint8_t affinity; /* 0, or several bits: the cores that it may run on (affinity.c) */
            uint8_t stack_class;
            bool deep; /* more of its stack is committed than a dead one keeps; follows stack_low, written with it */
            bool system; /* the runtime's own: not counted, not listed, never ends; set before it starts */
            bool leaves; /* it has had locals or a join, which have to be seen to when it ends */
        };
        uint16_t where; /* the first two: a core's index is that of one pinned there for good */
        uint64_t kind;  /* all of them, for who asks whether it is KIND_PLAIN */
    };

    /* The G and its core's handlers */
    union {
        struct {
            volatile uint32_t preempt_off; /* depth, by the G; and IN_HANDLER, while a program's handler runs over it */
            volatile uint32_t mutexes; /* how many it owns; 0 when it ends */
        };
        volatile uint64_t holds; /* both. Volatile is enough for one core, and unlike an atomic's its load takes an
                                    offset */
    };

    /* Written by whoever owns the G (its core while running, the queue's owner else); read racily
     * by dumps, hence atomic, relaxed */
    _Atomic uint32_t status; /* G_DEAD, G_RUNNABLE also while it runs, or G_WAITING + enum wait_reason */
    _Atomic bool made; /* it has a stack, whose bounds stay for ever; set once, release; read by anyone */
    bool told; /* the watchdogs', of what stands below: it was reported. Here there is room */
    _Atomic uint64_t entry; /* the tick of the core that has entered it last; also in lives before */
    _Atomic uint64_t cpu;   /* nanoseconds that it ran while HOOK_CPU was set (trace.c) */
    int64_t since; /* plain, a dump may tell a wrong age. A stamp: when it began to wait, by its slice's begin */

    /* Running G only */
    uintptr_t stack_low; /* lowest committed address: only its own core faults on it (HAZARDS 14) */

    /* Running G only: what has to be seen to when it ends. All NULL, and 0, while it is dead */
    struct cleanup *cleanups; /* latest first (cleanup.c) */
    void *local;              /* go_local() */
    struct locals *locals;    /* values under keys (local.c); set with leaves */
    struct join *join;    /* what others wait for its end on; set before it starts, with leaves */
    struct catch *catch;  /* the innermost go_try(); NULL also when its function returns */
    struct panic *panics; /* under way, latest first; the same */

    _Atomic uint32_t resched; /* a handler wanted to preempt while preempt_off; cleared by the G */

    /* A wait that more than one may end: seq << 1 | claimed (sched/wait.h) */
    _Atomic uint32_t wait;
    struct alarm alarm; /* its deadline; set by the G, started on g0 */
    /* The mutex, rwmutex or join that it waits for, whose first word names a holder (watch.c), and WAITS_LIMITED;
     * else NULL. Written by the G (wait.h), read by watchdogs, hence atomic */
    _Atomic(void *) waits_on;

    /* Watchdogs */
    uint32_t seen; /* from here on who does a step in watch.c: what it did */
    uint32_t seen_step;
    int64_t seen_at; /* since then, as seen from there */

    /* Policies (policy.c). Written by who owns the G */
    _Atomic uint8_t prio;
    uint8_t why;          /* enum why, beside an inbox */
    uint8_t home;         /* the core that it was put to last */
    _Atomic uint8_t held; /* not 0: a policy has it, and since which choice of one */
    _Atomic uint32_t said; /* half the number of the G that said prio, tickets and what is due (said.h) */
    uint32_t tickets;
    uint32_t budget;       /* of one that was displaced: what is left of its reductions (knobs.c) */
    const struct due *due; /* of the running G; NULL: nothing is */
    _Atomic(const struct policy *) words; /* whose the two are that follow */
    uintptr_t policy[2];                  /* the policy's own */
};

/* On any core, with a stack of the default class that a dead one may keep, a program's, and none of these to be seen to:
 * little endian, as all ports are. */
#define KIND_PLAIN ((uint64_t)ANY_CORE)

/* The same with a stack of that class. */
#define KIND_OF(class) (KIND_PLAIN | (uint64_t)(class) << 16)
_Static_assert(offsetof(struct g, stack_class) == offsetof(struct g, kind) + 2,
               "as KIND_OF() says");
_Static_assert(offsetof(struct g, pin) == offsetof(struct g, kind), "pin is the lowest byte of it");

/* Beside waits_on: not for longer than a limit. */
#define WAITS_LIMITED ((uintptr_t)1)

/* Whose deadline it is; not of a timer's. */
static inline struct g *g_of_alarm(const struct alarm *a) {
    return (struct g *)(uintptr_t)((const char *)a - offsetof(struct g, alarm));
}

/* A first-in first-out list of Gs through link. */
struct gqueue {
    struct g *head, *tail;
};

#define RING 1024u
_Static_assert((RING & (RING - 1)) == 0, "head and tail wrap");

/* Runnable Gs of one core. Strictly first in, first out: ring first, then overflow. */
struct runq {
    _Atomic uint32_t tail;           /* owner only, masked; release publishes the slots before it */
    _Atomic uint32_t overflow_count; /* written under lock; read without: a hint but for the owner's own
                                        additions */
    _Atomic uint32_t head __attribute__((aligned(64))); /* CAS by the owner and by thieves */

    spinlock_t lock __attribute__((aligned(64))); /* over overflow */
    struct gqueue overflow;

    _Atomic(struct g *) ring[RING] __attribute__((aligned(64)));
};

struct alarm_slot {
    int64_t when;
    struct alarm *alarm;
};

struct alarm_heap {
    spinlock_t lock;
    struct alarm_slot *slots; /* grows in a window of address space, page by page */
    /* Written under lock; read without by the owner - who alone adds, and so finds n only too large and first only
     * too early - and by reports. relaxed: the lock orders the slots */
    _Atomic uint32_t n;
    _Atomic int64_t first; /* when of slots[0]; INT64_MAX: n is 0 */
    uint32_t capacity;     /* owner core only, grown before the lock is taken */
};

static inline uint32_t alarms_in(const struct alarm_heap *h) {
    return relaxed_load(&h->n);
}

/* Owner, masked. When the next one is due, perhaps too early; INT64_MAX: none. */
static inline int64_t alarms_next(const struct alarm_heap *h) {
    return relaxed_load(&h->first);
}

#define MAGAZINE 32u

/* A free preemption frame; while in use its other bytes are the port's (hal.h, HAL_FRAME_SIZE). */
struct frame {
    struct frame *next;
};

struct counters {
    _Atomic uint64_t started, ended; /* without the runtime's own Gs */
    _Atomic uint64_t stolen, preempted, ticks, ipis_sent, ipis_received;
    _Atomic uint64_t idle_wakes, futile_wakes, frames_short, faults, spun;
    _Atomic uint64_t idle;        /* stamps */
    _Atomic int64_t asleep_since; /* a stamp; 0: awake */
};

/* Free objects of one class (stash.c). */
struct stash {
    struct item *top, *full; /* chains; full: NULL, or GO_STASH_BATCH of them */
    uint32_t n;              /* in top: fewer */
};

/* Whom a core watches, from when on it has seen no sign of life (watch.c). */
struct watching {
    unsigned core;
    uint64_t beat;
    int64_t at;
    uint64_t ticks; /* own ones until then */
    bool told;
};

struct core {
    struct hal_core hal;

    /* Own core only, masked; what each switch needs comes first */
    _Atomic(struct g *) runnext; /* private: no thief takes it; others only look whether it is there */
    struct gqueue pinned; /* in front perhaps a displaced G that lost runnext to one its displacer woke */
    int64_t slice_stamp; /* when the running G's slice began */
    _Atomic uint64_t tick; /* grows by HAL_MAX_CORES with each entry of a G, and when there is none to enter, from the
                              core's index: no two entries have the same */
    uint64_t look_at;    /* the tick from which on a pick is not plain: gmp.h */
    uint64_t around_at;  /* the tick from which on one looks everywhere */
    uint64_t next_id;    /* for a new G; a multiple of 16: none left (go.c) */
    struct g **dead_top; /* behind the last one in its cache of dead Gs (go.c) */
    bool pinned_turn;
    bool searching;   /* this core owns one of machine.searchers */
    bool watch_later; /* since watched they have been put off to a tick of their own */
    uint32_t random;
    struct g *guard; /* the G that sat in runnext when the guard was armed, or NULL */
    struct trace_ring ring;

    /* Anyone pushes (CAS, release), the owner takes all (exchange, acquire) */
    _Atomic(struct g *) inbox __attribute__((aligned(64)));

    /* Own core only, masked */
    uint64_t slice_over_at /* the tick (above) of the entry whose slice is over; read at interrupt exit */
        __attribute__((aligned(64)));
    int64_t slice_drawn; /* in a simulation: how much of the slice counted as gone when it began */
    int64_t deadline;    /* what the timer is set to; INT64_MAX: off */
    int64_t last_displaced; /* the brake of wake-up preemption */
    uint64_t guard_tick;
    int64_t guard_when;
    uint32_t budget;      /* of the slice that goes on, while reductions are counted (knobs.c) */
    const struct g *heir; /* if it is entered next, it goes on in its waker's slice */
    struct frame *frames; /* free preemption frames */
    uint32_t frame_count;
    void *magazine[MAGAZINE]; /* pages for stack faults alone (HAZARDS 13) */
    uint32_t magazine_count;
    struct counters n;
    uint64_t flights; /* how many the flight recorder has recorded; it is read by who has stopped this core */
    struct trace_event flight[FLIGHT];

    _Atomic int64_t sample_every; /* 0: no samples are taken; anyone, as hooks (trace.c) */
    int64_t sample_when;          /* owner, masked: the next */
    _Atomic int64_t run_since;    /* when its G was entered, while HOOK_CPU is set; else 0 */

    struct watching watching;
    int64_t watched;           /* when the watchdogs' part of a tick was done last; own core only */
    _Atomic uintptr_t last_pc; /* where its last tick came, and over which G; for reports */
    _Atomic uint64_t last_id;
    _Atomic uint32_t naps; /* odd: asleep; written by the owner, read by the last to fall asleep (asleep.c) */

    struct alarm_heap alarms;
    _Atomic(struct timer *) timer;        /* a free one, or NULL; own core only, masked: relaxed */
    struct stash stash[GO_STASH_CLASSES]; /* own core only, masked */
    struct g g0;

    struct runq runq; /* last, and its ring there, too: one instruction reaches what is within 4 KiB */
} __attribute__((aligned(64)));

/* The machine. idle_mask and searchers share a line on purpose: a waker reads both. */
struct machine {
    _Atomic uint32_t idle_mask; /* bit i: core i sleeps, or is about to, and may be chosen by a waker */
    _Atomic uint32_t searchers; /* cores that look for work, or have been woken to */
    _Atomic uint32_t active;    /* cores 0 .. active-1 run Gs that are not pinned */
    _Atomic int64_t slice;
    _Atomic uint32_t listeners; /* drivers whose interrupts may yet wake a G; written by Gs (irq.c) */
    _Atomic bool started;
};
_Static_assert(offsetof(struct machine, idle_mask) == 0, "hal_switch_look() reads it there");

extern struct core cores[HAL_MAX_CORES];
extern struct machine machine;

/* The current core. Masked: else the G could move between the read and the use. */
static inline struct core *this_core(void) NEEDS(irq_masked) {
    return hal_core();
}

static inline bool core_active(const struct core *c) {
    return c->hal.index < relaxed_load(&machine.active);
}

static inline struct g *runnext_of(const struct core *c) {
    /* relaxed: only the owner acts on the pointer; others only test it */
    return relaxed_load(&c->runnext);
}

/* Adds to a counter of this core: one writer, so no read-modify-write is needed. */
static inline void count_add(_Atomic uint64_t *n, uint64_t by) {
    uint64_t v = relaxed_load(n);
    relaxed_store(n, v + by);
}

static inline void count(_Atomic uint64_t *n) {
    count_add(n, 1);
}

static inline void g_set_status(struct g *g, unsigned s) {
    relaxed_store(&g->status, s);
}

static inline unsigned g_status(const struct g *g) {
    return relaxed_load(&g->status);
}

/* WAIT_NONE: it does not wait. */
static inline enum wait_reason g_waits_for(const struct g *g) {
    unsigned s = g_status(g);
    return s < G_WAITING ? WAIT_NONE : (enum wait_reason)(s - G_WAITING);
}

/* Where it runs, or last ran. */
static inline unsigned g_core(const struct g *g) {
    return (unsigned)(relaxed_load(&g->entry) % HAL_MAX_CORES);
}

/* One that can run is running if its core has not entered another since. */
static inline enum g_state g_state(const struct g *g) {
    unsigned s = g_status(g);
    if (s == G_RUNNABLE && relaxed_load(&cores[g_core(g)].tick) == relaxed_load(&g->entry)) {
        return G_RUNNING;
    }
    return s < G_WAITING ? (enum g_state)s : G_WAITING;
}

/* Times that c has entered a G, or left one without another to enter. */
static inline uint64_t core_switches(const struct core *c) {
    return relaxed_load(&c->tick) / HAL_MAX_CORES;
}

/* The running G's slice is over, and it has not been possible yet to take its core away. */
static inline bool slice_is_over(const struct core *c) {
    return c->slice_over_at == relaxed_load(&c->tick);
}

/* When the running G's slice began, as the tick counts it. */
static inline int64_t slice_start(const struct core *c) {
    return hal_stamp_ns(c->slice_stamp) - (CONFIG_SIM != 0 ? c->slice_drawn : 0);
}

static inline int64_t slice_length(void) {
    return relaxed_load(&machine.slice);
}

/* Own core, masked. The next pick is not plain: there is something that such a one does not look at (gmp.h). */
static inline void look_closer(struct core *c) NEEDS(irq_masked) {
    c->look_at = 0;
}

/* Own core, masked. The next pick looks everywhere: also at what changes seldom, and at the pools. */
static inline void look_everywhere(struct core *c) NEEDS(irq_masked) {
    c->look_at = c->around_at = 0;
}

/* Whether anything is done at events. */
static inline bool hooked(const struct core *c) {
    /* relaxed: a switch that is seen sooner or later */
    return CONFIG_TRACE && __builtin_expect(relaxed_load(&c->hal.hooks) != 0, 0);
}

/* Masked. Over a handler, or something is done at events. */
static inline bool is_unusual(const struct core *c) NEEDS(irq_masked) {
    /* relaxed: as in hooked() */
    return HAL_ATOMICS_SEEN ? c->hal.in_handler || hooked(c) : relaxed_load(&c->hal.unusual) != 0;
}

/* Events, and nothing else. */
static inline bool only_recorded(const struct core *c) {
    return CONFIG_TRACE && relaxed_load(&c->hal.hooks) == TRACE_EVENTS;
}

static inline uint64_t trace_pair(uint64_t a, uint64_t b) {
    return (a & UINT32_MAX) | b << 32;
}

/* The hooks stand in what a compiler thinks cold, and there it would call them. */
#define INLINE_COLD __attribute__((always_inline)) static inline

/* One event into c's ring, after a look at hooks has said that they are recorded. Own core, masked. */
INLINE_COLD void trace_put(struct core *c, enum trace_kind kind, unsigned arg, uint64_t value)
    NEEDS(irq_masked) {
    /* acquire: pairs with hooks_set() and samples_set(), the ring is there; release, here and below: see trace.c */
    atomic_thread_fence(memory_order_acq_rel);
    uint64_t n = relaxed_load(&c->ring.done); /* ours */
    struct trace_slot *s = &c->ring.slots[n & c->ring.mask];
    uint64_t now = (uint64_t)hal_stamp_now();
    relaxed_store(&s->when_kind, now << 10 | (arg << 5 | kind));
    relaxed_store(&s->value, value);
    atomic_store_explicit(&c->ring.done, n + 1, memory_order_release);
}

/* Behind a hook: trace_g(), and what else is to be told of it. */
INLINE_COLD void trace_g_hooked(struct core *c, enum trace_kind kind, struct g *g, unsigned arg,
                                uint64_t b) NEEDS(irq_masked) {
    if (only_recorded(c)) {
        trace_put(c, kind, arg, trace_pair(g->id, b));
    } else {
        trace_g_slow(c, kind, g, arg, b);
    }
}

/* Something happens to a G. Own core, masked. */
INLINE_COLD void trace_g(struct core *c, enum trace_kind kind, struct g *g, unsigned arg)
    NEEDS(irq_masked) {
    if (hooked(c)) {
        trace_g_hooked(c, kind, g, arg, 0);
    }
}

/* A core does something. Own core, masked. */
static inline void trace_core(struct core *c, enum trace_kind kind, unsigned arg, uint64_t value)
    NEEDS(irq_masked) {
    if (hooked(c)) {
        trace_core_slow(c, kind, arg, value);
    }
}

/* One event into the flight recorder. Own core, masked. */
static inline void trace_flight(struct core *c, enum trace_kind kind, unsigned arg, uint64_t value)
    NEEDS(irq_masked) {
    if (CONFIG_TRACE) {
        struct trace_event *e = &c->flight[c->flights++ % FLIGHT];
        e->when_kind = (uint64_t)hal_stamp() << 10 | (arg << 5 | kind);
        e->value = value;
    }
}

/* trace_core() for what happens seldom, and is recorded always. */
static inline void trace_core_always(struct core *c, enum trace_kind kind, unsigned arg,
                                     uint64_t value) NEEDS(irq_masked) {
    trace_flight(c, kind, arg, value);
    trace_core(c, kind, arg, value);
}

/* g0. Gs run here again: samples are due again. */
static inline void trace_runs_again(struct core *c) NEEDS(irq_masked) {
    if (CONFIG_TRACE && relaxed_load(&c->sample_every) != 0) {
        trace_sample_next(c);
    }
}

/* ---- schedule.c: leaving and entering Gs ---------------------------------------------------- */

/* g0, masked. The G to enter next, by hal_park() and its like or by hal_enter(). Sleeps until there is
 * one. */
struct g *schedule(void) NEEDS(irq_masked);

/* On g, masked, the own core is c: g has ended, and this core goes on with the next. Does not come back, but is called
 * as if it did: so as what is called last, without a frame. */
void schedule_ended(struct g *g, struct core *c) OPENS(irq_masked);

/* g0, masked, after that has found none: searches, or sleeps without a tick, until there is a G. */
struct g *schedule_search(void) NEEDS(irq_masked);

/* g0 of a core that begins: the same, and its tick is set. */
struct g *schedule_first(void) NEEDS(irq_masked);

/* g0, masked. The same for a chosen one, whose slice has begun. */
struct g *dispatch(struct core *c, struct g *g) NEEDS(irq_masked);

/* A G, masked, holding no spinlock but the one that then() opens. The G waits for reason; then(g,
 * arg) runs on g0 once it is off its stack and makes it findable: not before, or a waker could
 * enter it twice. It ends with schedule(). Returns, masked, after somebody's ready(g). */
void park(enum wait_reason reason, hal_then *then, void *arg) NEEDS(irq_masked);

/* The class of stacks that have no guard but a canary (stack.h): a bit of its own. And what lies at their
 * end. */
#define STACK_SMALL 4u
#define CANARY      UINT64_C(0x9e3779b97f4a7c15)

_Noreturn void stack_overflown(const struct g *g);

/* g is the caller, or off its core: ends the machine if its stack is a small one and it has used more. */
static inline void stack_check(const struct g *g) {
    if (__builtin_expect((g->stack_class & STACK_SMALL) != 0, 0) &&
        *(const volatile uint64_t *)g->stack_lo != CANARY) {
        stack_overflown(g);
    }
}

/* Own G: what dumps tell of it from now on; status is G_WAITING + the reason. */
static inline void begin_wait(struct core *c, struct g *g, unsigned status) NEEDS(irq_masked) {
    stack_check(g);
    g->since = c->slice_stamp;
    g_set_status(g, status);
}

/* The same with what is commonest: a spinlock is opened, with that note, and that is what makes it findable. g is the
 * caller, status is G_WAITING + its reason. Returns unmasked. */
void park_on(spinlock_t *lock, unsigned status, struct g *g, uint64_t note) OPENS(irq_masked, *lock);

/* Masked. Makes a waiting G runnable; the caller is the one who ended its wait. Any context. */
void ready(struct g *g) NEEDS(irq_masked);

/* The same by a handler of c, the own core. */
void ready_by_handler(struct core *c, struct g *g) NEEDS(irq_masked);

/* The same for one of many that are woken at once: behind those who can run here already. */
void ready_in_turn(struct g *g) NEEDS(irq_masked);

/* The same and hal_irq_restore(was), for what ends with both; 0, for what ends well then. */
int ready_and_open(struct g *g, hal_irq_t was) OPENS(irq_masked);

/* The same by a G that was not masked before it took lock, which is opened first: then g may free what it is in. */
int open_and_ready(spinlock_t *lock, struct g *g) OPENS(irq_masked, *lock);

/* Says why the caller may not block, and panics. what names the call. */
_Noreturn void must_not_block(const char *what);

/* Added to preempt_off of what a program's handler runs over, a G or g0 (irq.c): so one look tells. */
#define IN_HANDLER (UINT32_C(1) << 31)

/* Whether the caller is a G that may block. */
static inline bool may_block(void) {
    return __builtin_expect(hal_self()->preempt_off == 0, 1);
}

/* Panics unless. */
static inline void check_may_block(const char *what) {
    if (!may_block()) {
        must_not_block(what);
    }
}

/* Panics unless the caller is a G. */
void check_g(const char *what);

/* ---- gmp.c: policy -------------------------------------------------------------------------- */

/* Masked, own core, g0 or a G. Puts a runnable G on c's queues. */
void gmp_put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked);

/* g0. A G taken from another core, the rest of the loot on c's ring; or NULL. */
struct g *gmp_steal(struct core *c) NEEDS(irq_masked);

/* Masked, own core. Whether anything but the running G could run here now. */
bool gmp_anything(struct core *c) NEEDS(irq_masked);

/* Masked, own core. What sits in runnext goes to the ring, where thieves see it. */
void gmp_publish_runnext(struct core *c) NEEDS(irq_masked);

/* A random number below n, which is not 0. Not for secrets. Any context. */
uint32_t random_below(uint32_t n);

/* ---- inbox.c -------------------------------------------------------------------------------- */

/* Masked, any core and context. Hands a runnable G to c, and kicks c if it is another core. */
void inbox_put(struct core *c, struct g *g) NEEDS(irq_masked);

/* The same of one that is pinned, to the core where it may run. */
void inbox_put_pinned(struct g *g) NEEDS(irq_masked);

/* Own core, masked. Takes everything, in order of arrival. */
struct gqueue inbox_take(struct core *c) NEEDS(irq_masked);

static inline bool inbox_empty(const struct core *c) {
    /* relaxed: an owner that finds it empty is kicked by the next push; the idle path fences
     * first */
    return relaxed_load(&c->inbox) == NULL;
}

/* ---- idle.c --------------------------------------------------------------------------------- */

/* Masked. Work was put where thieves see it: wakes one idle core unless one is searching
 * already. */
void wake_idle(void) NEEDS(irq_masked); /* the rest of it, when a core idles */

static inline bool wake_needed(void) NEEDS(irq_masked) {
    /* the waker's half of the fence pair in idle.c */
    atomic_thread_fence(memory_order_seq_cst);
    return __builtin_expect(relaxed_load(&machine.idle_mask) != 0, 0);
}

static inline void wake_one(void) NEEDS(irq_masked) {
    if (wake_needed()) {
        wake_idle();
    }
}

/* g0. c found nothing: announces, looks again at everything, sleeps. Returns when there may be
 * work. */
void idle(struct core *c) NEEDS(irq_masked);

/* g0. Sleeps, and is not to be chosen by who puts work. */
void sleep_unannounced(struct core *c) NEEDS(irq_masked);

/* g0. c begins to search, if it may; and ends. search_end wakes the next one if work is left. */
bool search_begin(struct core *c) NEEDS(irq_masked);
void search_end(struct core *c, bool found) NEEDS(irq_masked);

/* g0. Sleeps until an interrupt, and runs its handlers. When nothing is left that could wake any core
 * it ends the machine instead. */
void nap(struct core *c) NEEDS(irq_masked);

/* First of all in every upcall of an interrupt that may have come to a sleeping core. */
static inline void nap_over(struct core *c) {
    uint32_t n = relaxed_load(&c->naps); /* own */
    if (__builtin_expect(n % 2 != 0, 1)) {
        relaxed_store(&c->naps, n + 1);
        /* Before all that this core does awake (asleep.c); and store naps, then load where the roaming line is, and the
         * others' (irq.c). */
        atomic_thread_fence(memory_order_seq_cst);
    }
}

/* Masked. hal_ipi with a counter. */
void kick(unsigned core) NEEDS(irq_masked);

/* ---- preempt.c ------------------------------------------------------------------------------ */

/* Masked, own core. The timer comes at when; the second: if it would have come later. */
void arm(struct core *c, int64_t when) NEEDS(irq_masked);

static inline void arm_sooner(struct core *c, int64_t when) NEEDS(irq_masked) {
    if (when < c->deadline) {
        arm(c, when);
    }
}

/* Masked, own core. If another core idles, what was put into runnext must not stay there (HAZARDS
 * 3). */
UNCOMMON void guard_arm_now(struct core *c) NEEDS(irq_masked);

static inline bool guard_wanted(const struct core *c) NEEDS(irq_masked) {
    /* relaxed, no fence: a missed one costs at most the rest of the slice, see ask_for_guards() */
    return __builtin_expect(relaxed_load(&machine.idle_mask) != 0, 0) && c->guard == NULL;
}

static inline void guard_arm(struct core *c) NEEDS(irq_masked) {
    if (guard_wanted(c)) {
        guard_arm_now(c);
    }
}

/* Masked, own core, in a pick. Keeps the pools of c filled that handlers draw on: frames and stack pages. */
void refill(struct core *c) NEEDS(irq_masked);

/* g0. Gives a frame back; nobody takes it before this core's next pick. */
void frame_free(struct core *c, void *frame) NEEDS(irq_masked);

/* ---- irq.c: the line that roams ------------------------------------------------------------- */

/* The core that it goes to; HAL_MAX_CORES: no line roams. */
extern _Atomic unsigned irq_roams_at;

/* Masked: from c to a core that sleeps, and goes on doing so. */
UNCOMMON void irq_hand_on(struct core *c) NEEDS(irq_masked);

/* Masked: c, which has said so in naps, falls asleep; it has woken and is about to run something. */
void irq_falls_asleep(struct core *c) NEEDS(irq_masked);

static inline void irq_wakes(struct core *c) NEEDS(irq_masked) {
    if (relaxed_load(&irq_roams_at) == c->hal.index) { /* after the fence in nap_over() */
        irq_hand_on(c);
    }
}

/* Masked. That core answers no more: the line comes to this one, if it was there. */
void irq_leaves(unsigned core) NEEDS(irq_masked);

/* ---- go.c ----------------------------------------------------------------------------------- */

/* A dead G with a stack of at least size bytes whose first page is there, or NULL. From a G or
 * g0. */
struct g *g_alloc(size_t size);

/* A core begins, with no dead Gs at hand; and how many there are: own core, masked. */
void gs_core(struct core *c);
unsigned gs_at_hand(const struct core *c);

/* Memory is short: dead Gs give back the stack pages that they keep. True: some came free. A G, holding no
 * lock. */
bool gs_trim(void);

/* go_with() without its checks; also on g0, for the first G. creator: where go() was called. */
int g_start(const struct go_opts *o, go_fn *fn, void *arg, uintptr_t creator);

/* The two halves of that: a G that nobody can find yet, whose function gets a copy of n bytes at arg,
 * or arg itself if n is 0; and its start. 0, -EINVAL, -ENOMEM. */
int g_make(struct g **out, const struct go_opts *o, go_fn *fn, const void *arg, size_t n,
           uintptr_t creator);
void g_launch(struct g *g);

/* The same for a G whose end others wait for on j. */
void g_launch_joinable(struct g *g, struct join *j);

/* What go() and its like check: that it is called from a G, with a function. */
void check_go(bool has_fn);

/* Gs that have been started and have not ended. */
unsigned gs_alive(void);

/* Behind the call of the function that says it. */
#define CALL_SITE ((uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)))

/* A G. Starts one of the runtime's own, which never ends. */
int go_system(const char *name, go_fn *fn);

/* Ends g after it is off its stack: go_exit()'s second half, and a fault's. */
struct g *g_end(struct g *g, void *arg) NEEDS(irq_masked);

/* Every G there ever was, dead ones too: calls fn until it returns false. */
void g_each(bool (*fn)(struct g *g, void *arg), void *arg);

/* The same in pieces: the next G, NULL after the last; then it begins again. Zeroed at first. */
struct g_page;
struct g_cursor {
    struct g_page *page;
    size_t at;
};
struct g *g_next(struct g_cursor *c);

/* Whether there is such a G, dead or not. */
bool g_exists(const struct g *g);

/* ---- panic.c -------------------------------------------------------------------------------- */

/* g0. "fatal error: " and text, all Gs, the end. */
_Noreturn void machine_dead(const char *text);

/* ---- rwmutex.c ------------------------------------------------------------------------------ */

/* The writer that holds it, or NULL. Racy, for dumps. Any context. */
struct g *rwmutex_writer(const struct rwmutex *m);

/* ---- affinity.c ----------------------------------------------------------------------------- */

/* Masked, by who makes g runnable, or has it off its core. The one of its cores where it is to wait; pin is that
 * one from now on. */
UNCOMMON unsigned affine_core(struct g *g) NEEDS(irq_masked);

/* The same for each that may not run everywhere. */
static inline unsigned pinned_to(struct g *g) NEEDS(irq_masked) {
    return __builtin_expect(g->affinity != 0, 0) ? affine_core(g) : g->pin;
}

/* A G, masked: it goes on on core, unmasked, and stays there as long as where is what it was then. */
void go_on_at(unsigned core) OPENS(irq_masked);

/* ---- cores.c -------------------------------------------------------------------------------- */

/* The program's first G; the C library's start. */
void go_main(void *arg);

/* g0. c is not active: what it has that is not pinned goes to the global queue. */
void core_hand_over(struct core *c) NEEDS(irq_masked);

static inline void gqueue_push(struct gqueue *q, struct g *g) {
    g->link = NULL;
    if (q->head == NULL) {
        q->head = g;
    } else {
        q->tail->link = g;
    }
    q->tail = g;
}

static inline void gqueue_push_front(struct gqueue *q, struct g *g) {
    g->link = q->head;
    if (q->head == NULL) {
        q->tail = g;
    }
    q->head = g;
}

/* All of from behind all of q; from is empty then. */
static inline void gqueue_append(struct gqueue *q, struct gqueue *from) {
    if (from->head == NULL) {
        return;
    }
    if (q->head == NULL) {
        q->head = from->head;
    } else {
        q->tail->link = from->head;
    }
    q->tail = from->tail;
    from->head = NULL;
}

static inline struct g *gqueue_pop(struct gqueue *q) {
    struct g *g = q->head;
    if (g != NULL) {
        q->head = g->link;
    }
    return g;
}
