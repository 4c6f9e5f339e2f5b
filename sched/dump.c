/* sched/dump.c - Gs on the console: header, backtrace, creator, in Go's format so that what people and
 * tools know of it holds here.
 *
 * The race: go_dump() stops nobody. A G that was parked when we looked may run, end and be another by
 * the next line. So everything that is not a struct g, which never goes away, is read by hal_peek():
 * what comes out may be stale, and never faults. What runs on other cores is known by asking them: each
 * notes, over the G that its doorbell interrupted, where that was. Who does not answer has its interrupts
 * masked, or is stuck, and is named.
 * TOUR 15 / read next: sched/panic.c */
#include "sched/dump.h"

#include <bareloom/info.h>

#include "hal/kprint.h"
#include "sched/info.h"
#include "sched/watch.h"

#define CORE_STACK KB(16)
#define MINUTE     SEC(60)

void dump_frame(uintptr_t pc) {
    uintptr_t offset;
    const char *name = hal_symbol(pc, &offset);
    if (name != NULL) {
        kprintf("\t%s+0x%lx (%p)\n", name, (unsigned long)offset, (void *)pc);
    } else {
        kprintf("\t%p\n", (void *)pc);
    }
}

void dump_name(const struct g *g, char *to, size_t n) {
    uintptr_t from = (uintptr_t)g->name;
    size_t at = 0;
    uint64_t word;
    while (from != 0 && at + 1 < n && hal_peek((from + at) & ~(uintptr_t)7, &word)) {
        char c = (char)(word >> ((from + at) % 8 * 8));
        if (c == '\0') {
            break;
        }
        to[at++] = c;
    }
    to[at] = '\0';
}

/* ---- what runs now ---------------------------------------------------------------------------- */

#define FRAMES 32

/* For a core to answer. Long, since an emulator on a busy computer may leave it without time. */
#define PATIENCE SEC(1)

static _Atomic bool dumping;

static _Atomic uint32_t asked; /* the latest question; each core answers it once */

static struct answer {
    _Atomic uint32_t to; /* the question; release: the rest is for who acquires it */
    const struct g *g;   /* NULL: none ran */
    unsigned n;
    uintptr_t pcs[FRAMES];
} answers[HAL_MAX_CORES];

static void note(uintptr_t pc) UNCHECKED { /* in a handler, which is masked */
    struct answer *a = &answers[this_core()->hal.index];
    if (a->n < FRAMES) {
        a->pcs[a->n++] = pc;
    }
}

UNCOMMON static void answer(struct core *c, struct answer *a, uint32_t question) NEEDS(irq_masked) {
    struct g *g = hal_self();
    a->n = 0;
    a->g = g != &c->g0 ? g : NULL;
    if (a->g != NULL) {
        hal_backtrace_interrupted(g->stack_lo, g->stack_hi, note);
    }
    atomic_store_explicit(&a->to, question, memory_order_release);
}

void dump_answer(struct core *c) NEEDS(irq_masked) {
    struct answer *a = &answers[c->hal.index];
    uint32_t question = relaxed_load(&asked); /* the doorbell came after it */
    if (question != relaxed_load(&a->to)) {
        answer(c, a, question);
    }
}

/* acquire: pairs with the release above */
static bool answered(unsigned core) {
    return atomic_load_explicit(&answers[core].to, memory_order_acquire) == relaxed_load(&asked);
}

/* The cores that have not answered but the caller's own, which answers only in a handler: the caller knows
 * its own frames. */
static unsigned silent(unsigned me) {
    unsigned set = 0;
    for (unsigned i = 0; i < hal_core_count(); i++) {
        set |= i != me && !answered(i) ? 1u << i : 0;
    }
    return set;
}

static unsigned ask(void) {
    hal_irq_t was = hal_irq_save();
    struct core *c = this_core();
    unsigned me = c->hal.index, left;
    atomic_fetch_add(&asked, 1);
    if (c->hal.in_handler) {
        dump_answer(c);
    }
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if (i != me) {
            kick(i);
        }
    }
    int64_t until = hal_now() + PATIENCE;
    while ((left = silent(me)) != 0 && hal_now() < until) {
        hal_relax();
    }
    hal_irq_restore(was);
    return left;
}

/* What the core that ran g as the dump began has answered; NULL: none has. */
static const struct answer *answer_of(const struct g *g) {
    for (unsigned i = 0; relaxed_load(&dumping) && i < hal_core_count(); i++) {
        if (answered(i) && answers[i].g == g) {
            return &answers[i];
        }
    }
    return NULL;
}

/* ---- the header ----------------------------------------------------------------------------- */

const char *dump_status(const struct g *g) {
    if (answer_of(g) != NULL) {
        return "running"; /* as the dump began, and so are its frames */
    }
    switch (g_state(g)) {
    case G_WAITING:
        return g_reason(g);
    case G_RUNNABLE:
        return g->hal.frame != NULL ? "preempted" : "runnable";
    case G_RUNNING:
        return "running";
    default:
        return g->id == 0 ? "running" : "dead"; /* number 0: a g0, which has no state */
    }
}

/* One call of kprintf() is one piece on the console: the minutes only where there are some, and
 * the name only where there is one. */
