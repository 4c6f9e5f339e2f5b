/* sched/timer.c - timers and tickers: an alarm that sends on a channel, or starts a G.
 *
 * The race: an alarm is popped by its core's handler, and before the handler fires it somebody on
 * another core stops, resets or frees the timer. So firing, stopping and setting are one at a time
 * under the timer's lock, and each setting has a number, which is odd: the handler brings the one it
 * popped, and does nothing if that is no longer the timer's. It is even while the timer is not to
 * fire. Timers are never unmapped, so coming late is safe; a freed one is used again as a timer, with
 * its numbers going on.
 *
 * What a timer sends it sends under its lock. So when stop has that lock, either the value is in
 * the channel, from where it is taken away, or it will never come.
 *
 * Two ways go without that lock. One that fires once and lies last in its heap has sent nothing, and
 * nobody is about to fire it: it is stopped under the heap's lock alone. And a handler that has fired
 * it makes the number even last of all, so that who frees it and sees that knows its channel.
 *
 * Functions are called by Gs of their own. A handler cannot start one; it puts the timer on a list
 * and wakes the starter, one G for the whole machine that does nothing else.
 *
 * Lock order: timer -> channel; timer -> heap of alarms.
 * TOUR 11 / read next: sched/wait.h */
#include "sched/timer.h"

#include "hal/errno.h"
#include "sched/alarm.h"
#include "sched/assert.h"
#include "sched/chan.h"
#include "sched/pages.h"

#define TICK_MIN US(10)

#define INLINE __attribute__((always_inline)) static inline

struct timer {
    struct alarm alarm; /* when, seq: guarded by lock; and by its heap's as long as it is there */
    spinlock_t lock;

    /* Set once for this life of the timer; the first two 0 while it is free */
    bool frees_with_chan; /* timer_after() */
    go_fn *fn;            /* NULL: it sends on chan */
    void *arg;

    /* Guarded by lock */
    ns_t period; /* of a ticker that is to fire, else 0 */

    /* Guarded by starter.lock */
    struct timer *next; /* on the list of the starter, or of free timers */
    bool listed;        /* on the starter's list */
    bool start;         /* and to be started, unless it was stopped meanwhile */
    bool freed;         /* and to be given back by the starter */

    struct chan chan; /* the last: its buffer, of one time, lies behind it */
};

#define TIMER_BYTES (sizeof(struct timer) + sizeof(ns_t))

struct ticker {
    struct timer t;
};

/* ---- memory: pages of timers, never unmapped ---------------------------------------------------- */

static struct {
    spinlock_t lock;
    struct timer *free; /* guarded by lock */
} pool = {.lock = SPINLOCK(RANK_TIMER_POOL)};

/* Under the pool's lock. */
UNCOMMON static void more_timers(void) NEEDS(irq_masked) {
    char *page = page_alloc_zeros();
    for (size_t at = 0; page != NULL && at + TIMER_BYTES <= HAL_PAGE;
         at += (TIMER_BYTES + 15) / 16 * 16) {
        struct timer *t = (struct timer *)(void *)(page + at);
        relaxed_store(&t->lock, SPINLOCK(RANK_TIMER)); /* nobody has seen it */
        relaxed_store(&t->alarm.pos, ALARM_IDLE);
        t->alarm.is_timer = true;
        t->next = pool.free;
        chan_init(&t->chan, sizeof(ns_t), 1);
        t->chan.timer = t;
        pool.free = t;
    }
}

/* The one that this core keeps, or NULL. */
UNCOMMON static struct timer *timer_kept(void) NEEDS(irq_masked) {
    struct core *c = this_core();
    struct timer *t = relaxed_load(&c->timer);
    relaxed_store(&c->timer, NULL);
    if (t != NULL) {
        sanitize_acquire(t); /* pairs with free_plain() */
    }
    return t;
}

/* One that is not armed, with a number that it has not had; NULL: no memory. */
static struct timer *timer_take(void) NEEDS(irq_masked) {
    spin_lock_masked(&pool.lock);
    if (pool.free == NULL) {
        more_timers();
    }
    struct timer *t = pool.free;
    if (t != NULL) {
        pool.free = t->next;
    }
    spin_unlock_masked(&pool.lock);
    return t != NULL ? t : timer_kept();
}

/* To all cores: what each keeps is one, or memory would grow where one core frees what another makes. */
static void timer_give(struct timer *t) NEEDS(irq_masked) {
    if (t->fn != NULL) {
        t->fn = NULL;
        relaxed_store(&t->chan.open, CHAN_ONE_PLACE);
    }
    spin_lock_masked(&pool.lock);
    t->next = pool.free;
    pool.free = t;
    spin_unlock_masked(&pool.lock);
}

