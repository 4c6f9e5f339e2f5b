/* sched/dump.c - Gs on the console: header, backtrace, creator, in Go's format so that what people and
 * tools know of it holds here.
 *
 * The race: go_dump() stops nobody. A G that was parked when we looked may run, end and be another by
 * the next line. So everything that is not a struct g, which never goes away, is read by hal_peek():
 * what comes out may be stale, and never faults.
 * TOUR 15 / read next: sched/panic.c */
#include "sched/dump.h"

#include <bareloom/info.h>

#include "hal/kprint.h"
#include "sched/info.h"

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

/* ---- the header ----------------------------------------------------------------------------- */

/* What stands in the brackets. */
static const char *status(const struct g *g) {
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
            (unsigned long)g->id, status(g), minutes);
    if (g->pin != ANY_CORE && g->id != 0) {
        kprintf(", locked to core %u", g->pin);
    }
    kprintf(name[0] != '\0' ? "]: \"%s\"" : "]:", name);
    if (g_state(g) == G_RUNNING) {
        kprintf(" on core %u", core);
    }
    kprintf("\n");
}

/* ---- frames --------------------------------------------------------------------------------- */

/* Unchecked: asks for the core only on its stack, which is masked. */
static void print_frames(const struct g *g, const struct hal_fault *fault) UNCHECKED {
    if (g == hal_self()) {
        bool core_stack = fault != NULL ? fault->on_core_stack : hal_on_core_stack();
        uintptr_t top = core_stack ? (uintptr_t)this_core()->hal.stack_top : g->stack_hi;
        hal_backtrace(g, fault, core_stack ? top - CORE_STACK : g->stack_lo, top, dump_frame);
    } else if (g_state(g) != G_RUNNING) {
        hal_backtrace(g, NULL, g->stack_lo, g->stack_hi, dump_frame);
    } else if (!hal_backtrace_stopped(g, g->stack_lo, g->stack_hi, dump_frame)) {
        kprintf("\trunning on core %u, its stack is not readable\n", g_core(g));
    }
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

void go_dump(void) {
    dump_others(NULL);
}
