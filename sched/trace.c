/* sched/trace.c - the recorder: what happened on a core, in a ring that only that core writes.
 *
 * The race: a reader copies an event while its core overwrites it. The writer tells how many it has recorded after it has
 * done so, and before it touches the next slot, in that order for all; a reader looks at that number once more after it
 * has copied, and throws away what may have been overwritten: the oldest one, too, in whose place the next one may be
 * under way (a sequence lock, whose writer never waits):
 *
 *      writer, masked: trace_put()              reader: trace_get()
 *      done = n (release)                       the slot
 *      fence release                            fence acquire
 *      the slot of n                            done: too far on, and the copy is void
 *      done = n + 1 (release)
 *
 * Events are stamped before what they tell of can be seen by other cores, and the clock is the same
 * on all: so sorted by time they stand in an order in which they can have happened.
 * TOUR 15 / read next: sched/trace_write.c */
#include "sched/sched.h"

#include <bareloom/info.h>
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/mem.h"

/* Frames of a stack that are kept. */
#define STACK_MAX 16

#define MOST_HZ 10000

#define LEAST_EVENTS 256
#define MOST_EVENTS  131072

static unsigned stack_left[HAL_MAX_CORES]; /* in a backtrace; its core, masked */

static struct mutex starting;
static _Atomic uint64_t per_core; /* events in a ring; 0: there are no rings. release: they are there */
static _Atomic int64_t began; /* since then all cores are told to record events: docs/TRACE.md */

/* ---- stacks --------------------------------------------------------------------------------- */

/* hal_backtrace() has no argument for us: which core asks tells which ring. Unchecked: masked. */
static void put_frame(uintptr_t pc) UNCHECKED {
    struct core *c = this_core();
    if (stack_left[c->hal.index] != 0) {
        stack_left[c->hal.index]--;
        trace_put(c, EV_STACK, 0, pc);
    }
}

/* The instants stay the same whatever runs: who runs at one is who is sampled. The timer, once set for
 * one, stays so from G to G; an idle core has none. */
static int64_t next_sample(struct core *c, int64_t now) {
    int64_t every = relaxed_load(&c->sample_every);
    c->sample_when = every != 0 ? (now / every + 1) * every : INT64_MAX;
    return c->sample_when;
}

void trace_sample_next(struct core *c) NEEDS(irq_masked) {
    arm_sooner(c, next_sample(c, hal_now()));
}

static void sample(struct core *c) NEEDS(irq_masked) {
    struct g *g = hal_self();
    stack_left[c->hal.index] = STACK_MAX;
    trace_put(c, EV_SAMPLE, 0, trace_pair(g->id, 0));
    hal_backtrace_interrupted(g->stack_lo, g->stack_hi, put_frame);
}

int64_t trace_tick(struct core *c, int64_t now, int64_t when) NEEDS(irq_masked) {
    if ((relaxed_load(&c->hal.hooks) & HOOK_CPU) != 0 && relaxed_load(&c->run_since) == 0) {
        relaxed_store(&c->run_since, now); /* it has run since before we counted */
    }
    if (relaxed_load(&c->sample_every) == 0) {
        return when;
    }
    if (now >= c->sample_when) {
        sample(c); /* with a time of its own: this tick has recorded other events since now */
        next_sample(c, now);
    } else if (c->sample_when == INT64_MAX) {
        next_sample(c, now); /* the first tick of a profile */
    }
    return when < c->sample_when ? when : c->sample_when;
}

/* ---- the hooks' slow halves ----------------------------------------------------------------- */

static void count_cpu(struct core *c, enum trace_kind kind, struct g *g, int64_t now) {
    int64_t since = atomic_load_explicit(&c->run_since, memory_order_relaxed);
    if (kind == EV_START) {
        atomic_store_explicit(&c->run_since, now, memory_order_relaxed);
    } else if (since != 0 && (kind == EV_STOP || kind == EV_BLOCK || kind == EV_END)) {
        count_add(&g->cpu, (uint64_t)(now - since)); /* one core at a time runs it */
        atomic_store_explicit(&c->run_since, 0, memory_order_relaxed);
    }
    if (kind == EV_END) {
        atomic_store_explicit(&g->cpu, 0, memory_order_relaxed); /* for the next life */
    }
}

void trace_g_slow(struct core *c, enum trace_kind kind, struct g *g, unsigned arg, uint64_t b)
    NEEDS(irq_masked) {
    unsigned hooks = relaxed_load(&c->hal.hooks);
    if ((hooks & (TRACE_EVENTS | TRACE_BLOCKS)) != 0) {
        trace_put(c, kind, arg, trace_pair(g->id, b));
    }
    if ((hooks & HOOK_CPU) != 0) {
        count_cpu(c, kind, g, hal_now());
    }
    if (kind == EV_BLOCK && (hooks & TRACE_BLOCKS) != 0) {
        stack_left[c->hal.index] = STACK_MAX;
        hal_backtrace(g, NULL, g->stack_lo, g->stack_hi, put_frame);
    }
}

void trace_core_slow(struct core *c, enum trace_kind kind, unsigned arg, uint64_t value)
    NEEDS(irq_masked) {
    if ((relaxed_load(&c->hal.hooks) & TRACE_EVENTS) != 0) {
        trace_put(c, kind, arg, value);
    }
}

