/* sched/said.c - what a G says of itself: nothing of it does anything but under a policy that looks at it.
 *
 * A G that begins says nothing, and beginning one does nothing for it: said is the number of the G that the rest is of,
 * and a struct g that is used again has another number.
 * read next: sched/policy/lottery.c */
#include "sched/said.h"

#include "hal/errno.h"

/* The caller, of which nothing that an earlier G in its place has said is left. */
static struct g *speaker(void) NEEDS(irq_masked) {
    struct g *g = hal_self();
    if (!has_said(g)) {
        g->tickets = 1;
        g->due = NULL;
        relaxed_store(&g->prio, GO_PRIORITY);
        /* release: others read these of one that runs; pairs with has_said() */
        atomic_store_explicit(&g->said, (uint32_t)g->id, memory_order_release);
    }
    return g;
}

int go_set_tickets(unsigned n) {
    check_g("go_set_tickets");
    if (n < 1 || n > GO_TICKETS_MAX) {
        return -EINVAL;
    }
    hal_irq_t was = hal_irq_save();
    speaker()->tickets = n;
    hal_irq_restore(was);
    return 0;
}

int go_set_priority(unsigned p) {
    check_may_block("go_set_priority");
    if (p >= GO_PRIORITIES) {
        return -EINVAL;
    }
    hal_irq_t was = hal_irq_save();
    relaxed_store(&speaker()->prio, (uint8_t)p);
    hal_irq_restore(was);
    go_yield(); /* perhaps another one is before it now, or nobody that displaced it */
    return 0;
}

const struct due *say_due(const struct due *due) {
    hal_irq_t was = hal_irq_save();
    struct g *g = speaker();
    const struct due *outer = g->due;
    g->due = due;
    hal_irq_restore(was);
    return outer;
}
