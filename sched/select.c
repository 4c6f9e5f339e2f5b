/* sched/select.c - waiting on several channels at once.
 *
 * Few channels are looked at without their locks, and one of those that tell that they can go on is
 * tried; many are asked one at a time, in random order. Only a select that comes no further so takes
 * all locks - each once, in an order that is the same for everybody - and looks again under each: if none
 * could go on all of them were unable at one moment, so it may say so (Go: default), or wait. It puts its
 * waiter on each list in the same pass; nobody sees it there before the locks are open, so it can take them off
 * again if a later channel can go on. All waiters have one seq, so that whoever claims it is the one that ends the wait.
 *
 * The race: the locks are opened one by one on g0, and after the first of them a partner may wake
 * the G, while we still read on its stack which locks there are. So they are opened from the last to
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

/* Lists left with interrupts masked in one go. */
#define BATCH 8

#define INLINE __attribute__((always_inline)) static inline
#define SLOW   __attribute__((noinline)) static

/* Where a case waits. */
struct place {
    struct waiter w;
    struct chan *chan;
    struct wait_list *list;
};

struct selecting {
    const struct select_case **order; /* the cases that have a channel, by lock */
    struct place *places;             /* of each, as in order; up to where the locks were taken */
    size_t n;                         /* of these */
    bool big;                         /* some locks are held with preemption off */
    bool twice;                       /* a channel has several cases */
    uint32_t seq;
    struct limit_wait lw; /* its limit is NULL without one, and nothing else of it is written then */
};

/* ---- asking ----------------------------------------------------------------------------------- */

