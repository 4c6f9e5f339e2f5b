/* sched/select.c - waiting on several channels at once.
 *
 * Few channels are looked at without their locks, and one of those that tell that they can go on is
 * tried; many are asked one at a time, in random order. Only a select that comes no further so takes
 * all locks - each once, in an order that is the same for everybody - and looks again: then all of
 * them were unable at one moment, so it may say so (Go: default), or put a waiter on each. All waiters
 * have one seq, so that whoever claims it is the one that ends the wait.
 *
 * The race: the locks are opened one by one on g0, and after the first of them a partner may wake
 * the G, while we still read the list of locks on its stack. So they are opened from the last to
 * the first, and the woken G begins with taking the first.
 *
 * Locks of channels with large elements come before the others: they are held with interrupts open,
 * and a handler of the holder's core must not have to wait for a lock whose holder waits for that.
 * TOUR 12 / read next: sched/mutex.c */
#include <bareloom/defer.h>
#include <bareloom/select.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/chan.h"
#include "sched/mem.h"

#define ON_STACK 8

#define SLOW __attribute__((noinline)) static

struct selecting {
    const struct select_case **order; /* the cases that have a channel, by lock */
    struct waiter *waiters;           /* of each, at its place in order */
    size_t n;                         /* of these */
    bool big;                         /* some locks are held with preemption off */
    bool twice;                       /* a channel has several cases */
    uint32_t seq;
    struct limit_wait lw;
};

/* ---- asking ----------------------------------------------------------------------------------- */

/* Whether the case went on. */
__attribute__((always_inline)) static inline bool try_case(const struct select_case *k) {
    if (k->send) {
        return chan_try_send(k->chan, k->from) == 0;
    }
    int r = chan_try_recv(k->chan, k->to);
    if (r != -EAGAIN && k->ok != NULL) {
        *k->ok = r == 0;
    }
    return r != -EAGAIN;
}

SLOW bool try_one(const struct select_case *k) {
    return try_case(k);
}

/* Each case once in random order, until one goes on, or NULL. left is room for n cases. */
static const struct select_case *try_all(const struct select_case *cases, size_t n,
                                         const struct select_case **left) {
    for (size_t i = 0; i < n; i++) {
        left[i] = &cases[i];
    }
    for (; n > 0; n--) {
        size_t at = random_below((uint32_t)n);
        if (try_one(left[at])) {
            return left[at];
        }
        left[at] = left[n - 1];
    }
    return NULL;
}

/* Whether k can go on, as far as c, its channel, tells without its lock; 0: no. */
static inline uint32_t tells(const struct chan *c, const struct select_case *k) {
    uint64_t open = relaxed_load(&c->open);
    if (open == 0) {
        return relaxed_load(&c->tells) & ((k->send ? TELLS_RECEIVERS : TELLS_SENDERS) | TELLS_CLOSED);
    }
    return (uint32_t)(open >> (k->send ? CHAN_ROOM : 0));
}

static inline uint32_t told(const struct select_case *k) {
    return k->chan != NULL ? tells(k->chan, k) : 0;
}

/* Several can, from k on: one of them, each as likely as the others. */
SLOW const struct select_case *told_one_of(const struct select_case *k, const struct select_case *end) {
    const struct select_case *one = NULL;
    uint32_t found = 0;
    for (; k < end; k++) {
        if (told(k) != 0 && (found++ == 0 || random_below(found) == 0)) {
            one = k;
        }
    }
    return one;
}

/* One that can go on, or NULL. */
static inline const struct select_case *told_one(const struct select_case *cases, size_t n) {
    const struct select_case *one = NULL;
    for (const struct select_case *k = cases; n != 0; k++, n--) {
        if (told(k) != 0) {
            if (one != NULL) {
                return told_one_of(one, k + n);
            }
            one = k;
        }
    }
    return one;
}

/* ---- the locks -------------------------------------------------------------------------------- */

/* The order in which locks are taken. */
static inline bool before(bool big, const struct chan *a, const struct chan *b) {
    if (big && chan_big(a) != chan_big(b)) {
        return chan_big(a);
    }
    return (uintptr_t)a < (uintptr_t)b;
}

