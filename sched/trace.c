/* sched/trace.c - the recorder: what happened on a core, in a ring that only that core writes.
 *
 * The race: a reader copies an event while its core overwrites it. The writer counts what it has begun
 * before it touches a slot, and what it has done after that; a reader looks at begun after it has
 * copied, and throws away what may have been overwritten (a sequence lock, whose writer never waits):
 *
 *      writer, masked                           reader
 *      begun = n + 1                            the slot
 *      fence release                            fence acquire
 *      the slot                                 begun: too far on, and the copy is void
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
#include "sched/pages.h"
#include "sched/runq.h"

#define PER_PAGE   (HAL_PAGE / sizeof(struct slot))
#define MOST_PAGES (HAL_PAGE / sizeof(struct slot *))

/* Frames of a stack that are kept. */
#define STACK_MAX 16

#define MOST_HZ 10000

struct slot {
    _Atomic uint64_t when_kind, value;
};

static struct ring {
    _Atomic uint64_t begun, done; /* its core, masked */
    struct slot **pages;          /* both set once, before the first hook */
    uint64_t mask;
    unsigned stack_left; /* its core, masked: in a backtrace */
} rings[HAL_MAX_CORES];

static struct mutex starting;
static _Atomic uint64_t per_core; /* events in a ring; 0: there are no rings. release: they are there */
static _Atomic int64_t began;     /* since then all cores record events */

/* ---- one event ------------------------------------------------------------------------------ */

static struct slot *slot_of(const struct ring *r, uint64_t n) {
    uint64_t at = n & r->mask;
    return &r->pages[at / PER_PAGE][at % PER_PAGE];
}

static inline void put(struct core *c, int64_t now, enum trace_kind kind, unsigned arg,
                       uint64_t value) NEEDS(irq_masked) {
    struct ring *r = &rings[c->hal.index];
    uint64_t n = atomic_load_explicit(&r->done, memory_order_relaxed); /* ours */
    struct slot *s = slot_of(r, n);
    atomic_store_explicit(&r->begun, n + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release); /* see above */
    atomic_store_explicit(&s->when_kind, (uint64_t)now << 10 | arg << 5 | kind, memory_order_relaxed);
    atomic_store_explicit(&s->value, value, memory_order_relaxed);
    atomic_store_explicit(&r->done, n + 1, memory_order_release);
}

static uint64_t pair(uint64_t a, uint64_t b) {
    return (a & UINT32_MAX) | b << 32;
}

/* acquire: pairs with hooks_set(), the rings are there; the hook's own look was relaxed */
static unsigned hooks_of(const struct core *c) {
    return atomic_load_explicit(&c->hooks, memory_order_acquire);
}

/* ---- stacks --------------------------------------------------------------------------------- */

