/* sched/panic.c - the machine's last words: panics, fatal errors, faults.
 *
 * Several cores may fail at once: the first one wins a compare-and-swap and reports, the others
 * wait for its stop. A report uses no lock, no heap, no libc; it reads other stacks only where
 * memory answers. As in Go a panic shows the G that failed, a fatal error all of them. */
#include "hal/kprint.h"
#include "sched/assert.h"
#include "sched/cleanup.h"
#include "sched/dump.h"
#include "sched/sched.h"
#include "sched/stack.h"

/* Go's exit status of a crash. */
#define STATUS 2

/* Returns once, on the core that reports. A second failure on that core ends at once. */
static void claim_report(void) UNCHECKED { /* masks for good */
    static _Atomic uint32_t reporting;     /* 0, or 1 + the core that reports */
    uint32_t nobody = 0;
    hal_irq_mask();
    uint32_t me = 1 + this_core()->hal.index;
    if (!atomic_compare_exchange_strong(&reporting, &nobody, me)) {
        if (nobody == me) {
            kprintf("\na second failure in the report of the first\n");
            hal_exit(STATUS);
        }
        hal_stop_self();
    }
    kprint_panic();
    unsigned silent = hal_stop_others();
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if ((silent & (1u << i)) != 0) {
            kprintf("core %u did not stop\n", i);
        }
    }
    dump_cut_off();
}

/* What every report ends with. */
_Noreturn static void end(void) {
    trace_last_words();
    hal_exit(STATUS);
}

/* The first one first, as Go does: each that came after it came while its cleanups ran. */
static void print_panics(const struct panic *p) {
    if (p->before != NULL) {
        print_panics(p->before);
    }
    kprintf("%spanic: %s%s\n", p->before != NULL ? "\t" : "\n", p->text,
            p->again ? " [recovered, repanicked]" : "");
}

/* Returns to go_try() if there is one around it; else this is the end. */
_Noreturn static void panic_on(struct panic *p) {
    if (panic_unwinds()) {
        panic_unwind(p);
    }
    claim_report();
    print_panics(p);
    kprintf("\tat %s:%d\n", p->file, p->line);
    dump_g(hal_self(), NULL);
    end();
}

_Noreturn void go_panic(const char *file, int line, const char *format, ...) {
    struct panic p = {.file = file, .line = line};
    va_list ap;
    va_start(ap, format);
    kvformat(p.text, sizeof p.text, format, ap);
    va_end(ap);
    panic_on(&p);
}

_Noreturn void go_repanic(const struct caught *c) {
    struct panic p = {.file = c->file, .line = c->line, .again = true};
    for (size_t i = 0; i < sizeof p.text; i++) {
        p.text[i] = c->text[i];
    }
    panic_on(&p);
}

_Noreturn void go_fatal(const char *file, int line, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    claim_report();
    kprintf("\nfatal error: ");
    kvprintf(format, ap);
    kprintf("\n\tat %s:%d\n", file, line);
    va_end(ap);
    dump_g(hal_self(), NULL);
    dump_others(hal_self());
    end();
}

_Noreturn void machine_dead(const char *text) {
    claim_report();
    kprintf("\nfatal error: %s\n", text);
    dump_others(NULL);
    end();
}

/* ---- faults --------------------------------------------------------------------------------- */

static const char *headline(const struct hal_fault *f, const struct g *g, struct g **owner) {
    *owner = NULL;
    if (!f->has_address || !f->translation) {
        return f->what;
    }
    if (f->address < g->stack_lo && f->address >= g->stack_lo - HAL_PAGE && !f->on_core_stack) {
        return "stack overflow";
    }
    if (f->address >= g->stack_lo && f->address < g->stack_low && !f->on_core_stack) {
        return "out of memory: no page for the stack";
    }
    if (stack_owner(f->address, owner)) {
        return *owner == g ? "fault in the own stack" : "access to another goroutine's stack";
    }
    return f->address < HAL_PAGE ? "invalid memory address or nil pointer dereference" : f->what;
}

static void print_fault(const struct hal_fault *f, const struct g *g) {
    struct g *owner;
    kprintf("\nfatal error: %s\n", headline(f, g, &owner));
    kprintf("[%s: syndrome 0x%lx, pc %p, sp %p", f->what, (unsigned long)f->syndrome, (void *)f->pc,
            (void *)f->sp);
    if (f->has_address) {
        kprintf(", address %p", (void *)f->address);
    }
    kprintf("]\n");
    if (owner != NULL && owner != g) {
        char name[48];
        dump_name(owner, name, sizeof name);
        kprintf("the address belongs to goroutine %lu \"%s\"\n", (unsigned long)owner->id, name);
    }
    dump_g(g, f);
}

static void print_regs(const struct hal_fault *f) {
    for (int i = 0; f->regs != NULL && i < 31; i++) {
        kprintf("%sx%-2d %016lx", i % 4 == 0 ? "\n" : "  ", i, (unsigned long)f->regs[i]);
    }
    kprintf("\n");
}

/* Whether g can be ended and nobody misses it: it holds nothing of the runtime's and no mutex. */
static bool may_end(const struct hal_fault *f, const struct g *g) {
    return CONFIG_FAULT_ENDS_G && !f->on_core_stack && !f->masked && g->mutexes == 0 &&
           g->preempt_off == 0;
}

bool sched_fault(const struct hal_fault *f) NEEDS(irq_masked) {
    struct g *g = hal_self();
    if (f->translation && f->has_address && !f->on_core_stack &&
        stack_fault(this_core(), g, f->address, f->masked)) {
        return true;
    }
    if (may_end(f, g)) {
        print_fault(f, g);
        kprintf("goroutine %lu ended, the others go on\n", (unsigned long)g->id);
        trace_g(this_core(), EV_END, g, 0);
        hal_leave(g, g_end, this_core());
    }
    claim_report();
    print_fault(f, g);
    print_regs(f);
    dump_others(g);
    end();
}