/* ---- the starter ------------------------------------------------------------------------------ */

static struct {
    spinlock_t lock;
    struct timer *head, *tail; /* what is to be started; guarded by lock */
    _Atomic bool made;
    struct sema work; /* one for each timer on the list */
} starter = {.lock = SPINLOCK(RANK_STARTER)};

/* Handler, or a G that set a timer to now. */
static void start_soon(struct timer *t) {
    hal_irq_t was = spin_lock(&starter.lock);
    bool add = !t->listed;
    t->start = true;
    if (add) {
        t->listed = true;
        t->next = NULL;
        if (starter.head != NULL) {
            starter.tail->next = t;
        } else {
            starter.head = t;
        }
        starter.tail = t;
    }
    spin_unlock(&starter.lock, was);
    if (add) {
        sema_post(&starter.work);
    }
}

/* True: it was on the list and to be started, which it now is not. */
static bool start_not(struct timer *t) {
    hal_irq_t was = spin_lock(&starter.lock);
    bool start = t->start;
    t->start = false;
    spin_unlock(&starter.lock, was);
    return start;
}

static void starter_main(void *arg) {
    (void)arg;
    for (;;) {
        sema_wait(&starter.work);
        hal_irq_t was = spin_lock(&starter.lock);
        struct timer *t = starter.head;
        starter.head = t->next;
        t->listed = false;
        bool start = t->start, freed = t->freed;
        t->start = t->freed = false;
        go_fn *fn = t->fn;
        void *t_arg = t->arg;
        if (freed) {
            timer_give(t);
        }
        spin_unlock(&starter.lock, was);
        while (start && go(fn, t_arg) != 0) {
            go_yield(); /* no memory for it just now: late perhaps, never lost */
        }
    }
}

/* The first function makes it. False: no memory. */
static bool starter_make(void) {
    if (atomic_exchange(&starter.made, true)) {
        return true;
    }
    if (go_system("timers", starter_main) == 0) {
        return true;
    }
    atomic_store(&starter.made, false);
    return false;
}

/* ---- firing: under the timer's lock -------------------------------------------------------------- */

/* Perhaps not any more, without the lock of the heap. */
static inline bool is_armed(const struct timer *t) {
    /* acquire: if it is not, who has made it so is done with it; pairs with timer_fire(), stop_waiting() */
    return atomic_load_explicit(&t->alarm.seq, memory_order_acquire) % 2 != 0;
}

/* Between being to fire and not. */
static inline uint32_t next_number(const struct timer *t) {
    return relaxed_load(&t->alarm.seq) + 1;
}

/* The next time in step with when, after now, not sooner than every TICK_MIN. */
static ns_t next_tick(ns_t when, ns_t period, ns_t now) {
    ns_t after = period < TICK_MIN ? now + TICK_MIN - 1 : now;
    return when + period * (1 + (after - when) / period);
}

void timer_fire(struct alarm *a, uint32_t seq, int64_t now) NEEDS(irq_masked) {
    struct timer *t = (struct timer *)(void *)a; /* its first member */
    spin_lock_masked(&t->lock);
    if (relaxed_load(&a->seq) == seq) { /* before all else: see make_closely() */
        if (t->fn == NULL) {
            chan_try_send(&t->chan, &now); /* full: nobody has taken the last one, this one is dropped */
        } else {
            start_soon(t);
        }
        if (t->period != 0) {
            a->when = next_tick(a->when, t->period, now);
            alarm_start(this_core(), a); /* popped from this core's heap just now: there is room */
        } else {
            /* release: who sees it sees what was sent */
            atomic_store_explicit(&a->seq, next_number(t), memory_order_release);
        }
    }
    spin_unlock_masked(&t->lock);
}

__attribute__((noinline)) static bool take_back(struct timer *t) {
    return chan_try_recv(&t->chan, NULL) == 0;
}

/* It does not fire any more; true: it would have. */
static bool disarm_alarm(struct timer *t) NEEDS(irq_masked) {
    if (!is_armed(t)) {
        return false;
    }
    alarm_stop_masked(&t->alarm);
    if (!is_armed(t)) { /* stop_waiting() has taken it out of the heap before us */
        return false;
    }
    relaxed_store(&t->alarm.seq, next_number(t)); /* out of the heap: nobody pops it with the new number */
    t->period = 0;
    return true;
}

