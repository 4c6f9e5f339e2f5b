/* sched/timer.c - sleeping Gs in 4-ary heaps, one per core: see timer.h.
 *
 * Four children to a node: half as deep as a binary heap, and the children share a cache line. The
 * slot holds the time, so sifting touches no G but to tell it where it stands.
 * TOUR 11 / read next: sched/wait.h, sched/chan.c */
#include "sched/timer.h"

#include <bareloom/time.h>

#include "sched/assert.h"
#include "sched/pages.h"
#include "sched/wait.h"

/* Waits ended in one go with interrupts masked (HAZARDS 26). */
#define BATCH 32

/* Address space per core: room for a million timers. */
#define HEAP_BYTES MB(16)

/* ---- the heap ------------------------------------------------------------------------------- */

static void place(struct timer_heap *h, uint32_t at, struct timer_slot s) {
    h->slots[at] = s;
    s.g->timer.pos = at;
}

static void sift_up(struct timer_heap *h, uint32_t at, struct timer_slot s) {
    while (at != 0) {
        uint32_t parent = (at - 1) / 4;
        if (h->slots[parent].when <= s.when) {
            break;
        }
        place(h, at, h->slots[parent]);
        at = parent;
    }
    place(h, at, s);
}

static void sift_down(struct timer_heap *h, uint32_t at, struct timer_slot s) {
    for (;;) {
        uint32_t first = at * 4 + 1;
        uint32_t least = at;
        int64_t when = s.when;
        for (uint32_t i = first; i < first + 4 && i < h->n; i++) {
            if (h->slots[i].when < when) {
                when = h->slots[i].when;
                least = i;
            }
        }
        if (least == at) {
            break;
        }
        place(h, at, h->slots[least]);
        at = least;
    }
    place(h, at, s);
}

void heap_push(struct timer_heap *h, int64_t when, struct g *g) {
    ASSERT(h->n < h->capacity);
    h->n++;
    sift_up(h, h->n - 1, (struct timer_slot){.when = when, .g = g});
}

void heap_remove(struct timer_heap *h, uint32_t at) {
    h->slots[at].g->timer.pos = TIMER_IDLE;
    struct timer_slot last = h->slots[--h->n];
    if (at < h->n) {
        if (at != 0 && last.when < h->slots[(at - 1) / 4].when) {
            sift_up(h, at, last);
        } else {
            sift_down(h, at, last);
        }
    }
}

struct g *heap_pop(struct timer_heap *h) {
    struct g *g = h->slots[0].g;
    heap_remove(h, 0);
    return g;
}

/* ---- storage -------------------------------------------------------------------------------- */

static uintptr_t storage; /* HEAP_BYTES for each core; set once */

void timers_init(void) {
    size_t size;
    storage = hal_window(HAL_WINDOW_TABLES, &size);
    ASSERT(size >= HEAP_BYTES * HAL_MAX_CORES);
    if (!hal_map_tables(storage, HEAP_BYTES * hal_core_count(), page_alloc)) {
        FATAL("runtime: no memory for the timers' tables");
    }
}

bool timer_reserve(struct core *c) {
    struct timer_heap *h = &c->timers;
    /* n is read without the lock: others only lower it, and what this core adds it adds later */
    if (h->n < h->capacity) {
        return true;
    }
    uintptr_t base = storage + (size_t)c->hal.index * HEAP_BYTES;
    size_t used = h->capacity * sizeof(struct timer_slot);
    void *page = used < HEAP_BYTES ? page_alloc() : NULL;
    if (page == NULL) {
        return false;
    }
    hal_map(base + used, page);
    h->slots = (struct timer_slot *)base;
    h->capacity += HAL_PAGE / (uint32_t)sizeof(struct timer_slot);
    return true;
}

/* ---- start, stop, expire -------------------------------------------------------------------- */

void timer_start(struct core *c, struct g *g) {
    spin_lock_masked(&c->timers.lock);
    g->timer.core = (uint8_t)c->hal.index;
    heap_push(&c->timers, g->timer.when, g);
    spin_unlock_masked(&c->timers.lock);
    arm_sooner(c, g->timer.when);
}

void timer_stop(struct g *g) {
    struct timer_heap *h = &cores[g->timer.core].timers;
    hal_irq_t was = spin_lock(&h->lock);
    if (g->timer.pos != TIMER_IDLE) {
        heap_remove(h, g->timer.pos);
    }
    spin_unlock(&h->lock, was);
}

int64_t timers_expire(struct core *c, int64_t now) {
    struct timer_heap *h = &c->timers;
    int64_t when = INT64_MAX;
    struct {
        struct g *g;
        uint32_t seq;
    } due[BATCH];
    unsigned n = 0;
    spin_lock_masked(&h->lock);
    while (n < BATCH && h->n != 0 && h->slots[0].when <= now) {
        due[n].g = heap_pop(h);
        due[n].seq = due[n].g->timer.seq;
        n++;
    }
    if (h->n != 0) {
        when = h->slots[0].when; /* when a full batch left some that are due: at once */
    }
    spin_unlock_masked(&h->lock);
    for (unsigned i = 0; i < n; i++) {
        if (wait_claim(due[i].g, due[i].seq)) {
            ready(due[i].g);
        }
    }
    return when;
}

/* ---- sleeping ------------------------------------------------------------------------------- */

ns_t go_now(void) {
    return hal_now();
}

static void sleeping(struct g *g, void *arg) {
    (void)arg;
    timer_start(this_core(), g);
}

void go_sleep_until(ns_t when) {
    check_may_block("go_sleep");
    if (when <= hal_now()) {
        return;
    }
    hal_irq_mask();
    struct g *g = hal_self();
    if (timer_reserve(this_core())) {
        g->timer.when = when;
        g->timer.seq = wait_begin(g);
        park(WAIT_SLEEP, sleeping, NULL);
        hal_irq_unmask();
        return;
    }
    hal_irq_unmask();
    while (hal_now() < when) {
        go_yield(); /* no page for the heap: late perhaps, never lost */
    }
}

void go_sleep(ns_t d) {
    if (d <= 0) {
        check_may_block("go_sleep");
        return;
    }
    ns_t now = hal_now();
    go_sleep_until(d < FOREVER - now ? now + d : FOREVER);
}
