/* sched/watch.c - watchdogs: deadlocks of some, lost wake-ups, cores that are stuck.
 *
 * They run in the ticks of busy cores, in small steps: a tick looks at one other core, and one core at
 * a time, at most once in a millisecond, at the next BATCH Gs. When the last core falls asleep it does
 * one such step too, and looks for cycles of any age: nobody runs who could change them. An idle core
 * has no tick for this.
 *
 * What a G does is known by a number: how often it was entered, and its state. While that stays the
 * same it is in the same wait, or on the same queue. A step notes when it saw the number first; what is
 * old enough is looked at:
 *
 *      waits for what has a holder   who holds it, what does that one wait for, and so on. Back at the
 *                                    G where we began, all old enough, twice the same: a deadlock.
 *      runnable                      longer than its queue explains, while a core idles that may run
 *                                    it and nobody is on the way: a lost wake-up.
 *
 * Nothing is stopped for it. A G goes on while we look; so a chain is walked twice, and if no G of it
 * was entered in between then all of them waited at the moment between the two. Holders are found by
 * hal_peek(): a mutex may be gone by the time we look.
 *
 * No false alarm when an emulator's host leaves one of its threads without time: a core that says
 * others are late has itself taken many ticks meanwhile.
 * TOUR 15 / read next: sched/asleep.c */
#include "sched/watch.h"

#include <bareloom/info.h>

#include "hal/kprint.h"
#include "sched/dump.h"
#include "sched/info.h"
#include "sched/policy.h"
#include "sched/runq.h"

#define BATCH     32
#define BATCH_IRQ 8 /* after so many an interrupt that is pending comes first */
#define STEP_NS   MS(1)
#define OWN_STEPS 50u /* ticks, or steps, that we must have done ourselves */

/* Gs in a chain of waits that are followed: in a tick, and on request. */
#define HOPS_TICK    16
#define HOPS_REQUEST 1000
#define HOPS_ASLEEP  64

/* Gs that are looked at when everybody sleeps. */
#define BATCH_ASLEEP 1024

static struct {
    _Atomic bool busy;           /* somebody does a step: taken and left with acquire and release */
    _Atomic int64_t next;        /* no step before; a hint */
    _Atomic int64_t next_asleep; /* as next, of watch_asleep() */
    /* who has busy */
    uint32_t step;
    struct g_cursor at, at_asleep;
} watch;

/* ---- what a G does ---------------------------------------------------------------------------- */

/* Changes whenever g is entered, begins to wait, is made ready. */
static uint32_t number_of(const struct g *g) {
    return (uint32_t)atomic_load_explicit(&g->entry, memory_order_relaxed) << 2 | g_state(g);
}

/* Who holds what g waits for; NULL: nobody, or it waits for nothing of that kind. Each such object
 * begins with a word that names its holder, beside flags in the low three bits: a mutex, a join, and a
 * rwmutex if a writer has it, which is flag 2. */
struct g *g_holder(const struct g *g) {
    uintptr_t object = (uintptr_t)atomic_load_explicit(&g->waits_on, memory_order_relaxed);
    enum wait_reason reason = g_waits_for(g);
    uint64_t word;
    if (object == 0 || (object & WAITS_LIMITED) != 0 || g_state(g) != G_WAITING ||
        !hal_peek(object, &word) ||
        ((reason == WAIT_RWMUTEX_R || reason == WAIT_RWMUTEX_W) && (word & 2) == 0)) {
        return NULL;
    }
    struct g *h = (struct g *)(uintptr_t)(word & ~UINT64_C(7));
    /* what is no G may not even be there: it lies in two pages at most */
    _Static_assert(sizeof *h <= HAL_PAGE && sizeof *h % sizeof word == 0,
                   "its first and last word");
    return h != NULL && hal_peek((uintptr_t)h, &word) &&
                   hal_peek((uintptr_t)(h + 1) - sizeof word, &word)
               ? h
               : NULL;
}

#define TITLE_MAX 112

static void format(char *to, size_t n, const char *f, ...) __attribute__((format(printf, 3, 4)));
static void format(char *to, size_t n, const char *f, ...) {
    va_list ap;
    va_start(ap, f);
    kvformat(to, n, f, ap);
    va_end(ap);
}

/* goroutine 7 "name" [chan receive]; for one call of kprintf() a line, which is one piece on the console. */
static const char *title(const struct g *g, char to[TITLE_MAX]) {
    char name[48];
    dump_name(g, name, sizeof name);
    format(to, TITLE_MAX, name[0] != '\0' ? "goroutine %lu \"%s\" [%s]" : "goroutine %lu%s [%s]",
           (unsigned long)g->id, name, g_reason(g));
    return to;
}

/* ---- cycles ------------------------------------------------------------------------------------ */

/* Whether every G has stayed as it is for long enough, by what the steps have noted. */
static bool old_enough(const struct g *g, int64_t now) {
    return now == 0 || (number_of(g) == g->seen && now - g->seen_at >= CONFIG_DEADLOCK_NS);
}

