/* sched/ctx.c - contexts: what ends waits from outside.
 *
 * A context is used by its owner until ctx_free(), and kept in being by its children, its deadline
 * and whoever cancels it at the moment: refs counts them.
 *
 * Canceling goes down the tree without recursion and without holding more than one lock: a context
 * is marked done under its own lock, then its children are taken off it a batch at a time under
 * tree.lock, each of them by one canceler alone, who puts it on a list of his own. A child that is
 * made meanwhile either finds its parent marked, or is found on it: the mark is set before tree.lock
 * is taken to look for children, and read while it is held to add one.
 *
 * Several may cancel in one tree. Whoever marks a context takes its children; whoever finds it marked
 * waits until the other has come to the end of all below it, so that every cancel that returns has
 * what it says. Waits go downwards only: a canceler holds nothing above what it waits for that
 * another one waits for.
 *
 * Lock order: an object that is waited for -> ctx -> nothing; tree.lock is taken alone.
 * TOUR 13 / read next: sched/mutex.c */
#include "sched/ctx.h"

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/chan.h"
#include "sched/mem.h"
#include "sched/timer.h"

#define BATCH 32

struct ctx_hook {
    struct ctx *ctx; /* holds a reference; set once */
    go_fn *fn;
    void *arg;

    /* Guarded by the context's lock until it has ended, then next is the canceler's */
    struct ctx_hook *next, **at; /* on the context's list; what points to it there */

    /* Guarded by the context's lock. Whoever of canceler and stopper comes second frees it. */
    bool started, stopped;
};

struct ctx {
    _Atomic uint32_t refs;
    spinlock_t lock;

    /* Set once */
    ns_t when;           /* the earliest deadline of it and its ancestors */
    struct timer *timer; /* for its own deadline, or NULL */

    /* Written once under lock, err last and with release; read without it */
    int cause;
    _Atomic int err;
    _Atomic bool settled; /* by who wrote err: it and all below it are done, nobody waits any more */

    /* Guarded by lock */
    struct wait_list waiters;
    struct chan *done; /* made by the first ctx_done() */
    struct ctx_hook *hooks;

    /* Guarded by tree.lock */
    struct ctx *parent; /* NULL: it has none any more */
    struct ctx *children;
    struct ctx *next, *prev; /* siblings; of one taken off by a canceler: next on his list */
};

static struct ctx background = {.lock = SPINLOCK(RANK_CTX), .refs = 1, .when = FOREVER};

static struct { spinlock_t lock; } tree = {.lock = SPINLOCK(RANK_TREE)};

/* ---- being ---------------------------------------------------------------------------------- */

static void hold(struct ctx *c) {
    /* relaxed: whoever holds another has one already */
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
}

static void drop(struct ctx *c) {
    /* acq_rel: what the others did with it comes before its end */
    if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (c->done != NULL) {
        chan_free(c->done);
    }
    mem_free(c, sizeof *c);
}

/* Under tree.lock: c is no child any more. */
static void take_off(struct ctx *c) NEEDS(tree.lock) {
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        c->parent->children = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    c->parent = NULL;
    c->next = c->prev = NULL;
}

/* False: the parent is done. */
static bool put_on(struct ctx *parent, struct ctx *c) {
    hal_irq_t was = spin_lock(&tree.lock);
    bool open = ctx_err(parent) == 0;
    if (open) {
        hold(parent);
        c->parent = parent;
        c->next = parent->children;
        if (c->next != NULL) {
            c->next->prev = c;
        }
        parent->children = c;
    }
    spin_unlock(&tree.lock, was);
    return open;
}

/* ---- canceling ------------------------------------------------------------------------------ */

/* True for the one that has ended it. */
static bool mark(struct ctx *c, int err, int cause, struct ctx_hook **hooks, struct chan **done) {
    hal_irq_t was = spin_lock(&c->lock);
    bool first = atomic_load_explicit(&c->err, memory_order_relaxed) == 0; /* written under lock */
    if (first) {
        c->cause = cause;
        /* release: cause, and what the canceler did before, to who reads err */
        atomic_store_explicit(&c->err, err, memory_order_release);
        *hooks = c->hooks;
        *done = c->done;
        c->hooks = NULL;
    }
    spin_unlock(&c->lock, was);
    return first;
}

static void wake_waiters(struct ctx *c) {
    bool more = true;
    while (more) {
        struct waiter *first = NULL, **end = &first, *w = NULL;
        hal_irq_t was = spin_lock(&c->lock);
        for (int i = 0; i < BATCH && (w = wait_take(&c->waiters)) != NULL; i++) {
            *end = w;
            end = &w->next;
        }
        *end = NULL;
        more = w != NULL;
        spin_unlock(&c->lock, was);
        wake_all(first, true);
    }
}

