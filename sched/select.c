/* sched/select.c - waiting on several channels at once.
 *
 * First the channels are asked one at a time, in random order: whichever can go on first is the
 * choice. Only a select that finds none takes all their locks - each once, in an order that is the
 * same for everybody - and looks again: then all of them were unable at one moment, so it may say
 * so (Go: default), or put a waiter on each. All waiters have one seq, so that whoever claims it is
 * the one that ends the wait.
 *
 * The race: the locks are opened one by one on g0, and after the first of them a partner may wake
 * the G, while we still read the list of locks on its stack. So they are opened from the last to
 * the first, and the woken G begins with taking the first.
 *
 * Locks of channels with large elements come before the others: they are held with interrupts open,
 * and a handler of the holder's core must not have to wait for a lock whose holder waits for that.
 * TOUR 12 / read next: sched/mutex.c */
#include <bareloom/select.h>

#include "sched/assert.h"
#include "sched/chan.h"
#include "sched/errno.h"
#include "sched/mem.h"

#define ON_STACK 8

struct selecting {
    const struct select_case *cases;
    size_t n;
    struct waiter *waiters; /* one for each case, at its index */
    uint16_t *mixed;        /* the cases, in random order */
    uint16_t *order;        /* the cases, by lock; those without a channel are left out */
    size_t ordered;
    bool big; /* some locks are held with preemption off */
    struct limit_wait lw;
    uint32_t seq;
};

/* ---- asking ----------------------------------------------------------------------------------- */

/* Whether the case went on. */
static bool try_case(const struct select_case *k) {
    if (k->send) {
        return chan_try_send(k->chan, k->from) == 0;
    }
    int r = chan_try_recv(k->chan, k->to);
    if (r != -EAGAIN && k->ok != NULL) {
        *k->ok = r == 0;
    }
    return r != -EAGAIN;
}

/* Each case once in random order, until one goes on; its index, or n: then mixed, which is room for
 * n numbers, has that order. */
static size_t try_all(const struct select_case *cases, size_t n, uint16_t *mixed) {
    for (size_t i = 0; i < n; i++) {
        mixed[i] = (uint16_t)i;
    }
    for (size_t left = n; left > 0; left--) {
        size_t at = left > 1 ? random_below((uint32_t)left) : 0;
        uint16_t i = mixed[at];
        if (try_case(&cases[i])) {
            return i;
        }
        mixed[at] = mixed[left - 1];
        mixed[left - 1] = i;
    }
    return n;
}

/* ---- the locks -------------------------------------------------------------------------------- */

static const struct chan *chan_at(const struct selecting *s, size_t at) {
    return s->cases[s->order[at]].chan;
}

/* The order in which locks are taken. */
static bool before(const struct chan *a, const struct chan *b) {
    if (chan_big(a) != chan_big(b)) {
        return chan_big(a);
    }
    return (uintptr_t)a < (uintptr_t)b;
}

static void sift(struct selecting *s, size_t at, size_t n) {
    uint16_t moved = s->order[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(chan_at(s, child), chan_at(s, child + 1))) {
            child++;
        }
        if (!before(s->cases[moved].chan, chan_at(s, child))) {
            break;
        }
        s->order[at] = s->order[child];
    }
    s->order[at] = moved;
}

/* Heap sort: in place, and n log n whatever the order was. */
static void sort(struct selecting *s) {
    s->ordered = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->cases[i].chan != NULL) {
            s->order[s->ordered++] = (uint16_t)i;
        }
    }
    for (size_t at = s->ordered / 2; at-- > 0;) {
        sift(s, at, s->ordered);
    }
    for (size_t n = s->ordered; n > 1;) {
        n--;
        uint16_t last = s->order[0];
        s->order[0] = s->order[n];
        s->order[n] = last;
        sift(s, 0, n);
    }
}

/* The spinlock of the case at this place, if no case before it has the same. */
static spinlock_t *lock_at(const struct selecting *s, size_t at) {
    struct chan *c = s->cases[s->order[at]].chan;
    return at == 0 || c != chan_at(s, at - 1) ? &c->lock : NULL;
}