static void sift(const struct selecting *s, size_t at, size_t n) {
    const struct select_case **order = s->order, *moved = order[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(s->big, order[child]->chan, order[child + 1]->chan)) {
            child++;
        }
        if (!before(s->big, moved->chan, order[child]->chan)) {
            break;
        }
        order[at] = order[child];
    }
    order[at] = moved;
}

/* In place, and n log n whatever the order was. */
SLOW void heap_sort(const struct selecting *s) {
    for (size_t at = s->n / 2; at-- > 0;) {
        sift(s, at, s->n);
    }
    for (size_t n = s->n; n > 1;) {
        n--;
        const struct select_case *last = s->order[0];
        s->order[0] = s->order[n];
        s->order[n] = last;
        sift(s, 0, n);
    }
}

/* For few: what is nearly sorted takes little time. */
static inline void insertion_sort(const struct selecting *s) {
    const struct select_case **order = s->order;
    for (size_t n = s->n, next = 1; next < n; next++) {
        const struct select_case *moved = order[next];
        size_t at = next;
        for (; at > 0 && before(s->big, moved->chan, order[at - 1]->chan); at--) {
            order[at] = order[at - 1];
        }
        order[at] = moved;
    }
}

/* Puts the cases that have a channel into order, and touches what they copy from and to: before any lock is taken.
 * What was made one after the other lies sorted, upwards or downwards: it comes upwards. */
static inline void line_up(struct selecting *s, const struct select_case *cases, size_t n) {
    const struct select_case **end = s->order, *k = cases;
    ptrdiff_t step = 1;
    if (n != 0 && cases[0].chan > cases[n - 1].chan) {
        k = &cases[n - 1];
        step = -1;
    }
    bool big = false, sorted = true;
    const struct chan *last = NULL;
    for (; n != 0; n--, k += step) {
        struct chan *c = k->chan;
        if (c == NULL) {
            continue;
        }
        sorted &= last <= c;
        last = c;
        if (c->word != 0 && k->to != NULL) {
            chan_touch_word(k->to);
        } else {
            chan_touch(k->to, c->elem);
            big |= chan_big(c);
        }
        *end++ = k;
    }
    s->n = (size_t)(end - s->order);
    s->big = big;
    if (sorted && !big) {
        return;
    }
    if (s->n <= ON_STACK) {
        insertion_sort(s);
    } else {
        heap_sort(s);
    }
}

/* The first of them are those of large elements: their locks, with preemption off. No handler takes them, and nobody
 * preempts us. */
SLOW const struct select_case **lock_large(struct selecting *s) UNCHECKED {
    const struct select_case **at = s->order, **end = at + s->n;
    const struct chan *last = NULL;
    go_preempt_off();
    for (; at != end && chan_big((*at)->chan); at++) {
        if ((*at)->chan != last) {
            last = (*at)->chan;
            spin_lock_beside(&(*at)->chan->lock);
        }
    }
    return at;
}

/* Masked afterwards; and with preemption off if s->big. Says which case can go on, each as likely as the others, or
 * NULL: then none could at the moment when the last lock was taken. Unchecked, like what opens them: there are any
 * number of locks. */
static inline const struct select_case *lock_all(struct selecting *s) TAKES(irq_masked) UNCHECKED {
    const struct select_case **at = s->order, **end = at + s->n;
    const struct select_case **large = s->big ? lock_large(s) : at; /* up to here they are locked */
    const struct select_case *one = NULL;
    const struct chan *last = NULL;
    uint32_t found = 0;
    bool twice = false;
    hal_irq_mask();
    for (; at != end; at++) {
        const struct select_case *k = *at;
        struct chan *c = k->chan;
        if (c == last) {
            twice = true; /* locked for the case before */
        } else if (at >= large) {
            spin_lock_beside(&c->lock);
        }
        last = c;
        ASSERT(!LOCK_RANKS || tells(c, k) != 0 || !chan_can(c, k->send));
        if (tells(c, k) != 0 && (found++ == 0 || random_below(found) == 0)) {
            one = k;
        }
    }
    s->twice = twice;
    return one;
}

