/* sched/affinity.c - a G that may run on some of the cores.
 *
 * It takes the way of pinned ones, and is pinned to one of its cores at each moment: which one is looked at anew when
 * it is woken, and at the end of its slice. So no queue that is stolen from ever holds it, and nothing of the quick ways
 * knows of affinity. The price: it waits for its turn where it is, though another of its cores may begin to idle.
 * read next: sched/inbox.c */
#include <bareloom/policy.h>

#include "hal/errno.h"
#include "sched/model.h"
#include "sched/policy.h"

static uint32_t lowest(uint32_t mask) {
    return mask & -mask;
}

/* One that idles, else where it is, else any; those that do not take part only if all do not. */
UNCOMMON unsigned affine_core(struct g *g) NEEDS(irq_masked) {
    uint32_t here = 1u << g->pin;
    uint32_t may = g->affinity & ((1u << relaxed_load(&machine.active)) - 1);
    uint32_t idle = may & relaxed_load(&machine.idle_mask); /* a hint */
    uint32_t best = idle != 0 ? idle : may != 0 ? may : here;
    g->pin = (uint8_t)__builtin_ctz((best & here) != 0 ? here : lowest(best));
    return g->pin;
}

static struct g *moved(struct g *g, void *core) NEEDS(irq_masked) {
    trace_g(this_core(), EV_STOP, g, WHY_YIELD);
    g->why = WHY_YIELD; /* for that core's policy */
    inbox_put(core, g);
    return schedule();
}

void go_on_at(unsigned core) OPENS(irq_masked) {
    struct g *g = hal_self();
    if (core != ANY_CORE && this_core()->hal.index != core) {
        sanitize_follow();
        model_leave(g, moved, &cores[core]);
    } else {
        look_closer(this_core()); /* while a pinned G runs no pick is plain */
        hal_irq_unmask();
    }
}

int go_set_affinity(uint32_t mask) {
    check_may_block("go_set_affinity");
    uint32_t all = (1u << go_num_cores()) - 1;
    if ((mask & all) == 0) {
        return -EINVAL;
    }
    mask &= all;
    struct g *g = hal_self();
    hal_irq_mask();
    if (mask == all) {
        g->where = ANY_CORE;
    } else if ((mask & (mask - 1)) == 0) {
        g->where = (uint16_t)__builtin_ctz(mask);
    } else {
        g->affinity = (uint8_t)mask;
        g->pin = (uint8_t)this_core()->hal.index;
        if ((mask >> g->pin & 1) == 0 || !core_active(this_core())) {
            g->pin = (uint8_t)__builtin_ctz(mask);
            affine_core(g);
        }
    }
    go_on_at(g->pin);
    return 0;
}

uint32_t go_affinity(void) {
    check_g("go_affinity");
    const struct g *g = hal_self();
    uint32_t all = (1u << go_num_cores()) - 1;
    return g->affinity != 0 ? g->affinity : g->pin != ANY_CORE ? 1u << g->pin : all;
}