static void print_header(const struct g *g) {
    char name[48];
    dump_name(g, name, sizeof name);
    unsigned core = g_core(g);
    int64_t since = hal_stamp_ns(g->since);
    unsigned long minutes = g_state(g) == G_WAITING ? (unsigned long)((hal_now() - since) / MINUTE) : 0;
    kprintf(minutes != 0 ? "\ngoroutine %lu [%s, %lu minutes" : "\ngoroutine %lu [%s",
            (unsigned long)g->id, dump_status(g), minutes);
    if (g->affinity != 0) {
        kprintf(", on cores 0x%x", g->affinity);
    } else if (g->pin != ANY_CORE && g->id != 0) {
        kprintf(", locked to core %u", g->pin);
    }
    kprintf(name[0] != '\0' ? "]: \"%s\"" : "]:", name);
    if (g_state(g) == G_RUNNING || answer_of(g) != NULL) {
        kprintf(" on core %u", core);
    }
    kprintf("\n");
}

/* ---- frames --------------------------------------------------------------------------------- */

/* Unchecked: asks for the core only on its stack, which is masked. */
static void print_frames(const struct g *g, const struct hal_fault *fault) UNCHECKED {
    const struct answer *a = fault == NULL ? answer_of(g) : NULL;
    if (a != NULL) {
        for (unsigned i = 0; i < a->n; i++) {
            dump_frame(a->pcs[i]);
        }
    } else if (g == hal_self()) {
        bool core_stack = fault != NULL ? fault->on_core_stack : hal_on_core_stack();
        uintptr_t top = core_stack ? (uintptr_t)this_core()->hal.stack_top : g->stack_hi;
        hal_backtrace(g, fault, core_stack ? top - CORE_STACK : g->stack_lo, top, dump_frame);
    } else if (g_state(g) != G_RUNNING) {
        hal_backtrace(g, NULL, g->stack_lo, g->stack_hi, dump_frame);
    } else if (!hal_backtrace_stopped(g, g->stack_lo, g->stack_hi, dump_frame)) {
        kprintf(relaxed_load(&dumping) ? "\tnow on core %u, since the dump began\n"
                                       : "\trunning on core %u, its stack is not readable\n",
                g_core(g));
    }
}

static void print_wait(const struct g *g) {
    if (g_state(g) != G_WAITING || answer_of(g) != NULL) {
        return;
    }
    const struct g *by = g_holder(g);
    unsigned long ms = (unsigned long)((hal_now() - hal_stamp_ns(g->since)) / MS(1));
    if (by == NULL || !g_exists(by)) { /* what it waits for was given back meanwhile, and is something else */
        kprintf("\thas waited for %lu ms\n", ms);
        return;
    }
    char name[48];
    dump_name(by, name, sizeof name);
    kprintf(name[0] != '\0' ? "\thas waited for %lu ms for %p, held by goroutine %lu \"%s\"\n"
                            : "\thas waited for %lu ms for %p, held by goroutine %lu%s\n",
            ms, relaxed_load(&g->waits_on), (unsigned long)by->id, name);
}

static void print_creator(const struct g *g) {
    uintptr_t offset;
    if (g->creator == 0) {
        return; /* the first G, and a g0 */
    }
    const char *name = hal_symbol(g->creator - 1, &offset); /* behind it may be another function */
    if (name != NULL) {
        kprintf("created by %s+0x%lx in goroutine %lu\n", name, (unsigned long)offset + 1,
                (unsigned long)g->parent);
    } else {
        kprintf("created by %p in goroutine %lu\n", (void *)g->creator, (unsigned long)g->parent);
    }
}

void dump_g(const struct g *g, const struct hal_fault *fault) {
    print_header(g);
    print_frames(g, fault);
    print_wait(g);
    print_creator(g);
}

/* ---- all of them ---------------------------------------------------------------------------- */

struct dumping {
    const struct g *but;
    unsigned printed;
    unsigned long more;
};

static bool dump_one(struct g *g, void *arg) {
    struct dumping *d = arg;
    if (g == d->but || g_state(g) == G_DEAD || g->system) {
        return true;
    }
    if (d->printed == CONFIG_DUMP_GS) {
        d->more++;
        return true;
    }
    d->printed++;
    dump_g(g, NULL);
    return true;
}

void dump_others(const struct g *but) {
    struct dumping d = {.but = but};
    g_each(dump_one, &d);
    if (d.more != 0) {
        kprintf("\n...and %lu more goroutines\n", d.more);
    }
}

static void dump_all(unsigned missing) {
    kprintf("\ndump, %lu ms after power-on\n", (unsigned long)(hal_now() / MS(1)));
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if ((missing & 1u << i) != 0) {
            kprintf("core %u does not answer: it has its interrupts masked, or is stuck; ", i);
            watch_say_last(&cores[i]);
        }
    }
    dump_others(NULL);
    watch_cycles();
}

bool dump_is_going(void) {
    return relaxed_load(&dumping); /* a hint */
}

void go_dump(void) {
    if (!atomic_exchange(&dumping, true)) {
        dump_all(ask());
        atomic_store(&dumping, false);
        kprintf("\nend of the dump\n"); /* who reads it can ask again */
    }
}

void dump_cut_off(void) {
    relaxed_store(&dumping, false);
}

void sched_dump(void) {
    unsigned missing = hal_stop_others();
    dump_cut_off();
    dump_all(missing);
    kprintf("\nend of the dump\n");
}