/* The first one last: see the head of this file. Nothing of s is read after that. */
static inline void unlock_all(const struct selecting *s) NEEDS(irq_masked) UNCHECKED {
    const struct select_case **first = s->order, **at = first + s->n;
    bool twice = s->twice;
    while (at != first) {
        struct chan *c = (*--at)->chan;
        if (!twice || at == first || at[-1]->chan != c) { /* else with the case before */
            spin_unlock_masked(&c->lock);
        }
    }
}

/* ---- waiting ---------------------------------------------------------------------------------- */

static inline struct wait_list *list_of(const struct select_case *k) {
    return k->send ? &k->chan->senders : &k->chan->receivers;
}

/* Of cases with the same channel the first on its list goes on: they come there in random order. */
SLOW void mix_groups(const struct selecting *s) {
    for (size_t from = 0, to; from < s->n; from = to) {
        to = from + 1;
        while (to < s->n && s->order[to]->chan == s->order[from]->chan) {
            to++;
        }
        for (size_t last = to; last - from > 1; last--) {
            size_t at = from + random_below((uint32_t)(last - from));
            const struct select_case *k = s->order[last - 1];
            s->order[last - 1] = s->order[at];
            s->order[at] = k;
        }
    }
}

/* With all locks. */
static inline void enqueue_all(struct selecting *s, struct g *g) {
    uint32_t seq = wait_begin(g);
    s->seq = seq;
    if (s->twice) {
        mix_groups(s);
    }
    struct waiter *w = s->waiters;
    for (const struct select_case **at = s->order, **end = at + s->n; at != end; at++, w++) {
        const struct select_case *k = *at;
        struct chan *c = k->chan;
        w->g = g;
        w->data = k->to; /* or from */
        w->n = c->elem;
        w->seq = seq;
        w->shared = true;
        w->woken = w->ok = false;
        chan_slow(c, relaxed_load(&c->tells) | (k->send ? TELLS_SENDERS : TELLS_RECEIVERS));
        wait_enqueue(list_of(k), w);
    }
}

static void parked_select(struct g *g, void *arg) NEEDS(irq_masked) {
    struct selecting *s = arg;
    /* Before: without a lock nothing keeps g parked once its limit is set, and s may be gone. */
    bool locked = s->n != 0;
    bool goes_on = !limit_arm(&s->lw, g, s->seq);
    if (locked) {
        unlock_all(s);
    }
    if (goes_on) {
        ready(g);
    }
}

/* The place of the case whose partner has woken us, or n. Without locks: who wrote it made us ready later. */
static inline size_t chosen_of(const struct selecting *s) {
    size_t at = 0, n = s->n;
    for (const struct waiter *w = s->waiters; at < n && !w->woken; w++) {
        at++;
    }
    return at;
}

/* Takes the waiters off, but for the chosen one: that is off. After a close all those of its channel
 * are, and the channel may be gone. If its lock is the first one, parked_select() is through with s. */
static inline void dequeue_all(const struct selecting *s, size_t chosen) {
    const struct select_case **order = s->order;
    size_t n = s->n;
    struct waiter *w = s->waiters;
    const struct chan *closed = chosen < n && !w[chosen].ok ? order[chosen]->chan : NULL;
    for (size_t at = 0; at < n; at++, w++) {
        struct chan *c = order[at]->chan;
        if (at == chosen || c == closed) {
            continue;
        }
        hal_irq_t was = spin_lock_patiently(&c->lock);
        if (w->queued) {
            wait_unlink(list_of(order[at]), w);
        }
        spin_unlock(&c->lock, was);
    }
}

/* The partner, or a close, has ended the wait. */
static inline void finish(const struct select_case *k, const struct waiter *w) {
    if (k->send) {
        if (!w->ok) {
            PANIC("send on closed channel");
        }
        return;
    }
    if (k->ok != NULL) {
        *k->ok = w->ok;
    }
    if (!w->ok && k->to != NULL) {
        __builtin_memset(k->to, 0, w->n);
    }
}

/* Has all locks, opens them; does not wait. */
static inline void give_up(struct selecting *s) OPENS(irq_masked) {
    unlock_all(s);
    hal_irq_unmask();
    if (s->big) {
        go_preempt_on();
    }
}

