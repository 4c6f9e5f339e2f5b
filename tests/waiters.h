/*
 * tests/waiters.h - sees who waits on a channel, so that a test need not guess by sleeping whether it has come to that.
 */
#pragma once

#include "sched/chan.h"
#include "tests/test.h"

/* How many wait to send on c, or to receive. Who is counted is off its stack. For elements of at most
 * CHAN_HANDLER_MAX bytes: the lock of others is held in another way. */
static inline unsigned chan_waiters(struct chan *c, bool send) {
    unsigned n = 0;
    hal_irq_t was = spin_lock(&c->lock);
    for (struct waiter *w = send ? c->senders.head : c->receivers.head; w != NULL; w = w->next) {
        n++;
    }
    spin_unlock(&c->lock, was);
    return n;
}