/* Whether the case went on. */
INLINE bool try_case(const struct select_case *k) {
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

/* What a waiter of such a case adds to what its channel tells. */
static inline uint32_t bit_of(bool send) {
    return send ? TELLS_SENDERS : TELLS_RECEIVERS;
}

/* Whether a case can go on, by what its channel tells; where open is not 0, and where it is. */
static inline bool told_open(uint64_t open, bool send) {
    return (uint32_t)(open >> (send ? CHAN_ROOM : 0)) != 0;
}

static inline bool told_slow(uint32_t tells, bool send) {
    return (tells & ~bit_of(send)) != 0;
}

/* The same, as far as c, its channel, tells without its lock. */
static inline bool tells(const struct chan *c, bool send) {
    uint64_t open = relaxed_load(&c->open);
    return open != 0 ? told_open(open, send) : told_slow(relaxed_load(&c->tells), send);
}

static inline bool told(const struct select_case *k) {
    return k->chan != NULL && tells(k->chan, k->send);
}

/* Several can, from k on: the end of one of them, each as likely as the others. */
SLOW const struct select_case *told_one_of(const struct select_case *k, const struct select_case *end) {
    const struct select_case *one = NULL;
    uint32_t found = 0;
    while (k < end) {
        if (told(k++) && (found++ == 0 || random_below(found) == 0)) {
            one = k;
        }
    }
    return one;
}

/* The end of one that can go on, or NULL. The end, since that is where the walk is: a step costs nothing. */
static inline const struct select_case *told_one(const struct select_case *cases, size_t n) {
    if (n == 0) {
        return NULL; /* cases may be, too */
    }
    const struct select_case *one = NULL, *k = cases, *end = cases + n;
    do {
        if (told(k++)) {
            if (one != NULL) {
                return told_one_of(one - 1, end);
            }
            one = k;
        }
    } while (k != end);
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

/* Of cases with the same channel the first on its list goes on: they come there in random order. True: there are such. */
static bool mix_groups(const struct selecting *s) {
    bool twice = false;
    for (size_t from = 0, to; from < s->n; from = to) {
        to = from + 1;
        while (to < s->n && s->order[to]->chan == s->order[from]->chan) {
            to++;
        }
        twice |= to - from > 1;
        for (size_t last = to; last - from > 1; last--) {
            size_t at = from + random_below((uint32_t)(last - from));
            const struct select_case *k = s->order[last - 1];
            s->order[last - 1] = s->order[at];
            s->order[at] = k;
        }
    }
    return twice;
}

/* Puts the cases that have a channel into order, and touches what they copy from and to: before any lock is taken. */
SLOW void line_up_any(struct selecting *s, const struct select_case *k, size_t n) {
    const struct select_case **end = s->order;
    bool big = false;
    for (; n != 0; n--, k++) {
        if (k->chan != NULL) {
            chan_touch(k->to, k->chan->elem);
            big |= chan_big(k->chan);
            *end++ = k;
        }
    }
    s->n = (size_t)(end - s->order);
    s->big = big;
    if (s->n <= ON_STACK) {
        insertion_sort(s);
    } else {
        heap_sort(s);
    }
    s->twice = mix_groups(s);
}

/* The same. What was made one after the other lies sorted, upwards or downwards: it comes upwards. */
static inline void line_up(struct selecting *s, const struct select_case *cases, size_t n) {
    const struct select_case **end = s->order, *k = cases;
    ptrdiff_t step = 1;
    if (n != 0 && cases[0].chan > cases[n - 1].chan) {
        k = &cases[n - 1];
        step = -1;
    }
    const struct chan *last = NULL;
    for (size_t left = n; left != 0; left--, k += step) {
        const struct chan *c = k->chan;
        const void *v = k->to;
        if (c <= last) {
            if (c == NULL) {
                continue;
            }
            line_up_any(s, cases, n);
            return;
        }
        if (c->word != 0 && v != NULL) {
            chan_touch_word(v);
        } else if (!chan_big(c)) {
            chan_touch(v, c->elem);
        } else {
            line_up_any(s, cases, n);
            return;
        }
        last = c;
        *end++ = k;
    }
    s->n = (size_t)(end - s->order);
    s->big = s->twice = false;
}

/* From the last to the first: see the head of this file. Nothing of s is read after that. */
INLINE void unlock_down(struct place *first, struct place *end, bool twice) NEEDS(irq_masked) UNCHECKED {
    while (end != first) {
        struct chan *c = (--end)->chan;
        if (!twice || end == first || end[-1].chan != c) { /* else with the case before */
            spin_unlock_masked(&c->lock);
        }
    }
}

SLOW void unlock_groups(struct place *first, struct place *end) NEEDS(irq_masked) {
    unlock_down(first, end, true);
}

static inline void unlock_all(const struct selecting *s, struct place *end) NEEDS(irq_masked) {
    if (s->twice) {
        unlock_groups(s->places, end);
    } else {
        unlock_down(s->places, end, false);
    }
}

/* Computed: the compiler would choose, which takes longer. */
static inline struct wait_list *list_of(struct chan *c, bool send) {
    const size_t apart = offsetof(struct chan, receivers) - offsetof(struct chan, senders);
    return (struct wait_list *)(void *)((char *)&c->receivers - send * apart);
}

/* With c's lock: off that list of its, if it is there. */
static inline void dequeue(struct chan *c, struct wait_list *l, struct waiter *w) {
    if (__builtin_expect(l->head != w || l->tail != w, 0)) {
        if (w->queued) {
            wait_unlink(l, w);
        }
        return;
    }
    l->head = l->tail = NULL;
    /* What c tells, if it is one thing, was this: or the next one would look for somebody here before it waits. With a
     * buffer it would have to be made fast again as well, and that is left to who looks. */
    if (relaxed_load(&c->tells) <= TELLS_SENDERS && c->capacity == 0) {
        relaxed_store(&c->tells, 0);
    }
}

/* After a spin_try_beside() with that note. Unchecked: words have no "held then". */
UNCOMMON static void lock_noted(struct chan *c, uint64_t note) NEEDS(irq_masked) UNCHECKED {
    chan_noted(c, note == LOCK_HELD ? spin_wait(&c->lock) : note);
}

/* Masked afterwards; and with preemption off if big. Takes one lock after the other, up to the first case that can go
 * on: where its place ends, or NULL: none could at the moment when the last lock was taken. queue: and puts waiters on
 * the lists. The first are those of large elements: no handler takes them, and nobody preempts us. Unchecked, like what
 * opens them: there are any number of locks. */
INLINE struct place *lock_and_ask(struct selecting *s, bool queue, bool twice, bool big)
    TAKES(irq_masked) UNCHECKED {
    struct g *g = hal_self();
    uint32_t seq = s->seq = queue ? wait_begin(g) : 0;
    struct place *p = s->places, *found = NULL;
    const struct chan *last = NULL;
    uint64_t open = 0;
    uint32_t hint = 0, ours = 0;
    bool masked = !big;
    if (big) {
        go_preempt_off();
    } else {
        hal_irq_mask();
    }
    for (const struct select_case **at = s->order, **end = at + s->n; at != end; p++) {
        const struct select_case *k = *at++;
        struct chan *c = k->chan;
        void *data = k->to; /* or from */
        bool send = k->send;
        struct wait_list *list = list_of(c, send);
        p->chan = c;
        p->list = list;
        if (!masked && !chan_big(c)) {
            hal_irq_mask();
            masked = true;
        }
        /* else locked for the case before, and it tells of ourselves */
        if (!twice || c != last) {
            uint64_t note = spin_try_beside(&c->lock);
            if (__builtin_expect(note != 0, 0)) {
                lock_noted(c, note);
            }
            open = relaxed_load(&c->open);
            hint = relaxed_load(&c->tells);
            ours = 0;
            last = c;
        }
        bool listed = ours != 0; /* others are on the list, or perhaps */
        if (__builtin_expect(open != 0, 0)) {
            if (told_open(open, send)) {
                found = p + 1;
                break;
            }
        } else if (__builtin_expect(hint != 0, 0)) {
            if (told_slow(hint, send)) {
                found = p + 1;
                break;
            }
            listed = true;
        }
        ASSERT(!LOCK_RANKS || ours != 0 || !chan_can(c, send));
        if (!queue) {
            continue;
        }
        /* Nobody waits on the other list, and it is not closed: what it tells is ours alone. */
        ours |= bit_of(send);
        if (__builtin_expect(open != 0, 0)) {
            chan_slow(c, ours);
        } else {
            relaxed_store(&c->tells, ours);
        }
        uint32_t elem = c->elem;
        struct waiter *w = &p->w;
        w->g = g;
        w->data = data;
        w->n = elem;
        w->seq = seq;
        w->shared = w->queued = true;
        w->woken = w->ok = false; /* with those before one store */
        w->next = w->prev = NULL;
        if (__builtin_expect(listed, 0)) {
            wait_enqueue(list, w);
        } else {
            ASSERT(!LOCK_RANKS || list->head == NULL);
            list->head = list->tail = w;
        }
    }
    if (!masked) {
        hal_irq_mask();
    }
    return found;
}

SLOW struct place *lock_any(struct selecting *s, bool queue) TAKES(irq_masked) {
    return lock_and_ask(s, queue, s->twice, s->big);
}

static inline struct place *lock_all(struct selecting *s, bool queue) TAKES(irq_masked) UNCHECKED {
    return queue && !s->twice && !s->big ? lock_and_ask(s, true, false, false) : lock_any(s, queue);
}

/* ---- waiting ---------------------------------------------------------------------------------- */

/* With the locks. */
static void unqueue(const struct selecting *s, struct place *end) {
    for (struct place *p = s->places; p != end; p++) {
        wait_unlink(p->list, &p->w);
    }
}

/* Has the locks up to end, opens them. */
static inline void give_up(const struct selecting *s, struct place *end) OPENS(irq_masked) {
    unlock_all(s, end);
    hal_irq_unmask();
    if (s->big) {
        go_preempt_on();
    }
}

/* With a limit, or several cases of one channel. */
UNCOMMON static struct g *parked_closely(struct g *g, struct selecting *s) NEEDS(irq_masked) {
    /* Before: without a lock nothing keeps g parked once its limit is set, and s may be gone. */
    bool locked = s->n != 0;
    bool goes_on = s->lw.limit != NULL && !limit_arm(&s->lw, g, s->seq);
    if (locked) {
        unlock_all(s, s->places + s->n);
    }
    if (goes_on) {
        ready(g);
    }
    return schedule();
}

static struct g *parked_select(struct g *g, void *arg) NEEDS(irq_masked) {
    struct selecting *s = arg;
    if (s->twice || s->lw.limit != NULL) {
        return parked_closely(g, s);
    }
    unlock_down(s->places, s->places + s->n, false);
    return schedule();
}

/* The place of the case whose partner has woken us, or the end. Without locks: who wrote it made us ready later. */
static inline struct place *chosen_of(const struct selecting *s, struct place *end) {
    struct place *p = s->places;
    while (p != end && !p->w.woken) {
        p++;
    }
    return p;
}

/* Masked, but not while another holds l: with large elements, or as a select of many channels, it may take long. */
static inline uint64_t lock_in_batch(spinlock_t *l) NEEDS(irq_masked) TAKES(*l) UNCHECKED {
    uint64_t note;
    while (__builtin_expect(((note = spin_grab(l)) & LOCK_HELD_BIT) != 0, 0)) {
        hal_irq_unmask();
        hal_relax();
        hal_irq_mask();
    }
    if (LOCK_RANKS) {
        lock_rank_take(l, false); /* late, but it has waited with no other */
    }
    return note;
}

/* Takes the waiters from p on off. */
SLOW void dequeue_from(struct place *p, struct place *end) UNCHECKED {
    while (p != end) {
        struct place *stop = end - p > BATCH ? p + BATCH : end;
        hal_irq_mask();
        for (; p != stop; p++) {
            struct chan *c = p->chan;
            struct wait_list *list = p->list;
            uint64_t note = lock_in_batch(&c->lock);
            dequeue(c, list, &p->w);
            spin_unlock_noting(&c->lock, note); /* perhaps somebody waits alone since */
        }
        hal_irq_unmask();
    }
}

/* All but the chosen one: that is off. After a close all those of its channel are, and the channel may be gone. If its
 * lock is the first one, parked_select() is through with s. */
static inline void dequeue_all(const struct selecting *s, struct place *chosen, struct place *end) {
    struct place *before = chosen, *after = chosen;
    if (chosen != end) {
        after++;
        if (!wait_was_served(&chosen->w)) {
            while (before != s->places && before[-1].chan == chosen->chan) {
                before--;
            }
            while (after != end && after->chan == chosen->chan) {
                after++;
            }
        }
    }
    dequeue_from(s->places, before);
    dequeue_from(after, end);
}

/* The partner, or a close, has ended the wait. */
static inline void finish(const struct select_case *k, const struct waiter *w) {
    bool served = wait_was_served(w);
    if (k->send) {
        if (!served) {
            PANIC("send on closed channel");
        }
        return;
    }
    if (k->ok != NULL) {
        *k->ok = served;
    }
    if (!served && k->to != NULL) {
        __builtin_memset(k->to, 0, w->n);
    }
}

/* Has all locks, and is on all lists. Masked, and so not to be preempted, until it is off its stack. Which case, or why
 * not. */
static inline const struct select_case *wait_for_one(struct selecting *s, enum wait_reason why,
                                                     int *r) OPENS(irq_masked) {
    struct g *g = hal_self();
    if (s->big) {
        g->preempt_off = 0;
        atomic_store_explicit(&g->resched, 0, memory_order_relaxed); /* we give way anyhow */
    }
    park(why, parked_select, s);
    if (s->lw.limit != NULL) {
        *r = limit_end(&s->lw, g);
    }
    hal_irq_unmask();
    struct place *end = s->places + s->n, *chosen = chosen_of(s, end);
    dequeue_all(s, chosen, end);
    if (chosen == end) {
        return NULL;
    }
    const struct select_case *k = s->order[chosen - s->places];
    finish(k, &chosen->w);
    return k;
}

/* None went on so far; where is room for n. limit NULL: for ever. */
static inline int select_locked(struct selecting *s, const struct select_case *cases, size_t n,
                                bool block, const struct limit *limit) {
    s->lw.limit = NULL;
    line_up(s, cases, n);
    for (;;) {
        struct place *end = lock_all(s, block);
        const struct select_case *k = NULL;
        int r = -EAGAIN;
        if (end != NULL) {
            if (block) {
                unqueue(s, end - 1);
            }
            give_up(s, end);
            k = told_one(cases, n);
            if (k == NULL || !try_one(--k)) {
                continue;
            }
        } else if (!block) {
            give_up(s, s->places + s->n);
        } else if (is_limited(limit) && (r = limit_begin(&s->lw, limit)) != 0) {
            unqueue(s, s->places + s->n);
            give_up(s, s->places + s->n);
        } else {
            k = wait_for_one(s, n != 0 ? WAIT_SELECT : WAIT_SELECT_NONE, &r);
        }
        return k != NULL ? (int)(k - cases) : r;
    }
}

/* ---- the calls -------------------------------------------------------------------------------- */

/* many: room for more than few cases, or NULL. */
SLOW int select_slowly(const struct select_case *cases, size_t n, bool block,
                       const struct limit *limit, struct place *many) {
    struct place few[ON_STACK];
    const struct select_case *order[ON_STACK];
    struct selecting s; /* not zeroed: all that is read is written before */
    s.places = many != NULL ? many : few;
    s.order = many != NULL ? (const struct select_case **)(void *)(many + n) : order;
    return select_locked(&s, cases, n, block, limit);
}

/* It has to look closer, and perhaps to wait: the time begins now. */
SLOW int select_few_within(const struct select_case *cases, size_t n, ns_t d) {
    if (d == NOWAIT && n == 1) {
        return try_one(cases) ? 0 : -EAGAIN; /* one answer is of one moment */
    }
    struct limit l = limit_within(d);
    return select_slowly(cases, n, d != NOWAIT, &l, NULL);
}

struct room {
    struct place *places;
    size_t bytes;
};

static void give_back(void *arg) {
    struct room *r = arg;
    mem_free(r->places, r->bytes);
}

SLOW int select_many(const struct select_case *cases, size_t n, bool block, const struct limit *limit) {
    if (n > SELECT_MAX) {
        return -EINVAL;
    }
    struct room room = {.bytes = n * (sizeof *room.places + sizeof(void *))};
    room.places = mem_alloc(room.bytes);
    if (room.places == NULL) {
        return -ENOMEM;
    }
    struct cleanup c;
    go_defer(&c, give_back, &room); /* also when a send on a closed channel panics */
    const struct select_case *k = try_all(cases, n, (const struct select_case **)(void *)room.places);
    int r = k != NULL ? (int)(k - cases) : select_slowly(cases, n, block, limit, room.places);
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
    if (k != NULL && try_case(--k)) {
        return (int)(k - cases);
    }
    return d == FOREVER ? select_slowly(cases, n, true, NULL, NULL) : select_few_within(cases, n, d);
}

int chan_select_until(const struct select_case *cases, size_t n, struct limit l) {
    check_may_block("chan_select");
    if (n > ON_STACK) {
        return select_many(cases, n, true, &l);
    }
    const struct select_case *k = told_one(cases, n);
    if (k != NULL && try_case(--k)) {
        return (int)(k - cases);
    }
    return select_slowly(cases, n, true, &l, NULL);
}