/* Has all locks. Masked, and so not to be preempted, until it is off its stack. Which case, or why not. */
static inline const struct select_case *wait_for_one(struct selecting *s, enum wait_reason why,
                                                     int *r) OPENS(irq_masked) {
    struct g *g = hal_self();
    enqueue_all(s, g);
    if (s->big) {
        g->preempt_off = 0;
        atomic_store_explicit(&g->resched, 0, memory_order_relaxed); /* we give way anyhow */
    }
    park(why, parked_select, s);
    *r = limit_end(&s->lw, g);
    hal_irq_unmask();
    size_t chosen = chosen_of(s);
    dequeue_all(s, chosen);
    if (chosen == s->n) {
        return NULL;
    }
    finish(s->order[chosen], &s->waiters[chosen]);
    return s->order[chosen];
}

/* None went on so far. s has room for n cases. limit NULL: for ever. */
static inline int select_locked(struct selecting *s, const struct select_case *cases, size_t n,
                                bool block, const struct limit *limit) {
    line_up(s, cases, n);
    for (;;) {
        const struct select_case *k = lock_all(s);
        int r = 0;
        if (k != NULL) {
            give_up(s);
            if (!try_one(k)) {
                continue;
            }
        } else if ((r = block ? limit_begin(&s->lw, limit) : -EAGAIN) != 0) {
            give_up(s);
        } else {
            k = wait_for_one(s, n != 0 ? WAIT_SELECT : WAIT_SELECT_NONE, &r);
        }
        return k != NULL ? (int)(k - cases) : r;
    }
}

/* ---- the calls -------------------------------------------------------------------------------- */

SLOW int select_few(const struct select_case *cases, size_t n, bool block, const struct limit *limit) {
    struct waiter waiters[ON_STACK];
    const struct select_case *order[ON_STACK];
    struct selecting s; /* not zeroed: all that is read is written before */
    s.waiters = waiters;
    s.order = order;
    return select_locked(&s, cases, n, block, limit);
}

/* It has to look closer, and perhaps to wait: the time begins now. */
SLOW int select_few_within(const struct select_case *cases, size_t n, ns_t d) {
    if (d == FOREVER) {
        return select_few(cases, n, true, NULL);
    }
    if (d == NOWAIT && n == 1) {
        return try_one(cases) ? 0 : -EAGAIN; /* one answer is of one moment */
    }
    struct limit l = limit_within(d);
    return select_few(cases, n, d != NOWAIT, &l);
}

struct room {
    struct waiter *waiters;
    size_t bytes;
};

static void give_back(void *arg) {
    struct room *r = arg;
    mem_free(r->waiters, r->bytes);
}

SLOW int select_many(const struct select_case *cases, size_t n, bool block, const struct limit *limit) {
    if (n > SELECT_MAX) {
        return -EINVAL;
    }
    struct selecting s;
    struct room room = {.bytes = n * (sizeof *s.waiters + sizeof(void *))};
    room.waiters = s.waiters = mem_alloc(room.bytes);
    if (s.waiters == NULL) {
        return -ENOMEM;
    }
    struct cleanup c;
    go_defer(&c, give_back, &room); /* also when a send on a closed channel panics */
    s.order = (const struct select_case **)(void *)(s.waiters + n);
    const struct select_case *k = try_all(cases, n, s.order);
    int r = k != NULL ? (int)(k - cases) : select_locked(&s, cases, n, block, limit);
    go_undefer(&c, true);
    return r;
}

SLOW int select_many_within(const struct select_case *cases, size_t n, ns_t d) {
    struct limit l = limit_within(d);
    return select_many(cases, n, d != NOWAIT, &l);
}

int chan_select_within(const struct select_case *cases, size_t n, ns_t d) {
    check_may_block("chan_select");
    if (n > ON_STACK) {
        return select_many_within(cases, n, d);
    }
    const struct select_case *k = told_one(cases, n);
    if (k != NULL && try_case(k)) {
        return (int)(k - cases);
    }
    return select_few_within(cases, n, d);
}

int chan_select_until(const struct select_case *cases, size_t n, struct limit l) {
    check_may_block("chan_select");
    if (n > ON_STACK) {
        return select_many(cases, n, true, &l);
    }
    const struct select_case *k = told_one(cases, n);
    if (k != NULL && try_case(k)) {
        return (int)(k - cases);
    }
    return select_few(cases, n, true, &l);
}
