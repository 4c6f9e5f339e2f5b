/* sched/inbox.c - how a handler or another core hands a G to a core that alone may touch its
 * queues.
 *
 * Many push, the owner takes everything at once and turns it round, so that Gs come out in order of
 * arrival. Taking all by one exchange has no ABA.
 *
 * The kick: only who finds the inbox empty kicks. Whoever pushed first onto an empty inbox is
 * masked until it has kicked, so a second pusher's G is covered by that kick. An owner who is awake does not look before
 * it comes.
 *
 * TOUR 8 / read next: sched/idle.c */
#include "sched/sched.h"

void inbox_put(struct core *c, struct g *g) NEEDS(irq_masked) {
    struct g *head = atomic_load_explicit(&c->inbox, memory_order_relaxed); /* checked by the swap */
    do {
        g->link = head;
        /* release: pairs with the acquire in inbox_take; the G's state before the G */
    } while (!atomic_compare_exchange_weak_explicit(&c->inbox, &head, g, memory_order_release,
                                                    memory_order_relaxed));
    if (c == this_core()) {
        look_closer(c);
    } else if (head == NULL) {
        kick(c->hal.index);
    }
}

void inbox_put_pinned(struct g *g) NEEDS(irq_masked) {
    inbox_put(&cores[pinned_to(g)], g);
}

struct gqueue inbox_take(struct core *c) NEEDS(irq_masked) {
    struct gqueue q = {0};
    if (inbox_empty(c)) {
        return q;
    }
    struct g *g = atomic_exchange_explicit(&c->inbox, NULL, memory_order_acquire);
    while (g != NULL) {
        struct g *next = g->link;
        gqueue_push_front(&q, g);
        g = next;
    }
    return q;
}
