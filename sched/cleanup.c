/* sched/cleanup.c - what Go calls defer, panic and recover.
 *
 * Cleanups are a list in the G, newest first, of records that lie in the frames of their functions. A
 * panic does not unwind: it runs the cleanups on top of the stack as it is, so that an uncaught one
 * still shows where it came from; then the innermost go_try() takes the stack back to itself in one
 * jump. Each record is off the list before its function is called, so none runs twice, whatever the
 * function does.
 *
 * A go_try() remembers what was there when it began: cleanups, panics, the go_try() around it. A panic in
 * a cleanup runs the rest of the cleanups in its turn, and if it is caught further out than the first
 * one, that is gone too: the last panic is the one that is told, as in Go.
 * TOUR 15 / read next: sched/panic.c */
#include "sched/cleanup.h"

#include <bareloom/time.h>

#include "sched/assert.h"

/* In the frame of go_try(). */
struct catch {
    struct catch *outer;
    struct cleanup *cleanups; /* those that are not for it to run */
    struct panic *panics;
    struct caught *caught; /* where to tell; may be NULL */
    void *sp;
};

/* Panics that nobody catches, whose cleanups run. relaxed: what a cleanup does to let main() go on comes after
 * the count, and brings it along */
static _Atomic uint32_t ending;

/* ---- cleanups ---------------------------------------------------------------------------------- */

static struct g *own_g(const char *what) {
    if (hal_on_core_stack()) {
        PANIC("%s: not from an interrupt handler", what);
    }
    return hal_self();
}

void go_defer(struct cleanup *c, void (*fn)(void *arg), void *arg) {
    struct g *g = own_g("go_defer");
    *c = (struct cleanup){.next = g->cleanups, .fn = fn, .arg = arg};
    g->cleanups = c;
}

void go_undefer(struct cleanup *c, bool run) {
    struct g *g = own_g("go_undefer");
    if (g->cleanups != c) {
        PANIC("go_undefer: the cleanup is not the latest");
    }
    g->cleanups = c->next;
    if (run) {
        c->fn(c->arg);
    }
}

void go_defer_ends(struct cleanup *c) {
    go_undefer(c, true);
}

/* The latest first, until those that stood at the mark are left. */
static void run_down_to(struct g *g, const struct cleanup *mark) {
    while (g->cleanups != mark) {
        struct cleanup *c = g->cleanups;
        ASSERT(c != NULL);
        g->cleanups = c->next;
        c->fn(c->arg);
    }
}

void cleanup_all(struct g *g) {
    for (const struct panic *p = g->panics; p != NULL; p = p->before) {
        atomic_fetch_sub_explicit(&ending, p->last, memory_order_relaxed);
    }
    g->panics = NULL;
    g->catch = NULL;
    run_down_to(g, NULL);
}

/* ---- panics ------------------------------------------------------------------------------------- */

bool panic_unwinds(void) {
    return !hal_on_core_stack() && !hal_irq_masked() && hal_self()->preempt_off == 0;
}

/* Now: the jump takes the frame away that p lies in. */
static void tell(struct caught *c, const struct panic *p) {
    if (c != NULL) {
        c->file = p->file;
        c->line = p->line;
        for (size_t i = 0; i < sizeof c->text; i++) {
            c->text[i] = p->text[i];
        }
    }
}

void panic_unwind(struct panic *p) {
    struct g *g = hal_self();
    p->before = g->panics;
    p->last = g->catch == NULL && p->before == NULL;
    atomic_fetch_add_explicit(&ending, p->last, memory_order_relaxed);
    g->panics = p;
    run_down_to(g, g->catch != NULL ? g->catch->cleanups : NULL);
    if (g->catch != NULL) {
        tell(g->catch->caught, p);
        hal_throw(g->catch->sp);
    }
}

void go_main_returned(void) {
    /* relaxed: see ending */
    for (int i = 0; i < 1000 && atomic_load_explicit(&ending, memory_order_relaxed) != 0; i++) {
        go_sleep(MS(1));
    }
}

/* ---- catching ----------------------------------------------------------------------------------- */

bool go_try(void (*fn)(void *arg), void *arg, struct caught *c) {
    struct g *g = own_g("go_try");
    struct catch me = {.outer = g->catch, .cleanups = g->cleanups, .panics = g->panics, .caught = c};
    g->catch = &me;
    bool returned = hal_try(&me.sp, fn, arg);
    g->catch = me.outer;
    g->panics = me.panics;
    return returned;
}
