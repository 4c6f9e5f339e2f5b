/* sched/timer.c - timers and tickers: an alarm that sends on a channel, or starts a G.
 *
 * The race: an alarm is popped by its core's handler, and before the handler fires it somebody on
 * another core stops, resets or frees the timer. So firing, stopping and setting are one at a time
 * under the timer's lock, and each setting has a number: the handler brings the one it popped, and
 * does nothing if that is no longer the timer's. Timers are never unmapped, so coming late is safe;
 * a freed one is used again as a timer, with its numbers going on.
 *
 * What a timer sends it sends under its lock. So when stop has that lock, either the value is in
 * the channel, from where it is taken away, or it will never come.
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
    struct alarm alarm; /* when, seq: guarded by lock */
    spinlock_t lock;

    /* Set once for this life of the timer */
    bool frees_with_chan; /* timer_after() */
    go_fn *fn;            /* NULL: it sends on chan */
    void *arg;

    /* Guarded by lock */
    bool armed;  /* it is to fire, in the setting alarm.seq */
    ns_t period; /* of a ticker, else 0 */

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
    return t;
}

static void timer_give(struct timer *t) NEEDS(irq_masked) {
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

/* The next time in step with when, after now, not sooner than every TICK_MIN. */
static ns_t next_tick(ns_t when, ns_t period, ns_t now) {
    ns_t after = period < TICK_MIN ? now + TICK_MIN - 1 : now;
    return when + period * (1 + (after - when) / period);
}

void timer_fire(struct alarm *a, uint32_t seq, int64_t now) NEEDS(irq_masked) {
    struct timer *t = (struct timer *)(void *)a; /* its first member */
    spin_lock_masked(&t->lock);
    if (t->alarm.seq == seq && t->armed) { /* in this order: see make() */
        if (t->period != 0) {
            t->alarm.when = next_tick(t->alarm.when, t->period, now);
            alarm_start(this_core(), a); /* popped from this core's heap just now: there is room */
        } else {
            t->armed = false;
        }
        if (t->fn == NULL) {
            chan_try_send(&t->chan, &now); /* full: nobody has taken the last one, this one is dropped */
        } else {
            start_soon(t);
        }
    }
    spin_unlock_masked(&t->lock);
}

__attribute__((noinline)) static bool take_back(struct timer *t) {
    return chan_try_recv(&t->chan, NULL) == 0;
}

/* Disarms it and takes away what it has sent; true: without this it would have fired, or been received. */
INLINE bool disarm(struct timer *t) NEEDS(irq_masked) {
    bool pending = t->armed;
    if (pending) {
        t->armed = false;
        alarm_stop_masked(&t->alarm);
    }
    t->alarm.seq++; /* out of the heap: nobody pops it with the new number */
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
INLINE int arm_at(struct timer *t, ns_t when, ns_t period) NEEDS(irq_masked) {
    if (!alarm_reserve(this_core())) {
        return -ENOMEM;
    }
    t->period = period;
    t->armed = true;
    t->alarm.when = when;
    alarm_start(this_core(), &t->alarm);
    return 0;
}

/* Now and d, as limit_within() has it. */
INLINE ns_t after(ns_t d) {
    ns_t now = hal_now();
    return d < FOREVER - now ? now + d : FOREVER;
}

/* Whether it was pending, or -ENOMEM. */
INLINE int set(struct timer *t, ns_t when, ns_t period) {
    hal_irq_t was = spin_lock(&t->lock);
    bool pending = disarm(t);
    int r = arm_at(t, when, period);
    spin_unlock(&t->lock, was);
    return r != 0 ? r : pending;
}

INLINE bool stop(struct timer *t) {
    hal_irq_t was = spin_lock(&t->lock);
    bool pending = disarm(t);
    spin_unlock(&t->lock, was);
    return pending;
}

/* ---- making and freeing ------------------------------------------------------------------------- */

static struct timer *make(ns_t d, ns_t period, go_fn *fn, void *arg) {
    check_may_block("timer_make");
    if (fn != NULL && !starter_make()) {
        return NULL;
    }
    hal_irq_t was = hal_irq_save();
    struct timer *t = timer_take();
    if (t != NULL) {
        t->fn = fn;
        t->arg = arg;
        t->frees_with_chan = false;
        /* Without its lock: a handler that comes late for an earlier life of it looks no further than its number */
        if (arm_at(t, after(d), period) < 0) {
            timer_give(t);
            t = NULL;
        }
    }
    hal_irq_restore(was);
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

/* Stopped: it starts functions, or something is the matter with its channel. */
UNCOMMON static void free_slow(struct timer *t) {
    if (t->fn == NULL) {
        chan_end(&t->chan);
    }
    give(t); /* a timer with a channel is on no list */
}

void timer_free(struct timer *t) {
    if (t == NULL) {
        return;
    }
    check_may_block("timer_free");
    hal_irq_t was = spin_lock(&t->lock);
    disarm(t);
    spin_unlock_masked(&t->lock);
    bool plain = t->fn == NULL && !chan_is_slow(&t->chan);
    if (plain) {
        timer_give(t);
    }
    hal_irq_restore(was);
    if (!plain) {
        free_slow(t);
    }
}

void timer_free_chan(struct timer *t) {
    if (!t->frees_with_chan) {
        PANIC("chan_free: the channel belongs to a timer or ticker, free that");
    }
    timer_free(t);
}

struct timer *timer_make(ns_t d) {
    return make(d, 0, NULL, NULL);
}

struct timer *timer_after_func(ns_t d, go_fn *fn, void *arg) {
    if (fn == NULL) {
        FATAL("go of nil func value");
    }
    return make(d, 0, fn, arg);
}

struct chan *timer_after(ns_t d) {
    struct timer *t = make(d, 0, NULL, NULL);
    if (t == NULL) {
        return NULL;
    }
    t->frees_with_chan = true;
    return &t->chan;
}

struct chan *timer_chan(struct timer *t) {
    return t->fn == NULL ? &t->chan : NULL;
}

bool timer_stop(struct timer *t) {
    if (t == NULL) {
        PANIC("time: Stop called on uninitialized Timer");
    }
    check_may_block("timer_stop");
    return stop(t);
}

int timer_reset(struct timer *t, ns_t d) {
    if (t == NULL) {
        PANIC("time: Reset called on uninitialized Timer");
    }
    check_may_block("timer_reset");
    return set(t, after(d), 0);
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