void trace_created(const struct g *g, go_fn *fn) {
    if (!CONFIG_TRACE) {
        return;
    }
    hal_irq_t was = hal_irq_save();
    struct core *c = this_core();
    if (hooked(c) && (relaxed_load(&c->hal.hooks) & (TRACE_EVENTS | TRACE_BLOCKS)) != 0) {
        trace_put(c, EV_CREATE, 0, trace_pair(g->id, g->parent));
        trace_put(c, EV_FN, 0, (uintptr_t)fn);
        if (g->name != NULL) {
            trace_put(c, EV_NAME, 0, (uintptr_t)g->name);
        }
    }
    hal_irq_restore(was);
}

void trace_mark(const char *text) {
    hal_irq_t was = hal_irq_save();
    trace_core(this_core(), EV_MARK, 0, (uintptr_t)text);
    hal_irq_restore(was);
}

/* ---- on and off ----------------------------------------------------------------------------- */

static int rings_make(size_t events) {
    struct trace_slot *slots[HAL_MAX_CORES];
    size_t n = LEAST_EVENTS;
    while (n < MOST_EVENTS && n < events) {
        n *= 2;
    }
    for (unsigned i = 0; i < hal_core_count(); i++) {
        slots[i] = mem_alloc(n * sizeof *slots[i]);
        if (slots[i] == NULL) {
            while (i-- > 0) {
                mem_free(slots[i], n * sizeof *slots[i]);
            }
            return -ENOMEM;
        }
    }
    for (unsigned i = 0; i < hal_core_count(); i++) {
        cores[i].ring.slots = slots[i];
        cores[i].ring.mask = n - 1;
    }
    atomic_store_explicit(&per_core, n, memory_order_release);
    return 0;
}

static void hooks_set(unsigned set, unsigned clear) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        atomic_fetch_or_explicit(&cores[i].hal.hooks, set, memory_order_release); /* the rings before it */
        atomic_fetch_and_explicit(&cores[i].hal.hooks, ~clear, memory_order_relaxed);
    }
    for (unsigned i = 0; set != 0 && i < hal_core_count(); i++) { /* from its next pick on */
        hal_irq_t was = hal_irq_save();
        if (i == this_core()->hal.index) {
            look_closer(this_core());
        } else {
            kick(i);
        }
        hal_irq_restore(was);
    }
}

static void samples_set(int64_t every) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        /* release: the rings before it. A core that runs Gs sees it in its next tick */
        atomic_store_explicit(&cores[i].sample_every, every, memory_order_release);
    }
}

int trace_start(unsigned what, size_t events, unsigned hz) {
    check_may_block("trace_start");
    if (what == 0 || what > (TRACE_EVENTS | TRACE_BLOCKS | TRACE_SAMPLES) || !CONFIG_TRACE ||
        hz > MOST_HZ || ((what & TRACE_SAMPLES) != 0) != (hz != 0)) {
        return -EINVAL;
    }
    mutex_lock(&starting);
    int r = atomic_load_explicit(&per_core, memory_order_relaxed) == 0 ? rings_make(events) : 0;
    if (r == 0) {
        hooks_set(what & (TRACE_EVENTS | TRACE_BLOCKS), 0);
        if (hz != 0) {
            samples_set(SEC(1) / hz);
        }
        if ((what & TRACE_EVENTS) != 0) {
            atomic_store_explicit(&began, hal_now(), memory_order_relaxed);
        }
    }
    mutex_unlock(&starting);
    return r;
}

void trace_stop(void) {
    hooks_set(0, TRACE_EVENTS | TRACE_BLOCKS);
    samples_set(0);
}

unsigned trace_what(void) {
    unsigned events = relaxed_load(&cores[0].hal.hooks) & (TRACE_EVENTS | TRACE_BLOCKS);
    return events | (relaxed_load(&cores[0].sample_every) != 0 ? TRACE_SAMPLES : 0);
}

static bool forget_cpu(struct g *g, void *arg) {
    (void)arg;
    atomic_store_explicit(&g->cpu, 0, memory_order_relaxed);
    return true;
}

void info_count_cpu(bool on) {
    for (unsigned i = 0; on && i < hal_core_count(); i++) {
        relaxed_store(&cores[i].run_since, 0); /* left from when it was counted last */
    }
    if (on) {
        g_each(forget_cpu, NULL); /* also of those who have ended while nobody counted */
    }
    hooks_set(on ? HOOK_CPU : 0, on ? 0 : HOOK_CPU);
}

/* ---- reading -------------------------------------------------------------------------------- */

bool trace_get(unsigned i, uint64_t n, struct trace_event *out) {
    struct trace_ring *r = &cores[i].ring;
    /* acquire, here and in done: pairs with the stores in rings_make() and trace_put() */
    uint64_t size = atomic_load_explicit(&per_core, memory_order_acquire);
    if (size == 0 || n >= atomic_load_explicit(&r->done, memory_order_acquire)) {
        return false;
    }
    const struct trace_slot *s = &r->slots[n & r->mask];
    uint64_t when_kind = relaxed_load(&s->when_kind);
    out->value = relaxed_load(&s->value);
    out->when_kind = trace_in_ns(when_kind);
    atomic_thread_fence(memory_order_acquire); /* see above */
    return relaxed_load(&r->done) < n + size;
}

uint64_t trace_in_ns(uint64_t when_kind) {
    return (uint64_t)hal_stamp_ns((int64_t)(when_kind >> 10)) << 10 | (when_kind & 1023);
}

int64_t trace_began(void) {
    return relaxed_load(&began);
}

void trace_range(unsigned i, uint64_t *first, uint64_t *end) {
    uint64_t size = atomic_load_explicit(&per_core, memory_order_acquire);
    *end = size != 0 ? atomic_load_explicit(&cores[i].ring.done, memory_order_acquire) : 0;
    *first = *end >= size && size != 0 ? *end - size + 1 : 0; /* as many as were overwritten */
}
