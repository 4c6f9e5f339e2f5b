/*
 * tests/waiters.h - sees who waits on a channel, so that a test need not guess by sleeping whether it has come to that.
 */
#pragma once

#include "sched/chan.h"
#include "tests/test.h"

/* How many wait to send on c, or to receive. Who is counted is off its stack. For elements of at most
 * CHAN_HANDLER_MAX bytes: the lock of others is held in another way. */
static inline unsigned chan_waiters(struct chan *c, bool send) {
    hal_irq_t was = hal_irq_save();
    uint64_t note = spin_lock_masked(&c->lock);
    unsigned n = note_alone(note, send ? NOTE_SENDER : 0) != NULL;
    for (struct waiter *w = send ? c->senders.head : c->receivers.head; w != NULL; w = w->next) {
        n++;
    }
    spin_unlock_noting(&c->lock, note);
    hal_irq_restore(was);
    return n;
}