/* Disarms it and takes away what it has sent; true: without this it would have fired, or been received. */
static bool disarm(struct timer *t) NEEDS(irq_masked) {
    bool pending = disarm_alarm(t);
    if (t->fn == NULL) {
        if (chan_count(&t->chan) != 0) { /* while we have the lock there will not be more */
            pending |= take_back(t);
        }
    } else {
        pending |= start_not(t);
    }
    return pending;
}

/* 0, or -ENOMEM. */
static int arm_at(struct timer *t, ns_t when, ns_t period) NEEDS(irq_masked) {
    if (!alarm_reserve(this_core())) {
        return -ENOMEM;
    }
    t->period = period;
    t->alarm.when = when;
    relaxed_store(&t->alarm.seq, next_number(t));
    alarm_start(this_core(), &t->alarm);
    return 0;
}

/* Now and d, as limit_within() has it. */
INLINE ns_t after(ns_t d) {
    ns_t when;
    return __builtin_add_overflow(hal_now(), d, &when) ? FOREVER : when;
}

/* Under its lock, which it opens. Whether it was pending, or -ENOMEM. */
UNCOMMON static int set_and_open(struct timer *t, ns_t when, ns_t period, hal_irq_t was)
    OPENS(irq_masked, t->lock) {
    bool pending = disarm(t);
    int r = arm_at(t, when, period);
    spin_unlock(&t->lock, was);
    return r != 0 ? r : pending;
}

static int set(struct timer *t, ns_t when, ns_t period) {
    hal_irq_t was = spin_lock(&t->lock);
    return set_and_open(t, when, period, was);
}

/* Of one whose number is even: it sends on a channel, where nothing is that it has sent, and nobody waits on a list. */
static inline bool is_plain(const struct timer *t) {
    return (relaxed_load(&t->chan.open) & CHAN_ONE_PLACE) != 0; /* and it has one place */
}

static bool stop(struct timer *t) {
    hal_irq_t was = spin_lock(&t->lock);
    bool pending = disarm(t);
    spin_unlock(&t->lock, was);
    return pending;
}

/* True: it was to fire once, and as the last in its heap; and is not any more. */
INLINE bool stop_waiting(struct timer *t) NEEDS(irq_masked) {
    struct alarm_heap *h = relaxed_load(&t->alarm.heap); /* perhaps not any more, see heap_ends_with() */
    spin_lock_masked(&h->lock);
    uint32_t n = alarms_in(h);
    bool stops = heap_ends_with(h, n, &t->alarm) && t->period == 0;
    if (stops) {
        heap_remove_last(h, n - 1, &t->alarm);
        /* release: it may be set anew now, in another heap */
        atomic_store_explicit(&t->alarm.seq, next_number(t), memory_order_release);
    }
    spin_unlock_masked(&h->lock);
    return stops;
}

/* ---- making and freeing ------------------------------------------------------------------------- */

static struct timer *make_closely(ns_t d, ns_t period, go_fn *fn, void *arg) OPENS(irq_masked) {
    struct timer *t = timer_take();
    if (t != NULL) {
        /* Without its lock: a handler that comes late for an earlier life of it looks no further than its number */
        t->arg = arg;
        if (fn != NULL) {
            t->fn = fn;
            relaxed_store(&t->chan.open, 0); /* not is_plain() */
        }
        if (arm_at(t, after(d), period) < 0) {
            timer_give(t);
            t = NULL;
        }
    }
    hal_irq_unmask();
    return t;
}

static struct timer *make(ns_t d, ns_t period, go_fn *fn, void *arg) {
    check_may_block("timer_make");
    if (fn != NULL && !starter_make()) {
        return NULL;
    }
    hal_irq_mask();
    return make_closely(d, period, fn, arg);
}

UNCOMMON static struct timer *make_soon(ns_t d) OPENS(irq_masked) {
    return make_closely(d, 0, NULL, NULL);
}

struct timer *timer_make(ns_t d) {
    check_may_block("timer_make");
    hal_irq_mask();
    struct core *c = this_core();
    struct timer *t = relaxed_load(&c->timer);
    if (t == NULL) {
        return make_soon(d);
    }
    sanitize_acquire(t); /* pairs with free_plain() */
    if (!alarm_start_last(c, &t->alarm, next_number(t), after(d))) {
        return make_soon(d);
    }
    relaxed_store(&c->timer, NULL);
    hal_irq_unmask();
    return t;
}

/* By the starter, if it is on its list: a list cannot be taken apart in the middle. */
static void give(struct timer *t) {
    hal_irq_t was = spin_lock(&starter.lock);
    bool listed = t->listed;
    t->freed = listed;
    if (!listed) {
        timer_give(t);
    }
    spin_unlock(&starter.lock, was);
}