static void hook_free(struct ctx_hook *h) {
    struct ctx *c = h->ctx;
    mem_free(h, sizeof *h);
    drop(c);
}

/* They are off the context's list. */
static void run_hooks(struct ctx_hook *h) {
    while (h != NULL) {
        struct ctx_hook *next = h->next;
        while (go(h->fn, h->arg) != 0) {
            go_yield(); /* no memory for it just now: late perhaps, never lost */
        }
        hal_irq_t was = spin_lock(&h->ctx->lock);
        h->started = true;
        bool stopped = h->stopped;
        spin_unlock(&h->ctx->lock, was); /* its context is there as long as it is */
        if (stopped) {
            hook_free(h);
        }
        h = next;
    }
}

/* Takes up to a batch of children off c, onto *list, with a reference for that; what they held of c
 * is given back. True: there may be more. */
static bool children_take(struct ctx *c, struct ctx **list) {
    int n = 0;
    hal_irq_t was = spin_lock(&tree.lock);
    for (struct ctx *k; n < BATCH && (k = c->children) != NULL; n++) {
        take_off(k);
        hold(k);
        k->next = *list;
        *list = k;
    }
    spin_unlock(&tree.lock, was);
    for (int i = 0; i < n; i++) {
        drop(c); /* never the last: we hold one */
    }
    return n == BATCH;
}

/* c alone; its children onto *list. False: another one has that to do, or has done it. */
static bool end_one(struct ctx *c, int err, int cause, struct ctx **list) {
    struct ctx_hook *hooks = NULL;
    struct chan *done = NULL;
    if (!mark(c, err, cause, &hooks, &done)) {
        return false;
    }
    while (children_take(c, list)) {
    }
    wake_waiters(c);
    if (done != NULL) {
        chan_close(done);
    }
    run_hooks(hooks);
    return true;
}

static void settle(struct ctx *c) {
    /* release: pairs with await_settled() */
    atomic_store_explicit(&c->settled, true, memory_order_release);
}

static void await_settled(struct ctx *c) {
    /* acquire: all below is seen as done */
    while (!atomic_load_explicit(&c->settled, memory_order_acquire)) {
        go_yield();
    }
}

/* Does what to each of a list, and gives back the reference that the list had. */
static void each(struct ctx *list, void (*what)(struct ctx *c)) {
    while (list != NULL) {
        struct ctx *next = list->next;
        list->next = NULL;
        what(list);
        drop(list);
        list = next;
    }
}

static void end_all(struct ctx *c, int err, int cause) {
    struct ctx *todo = NULL, *ours = NULL, *others = NULL;
    hold(c);
    if (!end_one(c, err, cause, &todo)) {
        await_settled(c);
        drop(c);
        return;
    }
    while (todo != NULL) {
        struct ctx *k = todo;
        todo = k->next;
        struct ctx **to = end_one(k, err, cause, &todo) ? &ours : &others;
        k->next = *to;
        *to = k;
    }
    each(others, await_settled);
    each(ours, settle);
    settle(c);
    drop(c);
}

void ctx_cancel_cause(struct ctx *c, int cause) {
    check_may_block("ctx_cancel");
    if (c == &background) {
        PANIC("ctx_cancel: the background context cannot be canceled");
    }
    if (cause == 0) {
        PANIC("ctx_cancel_cause: a cause that is 0 says that there is none");
    }
    end_all(c, -ECANCELED, cause);
}

void ctx_cancel(struct ctx *c) {
    ctx_cancel_cause(c, -ECANCELED);
}

/* In a G of its own, which has the timer's reference. */
static void deadline_passed(void *arg) {
    struct ctx *c = arg;
    end_all(c, -ETIMEDOUT, -ETIMEDOUT);
    drop(c);
}

/* ---- making and freeing --------------------------------------------------------------------- */

struct ctx *ctx_background(void) {
    return &background;
}

