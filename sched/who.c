/* sched/who.c - who the caller is, for the reports of sanitizers (hal/sanitize.h). */
#include "hal/sanitize.h"
#include "sched/sched.h"

#define CORE_STACK KB(16)

/* Unchecked: who reports is masked. */
void sched_who(struct sanitize_who *who) UNCHECKED {
    const struct core *c = this_core();
    const struct g *g = hal_self();
    bool core_stack = hal_on_core_stack();
    uintptr_t top = (uintptr_t)c->hal.stack_top;
    *who = (struct sanitize_who){
        .id = g->id,
        .name = g->name,
        .core = c->hal.index,
        .lo = core_stack ? top - CORE_STACK : g->stack_lo,
        .hi = core_stack ? top : g->stack_hi,
    };
}
