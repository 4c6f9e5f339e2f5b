/* sched/alarm.c - what is due when, in 4-ary heaps, one per core: see alarm.h.
 *
 * Four children to a node: half as deep as a binary heap, and the children share a cache line. The
 * slot holds the time, so sifting touches no alarm but to tell it where it stands.
 * TOUR 11 / read next: sched/wait.h */
#include "sched/alarm.h"

#include <bareloom/time.h>

#include "hal/sanitize.h"
#include "sched/assert.h"
#include "sched/gmp.h"
#include "sched/mem.h"
#include "sched/pages.h"
#include "sched/wait.h"

/* Alarms in one go with interrupts masked (HAZARDS 26). */
#define BATCH 8

#define INLINE __attribute__((always_inline)) static inline

/* Address space per core: room for a million alarms. */
#define HEAP_BYTES MB(16)

/* ---- the heap ------------------------------------------------------------------------------- */

void heap_sift_up(struct alarm_heap *h, uint32_t at, struct alarm_slot s) NEEDS(h->lock) {
    while (at != 0) {
        uint32_t parent = (at - 1) / 4;
        if (h->slots[parent].when <= s.when) {
            break;
        }
        heap_place(h, at, h->slots[parent]);
        at = parent;
    }
    heap_place(h, at, s);
    if (at == 0) {
        relaxed_store(&h->first, s.when);
    }
}

void heap_sift_down(struct alarm_heap *h, uint32_t at, struct alarm_slot s) NEEDS(h->lock) {
    for (;;) {
        uint32_t first = at * 4 + 1;
        uint32_t least = at;
        int64_t when = s.when;
        for (uint32_t i = first; i < first + 4 && i < alarms_in(h); i++) {
            if (h->slots[i].when < when) {
                when = h->slots[i].when;
                least = i;
            }
        }
        if (least == at) {
            break;
        }
        heap_place(h, at, h->slots[least]);
        at = least;
    }
    heap_place(h, at, s);
}

struct alarm *heap_pop(struct alarm_heap *h, uint32_t *seq) NEEDS(h->lock) {
    struct alarm *a = h->slots[0].alarm;
    *seq = relaxed_load(&a->seq);
    heap_remove(h, a);
    return a;
}

/* ---- storage -------------------------------------------------------------------------------- */

static uintptr_t storage; /* HEAP_BYTES for each core; set once */

void alarms_init(void) {
    size_t size;
    storage = hal_window(HAL_WINDOW_TABLES, &size);
    ASSERT(size >= HEAP_BYTES * HAL_MAX_CORES);
}

bool alarm_grow(struct core *c) NEEDS(irq_masked) {
    struct alarm_heap *h = &c->alarms;
    uintptr_t base = storage + (size_t)c->hal.index * HEAP_BYTES;
    size_t used = h->capacity * sizeof(struct alarm_slot);
    void *page = used < HEAP_BYTES && mem_tables(base + used, HAL_PAGE) ? page_alloc() : NULL;
    if (page == NULL) {
        return false;
    }
    hal_map(base + used, page);
    h->slots = (struct alarm_slot *)base;
    h->capacity += HAL_PAGE / (uint32_t)sizeof(struct alarm_slot);
    return true;
}

/* ---- start, stop, expire -------------------------------------------------------------------- */

UNCOMMON static void fire(struct core *c, struct alarm *a, uint32_t seq, int64_t now)
    NEEDS(irq_masked) {
    trace_core(c, EV_TIMER, 0, 0);
    sanitize_acquire(a); /* pairs with alarm_start */
    timer_fire(a, seq, now);
}

/* a was popped with seq. */
INLINE void comes(struct core *c, struct alarm *a, uint32_t seq, int64_t now, bool asleep)
    NEEDS(irq_masked) {
    if (a->is_timer) {
        fire(c, a, seq, now);
    } else if (wait_claim(g_of_alarm(a), seq)) {
        if (asleep) {
            ready_asleep(c, g_of_alarm(a));
        } else {
            ready_by_handler(c, g_of_alarm(a));
        }
    }
}

/* Under the heap's lock, which it opens: of what is due a batch, or nothing, if that has been stopped just now. */
UNCOMMON static void expire_many(struct core *c, int64_t now, struct alarm_heap *h)
    NEEDS(irq_masked) OPENS(h->lock) {
    int left = BATCH;
    while (alarms_next(h) <= now) {
        uint32_t seq;
        struct alarm *a = heap_pop(h, &seq);
        spin_unlock_masked(&h->lock);
        comes(c, a, seq, now, false);
        if (--left == 0 || alarms_next(h) > now) {
            return;
        }
        spin_lock_masked(&h->lock);
    }
    spin_unlock_masked(&h->lock);
}

INLINE void expire(struct core *c, int64_t now, bool asleep) NEEDS(irq_masked) {
    struct alarm_heap *h = &c->alarms;
    spin_lock_masked(&h->lock);
    if (alarms_in(h) != 1 || alarms_next(h) > now) {
        expire_many(c, now, h);
        return;
    }
    struct alarm *a = h->slots[0].alarm;
    uint32_t seq = relaxed_load(&a->seq);
    heap_empty(h, a);
    spin_unlock_masked(&h->lock);
    comes(c, a, seq, now, asleep);
}

void alarms_expire(struct core *c, int64_t now) NEEDS(irq_masked) {
    expire(c, now, false);
}

void alarms_expire_asleep(struct core *c, int64_t now) NEEDS(irq_masked) {
    expire(c, now, true);
}

/* ---- sleeping ------------------------------------------------------------------------------- */

ns_t go_now(void) {
    return hal_now();
}

static struct g *sleeping(struct g *g, void *arg) NEEDS(irq_masked) {
    (void)arg;
    alarm_start(this_core(), &g->alarm);
    return schedule();
}

static void sleep_alone(ns_t when) {
    hal_irq_mask();
    struct g *g = hal_self();
    if (alarm_reserve(this_core())) {
        g->alarm.when = when;
        relaxed_store(&g->alarm.seq, wait_begin(g)); /* read under the heap's lock */
        park(WAIT_SLEEP, sleeping, NULL);
        hal_irq_unmask();
        return;
    }
    hal_irq_unmask();
    while (hal_now() < when) {
        go_yield(); /* no page for the heap: late perhaps, never lost */
    }
}

void go_sleep_until(ns_t when) {
    check_may_block("go_sleep");
    if (when > hal_now()) {
        sleep_alone(when);
    }
}

void go_sleep(ns_t d) {
    if (d <= 0) {
        check_may_block("go_sleep");
        return;
    }
    go_sleep_until(limit_within(d).when);
}

int go_sleep_unless(ns_t d, struct ctx *ctx) {
    check_may_block("go_sleep_unless");
    struct limit l = {.when = limit_within(d).when, .ctx = ctx};
    struct waiter w = {0};
    struct wait_list nobody = {0};
    spinlock_t lock = 0;
    hal_irq_t was = spin_lock(&lock);
    int r = wait_on(&lock, &nobody, &w, WAIT_SLEEP, &l);
    hal_irq_restore(was);
    return hal_now() >= l.when ? 0 : r; /* before its time: the context, or no memory */
}