static struct ctx *make(struct ctx *parent, ns_t when) {
    check_may_block("ctx_make");
    if (parent == NULL) {
        PANIC("cannot create context from nil parent");
    }
    struct ctx *c = mem_alloc(sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    bool sooner = when < parent->when;
    *c = (struct ctx){.lock = SPINLOCK(RANK_CTX), .refs = 1, .when = sooner ? when : parent->when};
    ns_t now = hal_now();
    if (sooner && when > now) {
        hold(c);
        c->timer = timer_after_func(when - now, deadline_passed, c);
        if (c->timer == NULL) {
            mem_free(c, sizeof *c);
            return NULL;
        }
    }
    if (!put_on(parent, c)) {
        end_all(c, ctx_err(parent), ctx_cause(parent));
    } else if (sooner && when <= now) {
        end_all(c, -ETIMEDOUT, -ETIMEDOUT);
    }
    return c;
}

struct ctx *ctx_make(struct ctx *parent) {
    return make(parent, FOREVER);
}

struct ctx *ctx_with_deadline(struct ctx *parent, ns_t when) {
    return make(parent, when);
}

struct ctx *ctx_with_timeout(struct ctx *parent, ns_t d) {
    return make(parent, limit_within(d).when);
}

void ctx_free(struct ctx *c) {
    if (c == NULL) {
        return;
    }
    ctx_cancel(c);
    struct ctx *parent = NULL;
    hal_irq_t was = spin_lock(&tree.lock);
    if (c->parent != NULL) {
        parent = c->parent;
        take_off(c);
    }
    spin_unlock(&tree.lock, was);
    if (parent != NULL) {
        drop(parent);
    }
    if (c->timer != NULL) {
        if (timer_stop(c->timer)) {
            drop(c); /* the timer's; otherwise its G does that */
        }
        timer_free(c->timer);
        c->timer = NULL;
    }
    drop(c);
}

/* ---- looking -------------------------------------------------------------------------------- */

int ctx_err(const struct ctx *c) {
    /* acquire: pairs with mark() */
    return atomic_load_explicit(&c->err, memory_order_acquire);
}

int ctx_cause(const struct ctx *c) {
    return ctx_err(c) != 0 ? c->cause : 0;
}

ns_t ctx_deadline(const struct ctx *c) {
    return c->when;
}

struct chan *ctx_done(struct ctx *c) {
    check_may_block("ctx_done");
    if (c == &background) {
        return NULL;
    }
    struct chan *mine = chan_make(0, 0);
    hal_irq_t was = spin_lock(&c->lock);
    bool use = c->done == NULL && mine != NULL;
    if (use) {
        c->done = mine;
    }
    struct chan *done = c->done;
    bool late = use && atomic_load_explicit(&c->err, memory_order_relaxed) != 0; /* under lock */
    spin_unlock(&c->lock, was);
    if (!use) {
        chan_free(mine);
    }
    if (late) {
        chan_close(done); /* the canceler has not seen it */
    }
    return done;
}

/* ---- waits and hooks ------------------------------------------------------------------------- */

bool ctx_join(struct ctx *c, struct waiter *w) NEEDS(irq_masked) {
    if (c == &background) {
        return true; /* nothing would ever come from it, and everybody would meet at its lock */
    }
    spin_lock_masked(&c->lock);
    bool open = atomic_load_explicit(&c->err, memory_order_relaxed) == 0; /* written under lock */
    if (open) {
        wait_enqueue(&c->waiters, w);
    }
    spin_unlock_masked(&c->lock);
    return open;
}

bool ctx_leave(struct ctx *c, struct waiter *w) NEEDS(irq_masked) {
    if (c == &background) {
        return false;
    }
    spin_lock_masked(&c->lock);
    if (w->queued) {
        wait_unlink(&c->waiters, w);
    }
    bool ended = w->woken;
    spin_unlock_masked(&c->lock);
    return ended;
}

struct ctx_hook *ctx_after_func(struct ctx *c, go_fn *fn, void *arg) {
    check_may_block("ctx_after_func");
    if (fn == NULL) {
        FATAL("go of nil func value");
    }
    struct ctx_hook *h = mem_alloc(sizeof *h);
    if (h == NULL) {
        return NULL;
    }
    *h = (struct ctx_hook){.ctx = c, .fn = fn, .arg = arg};
    hold(c);
    hal_irq_t was = spin_lock(&c->lock);
    bool now = atomic_load_explicit(&c->err, memory_order_relaxed) != 0; /* written under lock */
    if (!now) {
        h->next = c->hooks;
        h->at = &c->hooks;
        if (h->next != NULL) {
            h->next->at = &h->next;
        }
        c->hooks = h;
    }
    spin_unlock(&c->lock, was);
    if (now) {
        run_hooks(h);
    }
    return h;
}

bool ctx_hook_stop(struct ctx_hook *h) {
    check_may_block("ctx_hook_stop");
    struct ctx *c = h->ctx;
    hal_irq_t was = spin_lock(&c->lock);
    bool pending = atomic_load_explicit(&c->err, memory_order_relaxed) == 0; /* written under lock */
    bool free = pending || h->started;
    h->stopped = true;
    if (pending) {
        *h->at = h->next;
        if (h->next != NULL) {
            h->next->at = h->at;
        }
    }
    spin_unlock(&c->lock, was);
    if (free) {
        hook_free(h);
    }
    return pending;
}