/* Masked afterwards; and with preemption off if s->big. Unchecked, like what opens them: there are any number of locks. */
static void lock_all(struct selecting *s) TAKES(irq_masked) UNCHECKED {
    size_t at = 0;
    s->big = s->ordered != 0 && chan_big(chan_at(s, 0));
    if (s->big) {
        go_preempt_off();
    }
    for (; at < s->ordered && chan_big(chan_at(s, at)); at++) {
        spinlock_t *lock = lock_at(s, at);
        if (lock != NULL) {
            spin_lock_beside(lock); /* not masked: no handler takes it, and nobody preempts us */
        }
    }
    hal_irq_mask();
    for (; at < s->ordered; at++) {
        spinlock_t *lock = lock_at(s, at);
        if (lock != NULL) {
            spin_lock_beside(lock);
        }
    }
}

/* The first one last: see the head of this file. Nothing of s is read after that. */
static void unlock_all(struct selecting *s) NEEDS(irq_masked) UNCHECKED {
    for (size_t at = s->ordered; at-- > 0;) {
        spinlock_t *lock = lock_at(s, at);
        if (lock != NULL) {
            spin_unlock_masked(lock);
        }
    }
}

/* ---- waiting ---------------------------------------------------------------------------------- */

static bool none_can(const struct selecting *s) {
    for (size_t at = 0; at < s->ordered; at++) {
        const struct select_case *k = &s->cases[s->order[at]];
        if (chan_can(k->chan, k->send)) {
            return false;
        }
    }
    return true;
}

/* With all locks. */
static void enqueue_all(struct selecting *s) {
    struct g *g = hal_self();
    s->seq = wait_begin(g);
    for (size_t at = 0; at < s->n; at++) {
        size_t i = s->mixed[at]; /* of cases with the same channel the first on its list goes on */
        const struct select_case *k = &s->cases[i];
        struct waiter *w = &s->waiters[i];
        *w = (struct waiter){.g = g, .shared = true, .seq = s->seq};
        if (k->chan != NULL) {
            w->n = k->chan->elem;
            w->data = k->send ? (void *)(uintptr_t)k->from : k->to;
            chan_slow(k->chan);
            wait_enqueue(k->send ? &k->chan->senders : &k->chan->receivers, w);
        }
    }
}

static void parked_select(struct g *g, void *arg) NEEDS(irq_masked) {
    struct selecting *s = arg;
    bool locked = s->ordered != 0;
    bool goes_on = !limit_arm(&s->lw, g, s->seq);
    if (locked) { /* else nothing keeps g parked any more, and s may be gone */
        unlock_all(s);
    }
    if (goes_on) {
        ready(g);
    }
}

/* The case whose partner has woken us, or n. Without locks: who wrote it made us ready later. */
static size_t chosen_of(const struct selecting *s) {
    size_t i = 0;
    while (i < s->n && !s->waiters[i].woken) {
        i++;
    }
    return i;
}

/* Takes the waiters off, but for the chosen one: that is off. After a close all those of its channel
 * are, and the channel may be gone. If its lock is the first one, parked_select() is through with s. */
static void dequeue_all(struct selecting *s, size_t chosen) {
    bool closed = chosen < s->n && !s->waiters[chosen].ok;
    for (size_t at = 0; at < s->ordered; at++) {
        size_t i = s->order[at];
        const struct select_case *k = &s->cases[i];
        if (i == chosen || (closed && k->chan == s->cases[chosen].chan)) {
            continue;
        }
        hal_irq_t was = spin_lock_patiently(&k->chan->lock);
        if (s->waiters[i].queued) {
            wait_unlink(k->send ? &k->chan->senders : &k->chan->receivers, &s->waiters[i]);
        }
        spin_unlock(&k->chan->lock, was);
    }
}

/* The partner, or a close, has ended the wait. */
static void finish(const struct select_case *k, const struct waiter *w) {
    if (k->send && !w->ok) {
        PANIC("send on closed channel");
    }
    if (!k->send && k->ok != NULL) {
        *k->ok = w->ok;
    }
    if (!k->send && !w->ok && k->to != NULL) {
        __builtin_memset(k->to, 0, w->n);
    }
}