/* Follows the holders from g; returns how many Gs until it is g again, 0: never. now 0: of any age.
 * sum: of the numbers of all, to tell two walks apart. */
static unsigned around(struct g *g, int64_t now, unsigned hops, uint64_t *sum) {
    struct g *at = g;
    *sum = 0;
    for (unsigned n = 1; n <= hops; n++) {
        if (!old_enough(at, now)) {
            return 0;
        }
        *sum = *sum * 31 + number_of(at);
        at = g_holder(at);
        if (at == NULL || (uintptr_t)at < (uintptr_t)g) {
            return 0; /* the one with the lowest address tells it, once: a number may be changing */
        }
        if (at == g) {
            return n;
        }
    }
    return 0;
}

static bool all_real(struct g *g, unsigned n) {
    for (struct g *at = g; n > 0; n--, at = g_holder(at)) {
        if (at == NULL || !g_exists(at)) {
            return false;
        }
    }
    return true;
}

/* Whether g is the first of a cycle; prints it. */
static bool report_cycle(struct g *g, int64_t now, unsigned hops) {
    uint64_t first, second;
    unsigned n = around(g, now, hops, &first);
    if (n == 0 || !all_real(g, n) || around(g, now, hops, &second) != n || first != second) {
        return false;
    }
    kprintf("\nwatchdog: %u goroutines wait for each other for ever:\n", n);
    struct g *at = g, *next;
    for (unsigned i = 0; i < n; i++, at = next) {
        next = g_holder(at);
        if (next == NULL || !g_exists(next)) {
            break; /* a G of it was ended by a fault */
        }
        bool join = g_waits_for(at) == WAIT_JOIN;
        char waits[TITLE_MAX], holds[TITLE_MAX];
        kprintf("\t%s waits for %p, which is %s %s\n", title(at, waits),
                relaxed_load(&at->waits_on), join ? "the end of" : "held by", title(next, holds));
    }
    return true;
}

/* ---- lost wake-ups ------------------------------------------------------------------------------ */

static bool napping(unsigned core) {
    return atomic_load_explicit(&cores[core].naps, memory_order_relaxed) % 2 != 0;
}

static int64_t slice(void) {
    return atomic_load_explicit(&machine.slice, memory_order_relaxed);
}

/* How long a runnable G may have to wait for its turn, whoever runs before it. */
static int64_t queue_explains(void) {
    int64_t before = 1 + globq_length();
    for (unsigned i = 0; i < hal_core_count(); i++) {
        before += runq_length(&cores[i].runq) + 1;
    }
    return before * slice();
}

/* The core that could run g and sleeps, nobody having been called; HAL_MAX_CORES: there is none. */
static unsigned idler_for(const struct g *g) {
    if (g->pin != ANY_CORE) {
        return napping(g->pin) ? g->pin : HAL_MAX_CORES;
    }
    uint32_t idle = atomic_load_explicit(&machine.idle_mask, memory_order_relaxed);
    bool called = atomic_load_explicit(&machine.searchers, memory_order_relaxed) != 0;
    return idle != 0 && !called ? (unsigned)__builtin_ctz(idle) : HAL_MAX_CORES;
}

static bool report_lost(struct g *g, int64_t now) {
    if (CONFIG_TRACE && policy_wanted() != NULL) {
        return false; /* the policy's own check is exact */
    }
    if (now - g->seen_at < CONFIG_LOST_WAKEUP_NS || watch.step - g->seen_step < OWN_STEPS ||
        now - g->seen_at < CONFIG_LOST_WAKEUP_NS + queue_explains()) {
        return false;
    }
    unsigned core = idler_for(g);
    if (core == HAL_MAX_CORES || number_of(g) != g->seen) {
        return false;
    }
    char who[TITLE_MAX];
    kprintf("\nwatchdog: lost wake-up: %s has been runnable for %lu ms while core %u idles\n",
            title(g, who), (unsigned long)((now - g->seen_at) / MS(1)), core);
    return true;
}

/* ---- steps --------------------------------------------------------------------------------------- */

/* Has done something since it was looked at last; from now on it is looked at anew. number: number_of(g). */
static bool has_moved(struct g *g, uint32_t number, int64_t now) {
    if (number == g->seen) {
        return false;
    }
    g->seen = number;
    g->seen_at = now;
    g->seen_step = watch.step;
    g->told = false;
    return true;
}

static void look_at(struct g *g, int64_t now) {
    uint32_t number = number_of(g);
    if (has_moved(g, number, now)) {
        return;
    }
    if (!g->told && number % 4 == G_RUNNABLE) {
        g->told = report_lost(g, now);
    } else if (!g->told && number % 4 == G_WAITING) {
        g->told = report_cycle(g, now, HOPS_TICK);
    }
}