/* It is armed, starts functions, or something is or was the matter with its channel. */
UNCOMMON static void free_closely(struct timer *t) {
    if (t == NULL) {
        return;
    }
    check_may_block("timer_free");
    stop(t);
    if (t->fn == NULL) {
        chan_end(&t->chan);
    }
    give(t); /* a timer with a channel is on no list */
}

UNCOMMON static void give_and_open(struct timer *t) OPENS(irq_masked) {
    sanitize_acquire(t); /* pairs with free_plain() in another G */
    timer_give(t);
    hal_irq_unmask();
}

/* And nobody waits alone, nor has the lock just now. */
static inline bool is_deserted(const struct timer *t) {
    /* relaxed: who waits there while it is freed, and is not seen, has come too late to be looked for */
    return relaxed_load(&t->chan.lock) == 0;
}

INLINE void free_plain(struct timer *t) {
    sanitize_release(t); /* pairs with timer_make() */
    hal_irq_mask();
    struct core *c = this_core();
    struct timer *before = relaxed_load(&c->timer);
    relaxed_store(&c->timer, t);
    if (before != NULL) {
        give_and_open(before);
        return;
    }
    hal_irq_unmask();
}

void timer_free(struct timer *t) {
    if (t != NULL && may_block() && !is_armed(t) && is_plain(t) && is_deserted(t)) {
        free_plain(t);
    } else {
        free_closely(t);
    }
}

void timer_free_chan(struct timer *t) {
    if (!t->frees_with_chan) {
        PANIC("chan_free: the channel belongs to a timer or ticker, free that");
    }
    t->frees_with_chan = false;
    free_closely(t);
}

struct timer *timer_after_func(ns_t d, go_fn *fn, void *arg) {
    if (fn == NULL) {
        FATAL("go of nil func value");
    }
    return make(d, 0, fn, arg);
}

struct chan *timer_after(ns_t d) {
    struct timer *t = timer_make(d);
    if (t == NULL) {
        return NULL;
    }
    t->frees_with_chan = true;
    return &t->chan;
}

struct chan *timer_chan(struct timer *t) {
    return t->fn == NULL ? &t->chan : NULL;
}

UNCOMMON static bool stop_closely(struct timer *t) {
    if (t == NULL) {
        PANIC("time: Stop called on uninitialized Timer");
    }
    check_may_block("timer_stop");
    return stop(t);
}

UNCOMMON static bool open_and_stop(struct timer *t) OPENS(irq_masked) {
    hal_irq_unmask();
    return stop(t);
}

bool timer_stop(struct timer *t) {
    if (t == NULL || !may_block()) {
        return stop_closely(t);
    }
    hal_irq_mask();
    if (!stop_waiting(t)) {
        return open_and_stop(t);
    }
    hal_irq_unmask();
    return true;
}

UNCOMMON static int reset_closely(struct timer *t, ns_t d) {
    if (t == NULL) {
        PANIC("time: Reset called on uninitialized Timer");
    }
    check_may_block("timer_reset");
    return set(t, after(d), 0);
}

int timer_reset(struct timer *t, ns_t d) {
    if (t == NULL || !may_block()) {
        return reset_closely(t, d);
    }
    ns_t when = after(d);
    hal_irq_t was = spin_lock(&t->lock);
    if (is_armed(t) || !is_plain(t) || !alarm_start_last(this_core(), &t->alarm, next_number(t), when)) {
        return set_and_open(t, when, 0, was);
    }
    spin_unlock(&t->lock, was);
    return 0;
}

/* ---- tickers -------------------------------------------------------------------------------------- */

struct ticker *ticker_make(ns_t period) {
    if (period <= 0) {
        PANIC("non-positive interval for NewTicker");
    }
    return (struct ticker *)(void *)make(period, period, NULL, NULL);
}

struct chan *ticker_chan(struct ticker *t) {
    return &t->t.chan;
}

void ticker_stop(struct ticker *t) {
    timer_stop(t != NULL ? &t->t : NULL);
}

int ticker_reset(struct ticker *t, ns_t period) {
    if (period <= 0) {
        PANIC("non-positive interval for Ticker.Reset");
    }
    if (t == NULL) {
        PANIC("time: Reset called on uninitialized Ticker");
    }
    check_may_block("ticker_reset");
    int r = set(&t->t, after(period), period);
    return r < 0 ? r : 0;
}

void ticker_free(struct ticker *t) {
    timer_free(t != NULL ? &t->t : NULL);
}