/* hal_backtrace() has no argument for us: which core asks tells which ring. Unchecked: masked. */
static void put_frame(uintptr_t pc) UNCHECKED {
    struct core *c = this_core();
    struct ring *r = &rings[c->hal.index];
    if (r->stack_left != 0) {
        r->stack_left--;
        put(c, hal_now(), EV_STACK, 0, pc);
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
    rings[c->hal.index].stack_left = STACK_MAX;
    put(c, hal_now(), EV_SAMPLE, 0, g->id & UINT32_MAX);
    hal_backtrace_interrupted(g->stack_lo, g->stack_hi, put_frame);
}

int64_t trace_tick(struct core *c, int64_t now, int64_t when) NEEDS(irq_masked) {
    if ((hooks_of(c) & HOOK_CPU) != 0 && relaxed_load(&c->run_since) == 0) {
        relaxed_store(&c->run_since, now); /* it has run since before we counted */
    }
    /* acquire: pairs with samples_set() */
    if (atomic_load_explicit(&c->sample_every, memory_order_acquire) == 0) {
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

/* All but the event itself: what costs more, and is asked for less often. */
static void do_more(struct core *c, unsigned hooks, enum trace_kind kind, struct g *g, int64_t now)
    NEEDS(irq_masked) {
    if ((hooks & HOOK_CPU) != 0) {
        count_cpu(c, kind, g, now);
    }
    if (kind == EV_BLOCK && (hooks & TRACE_BLOCKS) != 0) {
        rings[c->hal.index].stack_left = STACK_MAX;
        hal_backtrace(g, NULL, g->stack_lo, g->stack_hi, put_frame);
    }
}

/* How many wait in c's ring: one that thieves are at may be counted or not. */
static uint32_t waiting(struct core *c) {
    uint32_t tail = atomic_load_explicit(&c->runq.tail, memory_order_relaxed); /* ours */
    uint32_t head = atomic_load_explicit(&c->runq.head, memory_order_relaxed);
    uint32_t behind = atomic_load_explicit(&c->runq.overflow_count, memory_order_relaxed);
    return tail - head + behind + (runnext_of(c) != NULL);
}

void trace_g_slow(struct core *c, enum trace_kind kind, struct g *g, unsigned arg) NEEDS(irq_masked) {
    unsigned hooks = hooks_of(c);
    if ((hooks & ~(HOOK_POLICY | HOOK_KNOBS)) == 0) {
        return;
    }
    int64_t now = hal_now();
    uint64_t b = 0;
    if (kind == EV_START) {
        b = waiting(c);
    } else if (kind == EV_UNBLOCK) {
        b = hal_self()->id;
        arg = c->hal.in_handler;
    }
    if ((hooks & (TRACE_EVENTS | TRACE_BLOCKS)) != 0) {
        put(c, now, kind, arg, pair(g->id, b));
    }
    if (hooks != TRACE_EVENTS) {
        do_more(c, hooks, kind, g, now);
    }
}

void trace_core_slow(struct core *c, enum trace_kind kind, unsigned arg, uint64_t a, uint64_t b)
    NEEDS(irq_masked) {
    if ((hooks_of(c) & TRACE_EVENTS) != 0) {
        put(c, hal_now(), kind, arg, pair(a, b));
    }
}

void trace_created(const struct g *g, go_fn *fn) {
    if (!CONFIG_TRACE) {
        return;
    }
    hal_irq_t was = hal_irq_save();
    struct core *c = this_core();
    if (hooked(c) && (hooks_of(c) & (TRACE_EVENTS | TRACE_BLOCKS)) != 0) {
        int64_t now = hal_now();
        put(c, now, EV_CREATE, 0, pair(g->id, g->parent));
        put(c, now, EV_FN, 0, (uintptr_t)fn);
        if (g->name != NULL) {
            put(c, now, EV_NAME, 0, (uintptr_t)g->name);
        }
    }
    hal_irq_restore(was);
}

void trace_mark(const char *text) {
    hal_irq_t was = hal_irq_save();
    uintptr_t at = (uintptr_t)text;
    trace_core(this_core(), EV_MARK, 0, at & UINT32_MAX, at >> 32);
    hal_irq_restore(was);
}

/* ---- on and off ----------------------------------------------------------------------------- */

static void ring_free(struct ring *r) {
    for (size_t i = 0; r->pages != NULL && i < MOST_PAGES; i++) {
        if (r->pages[i] != NULL) {
            page_free(r->pages[i]);
        }
    }
    if (r->pages != NULL) {
        page_free(r->pages);
        r->pages = NULL;
    }
}

static bool ring_make(struct ring *r, size_t pages) {
    r->pages = page_alloc();
    for (size_t i = 0; r->pages != NULL && i < MOST_PAGES; i++) {
        r->pages[i] = NULL;
    }
    for (size_t i = 0; r->pages != NULL && i < pages; i++) {
        r->pages[i] = page_alloc();
        if (r->pages[i] == NULL) {
            ring_free(r);
        }
    }
    r->mask = pages * PER_PAGE - 1;
    return r->pages != NULL;
}

static int rings_make(size_t events) {
    size_t pages = 1;
    while (pages < MOST_PAGES && pages * PER_PAGE < events) {
        pages *= 2;
    }
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if (!ring_make(&rings[i], pages)) {
            for (unsigned done = 0; done < i; done++) {
                ring_free(&rings[done]);
            }
            return -ENOMEM;
        }
    }
    atomic_store_explicit(&per_core, pages * PER_PAGE, memory_order_release);
    return 0;
}

static void hooks_set(unsigned set, unsigned clear) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        atomic_fetch_or_explicit(&cores[i].hooks, set, memory_order_release); /* the rings before it */
        atomic_fetch_and_explicit(&cores[i].hooks, ~clear, memory_order_relaxed);
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
    unsigned events = relaxed_load(&cores[0].hooks) & (TRACE_EVENTS | TRACE_BLOCKS);
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
    struct ring *r = &rings[i];
    /* acquire, here and in done: pairs with the stores in rings_make() and put() */
    uint64_t size = atomic_load_explicit(&per_core, memory_order_acquire);
    if (size == 0 || n >= atomic_load_explicit(&r->done, memory_order_acquire)) {
        return false;
    }
    const struct slot *s = slot_of(r, n);
    out->when_kind = atomic_load_explicit(&s->when_kind, memory_order_relaxed);
    out->value = atomic_load_explicit(&s->value, memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire); /* see above */
    return atomic_load_explicit(&r->begun, memory_order_relaxed) <= n + size;
}

int64_t trace_began(void) {
    return atomic_load_explicit(&began, memory_order_relaxed);
}

void trace_range(unsigned i, uint64_t *first, uint64_t *end) {
    uint64_t size = atomic_load_explicit(&per_core, memory_order_acquire);
    *end = size != 0 ? atomic_load_explicit(&rings[i].done, memory_order_acquire) : 0;
    *first = *end > size ? *end - size : 0; /* as many as were overwritten */
}