void watch_step(int64_t now) {
    if (now < atomic_load_explicit(&watch.next, memory_order_relaxed) ||
        atomic_exchange_explicit(&watch.busy, true, memory_order_acquire)) {
        return;
    }
    atomic_store_explicit(&watch.next, now + STEP_NS, memory_order_relaxed);
    watch.step++;
    int i = 0;
    do {
        struct g *g = g_next(&watch.at);
        if (g == NULL) {
            break; /* the next step begins with the first */
        }
        look_at(g, now);
    } while (++i < BATCH && !(i % BATCH_IRQ == 0 && hal_irq_pending()));
    atomic_store_explicit(&watch.busy, false, memory_order_release);
}

void watch_asleep(int64_t now, int64_t until) {
    /* Who sleeps for microseconds at a time must not look at all Gs each time; who sleeps beyond the next time
     * may be the last to look. */
    int64_t next = atomic_load_explicit(&watch.next_asleep, memory_order_relaxed);
    if ((now < next && until <= next) ||
        atomic_exchange_explicit(&watch.busy, true, memory_order_acquire)) {
        return;
    }
    atomic_store_explicit(&watch.next_asleep, now + STEP_NS, memory_order_relaxed);
    bool from_start = watch.at_asleep.page == NULL;
    for (int i = 0; i < BATCH_ASLEEP && !(i % BATCH_IRQ == 0 && hal_irq_pending()); i++) {
        struct g *g = g_next(&watch.at_asleep);
        if (g == NULL && from_start) {
            break; /* all of them */
        }
        if (g == NULL) {
            from_start = true;
            continue;
        }
        has_moved(g, number_of(g), now);
        if (!g->told && g_holder(g) != NULL) {
            g->told = report_cycle(g, 0, HOPS_ASLEEP);
        }
    }
    atomic_store_explicit(&watch.busy, false, memory_order_release);
}

/* ---- cores --------------------------------------------------------------------------------------- */

static uint64_t get(_Atomic uint64_t *n) {
    return atomic_load_explicit(n, memory_order_relaxed); /* a count, orders nothing */
}

/* What a core that lives changes at least once in a slice. */
static uint64_t beat(struct core *c) {
    return get(&c->n.ticks) + core_switches(c) + get(&c->n.idle_wakes);
}

/* The next core that does not sleep, or c itself. */
static struct core *neighbor(struct core *c) {
    unsigned n = hal_core_count(), i = c->hal.index;
    do {
        i = (i + 1) % n;
    } while (i != c->hal.index && napping(i));
    return &cores[i];
}

void watch_say_last(struct core *c) {
    uintptr_t offset, pc = relaxed_load(&c->last_pc);
    const char *name = hal_symbol(pc, &offset);
    kprintf("at its last tick it ran goroutine %lu at %s+0x%lx (%p)\n",
            (unsigned long)relaxed_load(&c->last_id), name != NULL ? name : "?",
            name != NULL ? (unsigned long)offset : 0, (void *)pc);
}

static void report_stuck(struct core *c, int64_t since) NEEDS(irq_masked) {
    bool outside = hal_waits_outside(c->hal.index);
    kprintf("\nwatchdog: core %u %s: it has taken no tick for %lu ms; ", c->hal.index,
            outside ? "waits in a call of the C library" : "is stuck", (unsigned long)(since / MS(1)));
    watch_say_last(c);
    if (!outside) {
        irq_leaves(c->hal.index);
        go_dump();
    }
}

static void watch_core(struct core *c, int64_t now) NEEDS(irq_masked) {
    struct watching *w = &c->watching;
    struct core *other = neighbor(c);
    uint64_t b = beat(other), mine = get(&c->n.ticks);
    if (w->core != other->hal.index || w->beat != b) {
        *w = (struct watching){.core = other->hal.index, .beat = b, .at = now, .ticks = mine};
    } else if (dump_is_going()) { /* it may be the one that prints */
        w->at = now;
        w->ticks = mine;
    } else if (other != c && !w->told && now - w->at >= CONFIG_STUCK_NS + slice() &&
               mine - w->ticks >= OWN_STEPS) {
        w->told = true;
        report_stuck(other, now - w->at);
    }
}

void watch_tick(struct core *c, int64_t now) NEEDS(irq_masked) {
    watch_core(c, now);
    watch_step(now);
}

/* ---- on request ----------------------------------------------------------------------------------- */

static bool ask(struct g *g, void *arg) {
    bool *any = arg;
    if (g_state(g) != G_WAITING || g->system) {
        return true;
    }
    *any |= report_cycle(g, 0, HOPS_REQUEST);
    int64_t waited = hal_now() - hal_stamp_ns(g->since);
    if (waited >= CONFIG_LONG_WAIT_NS) {
        char who[TITLE_MAX];
        kprintf("\n%s has waited for %lu s\n", title(g, who), (unsigned long)(waited / SEC(1)));
        *any = true;
    }
    return true;
}

static bool tell_cycle(struct g *g, void *arg) {
    (void)arg;
    report_cycle(g, 0, HOPS_REQUEST);
    return true;
}

void watch_cycles(void) {
    g_each(tell_cycle, NULL);
}

bool go_deadlocks(void) {
    bool any = false;
    g_each(ask, &any);
    return any;
}