/* Has all locks, opens them; does not wait. */
static int give_up(struct selecting *s, int r) OPENS(irq_masked) {
    unlock_all(s);
    hal_irq_unmask();
    if (s->big) {
        go_preempt_on();
    }
    return r;
}

/* Has all locks. Masked, and so not to be preempted, until it is off its stack. */
static int wait_for_one(struct selecting *s) OPENS(irq_masked) {
    struct g *g = hal_self();
    enqueue_all(s);
    g->preempt_off = 0;                                          /* 1 if big; own G, masked */
    atomic_store_explicit(&g->resched, 0, memory_order_relaxed); /* we give way anyhow */
    park(s->n != 0 ? WAIT_SELECT : WAIT_SELECT_NONE, parked_select, s);
    int r = limit_end(&s->lw, g);
    hal_irq_unmask();
    size_t chosen = chosen_of(s);
    dequeue_all(s, chosen);
    if (chosen == s->n) {
        return r;
    }
    finish(&s->cases[chosen], &s->waiters[chosen]);
    return (int)chosen;
}

/* try_all() found none that can go on. limit NULL: for ever. */
static int select_with(struct selecting *s, bool block, const struct limit *limit) {
    sort(s);
    for (;;) {
        lock_all(s);
        if (none_can(s)) {
            int r = block ? limit_begin(&s->lw, limit) : -EAGAIN;
            return r == 0 ? wait_for_one(s) : give_up(s, r);
        }
        give_up(s, 0);
        size_t i = try_all(s->cases, s->n, s->mixed);
        if (i < s->n) {
            return (int)i;
        }
    }
}

/* ---- the calls -------------------------------------------------------------------------------- */

static int select_few(const struct select_case *cases, size_t n, bool block, const struct limit *limit) {
    uint16_t mixed[ON_STACK];
    size_t i = try_all(cases, n, mixed);
    if (i < n) {
        return (int)i;
    }
    if (!block && n <= 1) {
        return -EAGAIN; /* one answer is of one moment */
    }
    struct waiter waiters[ON_STACK];
    uint16_t order[ON_STACK];
    struct selecting s = {.cases = cases, .n = n, .waiters = waiters, .mixed = mixed, .order = order};
    return select_with(&s, block, limit);
}

static int select_many(const struct select_case *cases, size_t n, bool block, const struct limit *limit) {
    size_t bytes = n * (sizeof(struct waiter) + 2 * sizeof(uint16_t));
    struct waiter *waiters = mem_alloc(bytes);
    if (waiters == NULL) {
        return -ENOMEM;
    }
    uint16_t *mixed = (uint16_t *)(waiters + n);
    size_t i = try_all(cases, n, mixed);
    int r = (int)i;
    if (i == n) {
        struct selecting s = {
            .cases = cases, .n = n, .waiters = waiters, .mixed = mixed, .order = mixed + n};
        r = select_with(&s, block, limit);
    }
    mem_free(waiters, bytes);
    return r;
}

static int select_any(const struct select_case *cases, size_t n, bool block, const struct limit *limit) {
    check_may_block("chan_select");
    if (n > SELECT_MAX) {
        return -EINVAL;
    }
    for (size_t i = 0; i < n; i++) {
        if (cases[i].chan != NULL) {
            chan_touch(cases[i].send ? cases[i].from : cases[i].to, cases[i].chan->elem);
        }
    }
    return n <= ON_STACK ? select_few(cases, n, block, limit) : select_many(cases, n, block, limit);
}

int chan_select_within(const struct select_case *cases, size_t n, ns_t d) {
    if (d == NOWAIT) {
        return select_any(cases, n, false, NULL);
    }
    struct limit l = limit_within(d);
    return select_any(cases, n, true, &l);
}

int chan_select_until(const struct select_case *cases, size_t n, struct limit l) {
    return select_any(cases, n, true, &l);
}
