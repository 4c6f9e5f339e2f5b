/* sched/go.c - the life of a G: made, started, ended, used again.
 *
 * A struct g and its stack slot belong together for ever and are never unmapped or given to
 * anything else, so a stale pointer to a G always points at a G. Dead Gs of the default stack size
 * wait in per-core caches, which spill and refill in batches: one core spawns, others hoard the
 * dead (HAZARDS 42).
 * TOUR 4 / read next: sched/schedule.c */
#include "hal/errno.h"
#include "sched/alarm.h"
#include "sched/assert.h"
#include "sched/cleanup.h"
#include "sched/gmp.h"
#include "sched/knobs.h"
#include "sched/model.h"
#include "sched/pages.h"
#include "sched/policy.h"
#include "sched/stack.h"
#include "sched/task.h"

#define CACHE       64u /* slots */
#define CACHE_BATCH 32
#define CACHE_NEW   STACK_ROW
_Static_assert(CACHE_NEW <= CACHE_BATCH, "one spill makes room for them");

/* Gs live in pages of their own; the list of pages only grows. */
struct g_page {
    struct g_page *next;
    struct g gs[(HAL_PAGE - sizeof(void *)) / sizeof(struct g)];
};
#define GS_PER_PAGE (sizeof(((struct g_page *)0)->gs) / sizeof(struct g))

static _Atomic(struct g_page *) all; /* pushed under lock with release; read with acquire */

static struct {
    spinlock_t lock;
    /* guarded by lock */
    struct g *dead[STACK_CLASSES]; /* with a stack, and a page of it at least */
    struct g *bare[STACK_ARENAS];  /* with a slot, and no page */
    struct g *blank;               /* without */
    struct g *unused, *unused_end; /* of the newest page, what nobody has had */
    uint64_t next_ids;             /* the next batch of numbers begins behind it */
} pool = {.lock = SPINLOCK(RANK_GS)};

/* One function, set once at start by the C library. */
static void (*on_exit_fn)(void *local);

/* ---- allocation ----------------------------------------------------------------------------- */

/* Under the lock. */
static bool page_add(void) NEEDS(pool.lock) {
    struct g_page *page = page_alloc_zeros();
    if (page == NULL) {
        return false;
    }
    pool.unused = page->gs;
    pool.unused_end = page->gs + GS_PER_PAGE;
    page->next = atomic_load_explicit(&all, memory_order_relaxed); /* only under the lock */
    atomic_store_explicit(&all, page, memory_order_release);       /* pairs with g_each */
    return true;
}

/* Under the lock: moves n Gs, or what there is, from one list to another; how many. */
static uint32_t move(struct g **from, struct g **to, uint32_t n) {
    uint32_t moved = 0;
    struct g *g = *from, *last = *to;
    for (; moved < n && g != NULL; moved++) {
        struct g *next = g->link;
        g->link = last;
        last = g;
        g = next;
    }
    *from = g;
    *to = last;
    return moved;
}

/* Takes the lock for that. */
static void give(struct g **from, struct g **to, uint32_t n) {
    hal_irq_t was = spin_lock(&pool.lock);
    move(from, to, n);
    spin_unlock(&pool.lock, was);
}

/* Up to n blank ones, put before *to; how many. */
static uint32_t blanks_take(struct g **to, uint32_t n) NEEDS(pool.lock) {
    uint32_t taken = move(&pool.blank, to, n);
    struct g *last = *to;
    while (taken < n && (pool.unused != pool.unused_end || page_add())) {
        struct g *g = pool.unused;
        for (; taken < n && g != pool.unused_end; taken++) {
            relaxed_store(&g->alarm.pos, ALARM_IDLE); /* nobody has seen it */
            g->link = last;
            last = g++;
        }
        pool.unused = g;
    }
    *to = last;
    return taken;
}

/* ---- a core's cache ------------------------------------------------------------------------- */

/* Dead Gs of the default stack class. Slot 0 is NULL for ever, so that what is before dead_top tells whether there are any;
 * and the slots lie so that dead_top's address tells whether they are full. Own core only, masked. */
static struct cache {
    struct g *slots[CACHE];
} __attribute__((aligned(2 * CACHE * sizeof(struct g *)))) caches[HAL_MAX_CORES];

void gs_core(struct core *c) {
    c->dead_top = &caches[c->hal.index].slots[1];
}

unsigned gs_at_hand(const struct core *c) {
    return (unsigned)(c->dead_top - &caches[c->hal.index].slots[1]);
}

static inline struct g *cache_get(struct core *c) NEEDS(irq_masked) {
    struct g **top = c->dead_top - 1, *g = *top;
    if (g != NULL) {
        c->dead_top = top;
    }
    return g;
}

static inline bool cache_is_full(const struct core *c) NEEDS(irq_masked) {
    return ((uintptr_t)c->dead_top & sizeof caches->slots) != 0;
}

/* There is room. g may be running still: it stays here, where nobody else looks. */
static inline void cache_put(struct core *c, struct g *g) NEEDS(irq_masked) {
    *c->dead_top++ = g;
}

/* Under the lock: from the shared ones. It is empty. */
static void cache_refill(struct core *c) NEEDS(irq_masked, pool.lock) {
    struct g *g = pool.dead[0], **top = c->dead_top;
    for (struct g **end = top + CACHE_BATCH; top != end && g != NULL; g = g->link) {
        *top++ = g;
    }
    pool.dead[0] = g;
    c->dead_top = top;
}

/* Moves n of them, which are there, onto a list. */
static void cache_take_out(struct core *c, struct g **to, uint32_t n) NEEDS(irq_masked) {
    struct g *last = *to, **top = c->dead_top;
    for (struct g **end = top - n; top != end;) {
        struct g *g = *--top;
        g->link = last;
        last = g;
    }
    *to = last;
    c->dead_top = top;
}

APART void cache_spill(struct core *c) NEEDS(irq_masked) {
    spin_lock_masked(&pool.lock);
    cache_take_out(c, &pool.dead[0], CACHE_BATCH);
    spin_unlock_masked(&pool.lock);
}

static void cache_put_any(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (cache_is_full(c)) {
        cache_spill(c);
    }
    cache_put(c, g);
}

static bool is_cached(struct core *c, unsigned class) {
    return class == 0 && !knob_is(c, KNOB_GCACHE, 0);
}

/* ---- dead ones, and new ones ---------------------------------------------------------------- */

/* From the shared list; by way of the cache if there is one. */
static struct g *shared_take(struct core *c, unsigned class) NEEDS(irq_masked) {
    struct g *g = NULL;
    spin_lock_masked(&pool.lock);
    if (is_cached(c, class)) {
        cache_refill(c);
        g = cache_get(c);
    } else {
        move(&pool.dead[class], &g, 1);
    }
    spin_unlock_masked(&pool.lock);
    return g;
}

static struct g *dead_take(unsigned class) {
    hal_irq_t was = hal_irq_save();
    struct core *c = this_core();
    struct g *g = class == 0 ? cache_get(c) : NULL;
    if (g == NULL) {
        g = shared_take(c, class);
    }
    hal_irq_restore(was);
    return g;
}

static void g_free(struct core *c, struct g *g) NEEDS(irq_masked) {
    stack_trim(g, STACK_KEPT);
    if (is_cached(c, g->stack_class)) {
        cache_put_any(c, g);
        return;
    }
    spin_lock_masked(&pool.lock);
    move(&g, &pool.dead[g->stack_class], 1);
    spin_unlock_masked(&pool.lock);
}

/* The dead with slots give back all their pages, from the shared lists and this core's cache, and are bare ones. */
static void dead_trim(void) {
    for (unsigned class = 0; class < STACK_ARENAS; class ++) {
        struct g *rest = NULL, *trimmed = NULL;
        hal_irq_t was = spin_lock(&pool.lock);
        rest = pool.dead[class];
        pool.dead[class] = NULL;
        if (class == 0) {
            struct core *c = this_core();
            cache_take_out(c, &rest, gs_at_hand(c));
        }
        spin_unlock(&pool.lock, was);
        while (rest != NULL) { /* ours alone now: a few unmaskings each */
            for (unsigned i = 0; i < CACHE_BATCH && rest != NULL; i++) {
                struct g *g = rest;
                stack_trim(g, 0);
                move(&rest, &trimmed, 1);
            }
            was = spin_lock(&pool.lock);
            move(&trimmed, &pool.bare[class], CACHE_BATCH);
            spin_unlock(&pool.lock, was);
        }
    }
}

bool gs_trim(void) {
    size_t before = pages_free_count();
    dead_trim();
    return pages_free_count() > before;
}

/* A dead G that was taken and not used. */
static void dead_give(struct g *g) {
    give(&g, &pool.dead[g->stack_class], 1);
}

/* Up to n that are bare, or else as many that are new, linked, with the first page of the first *whole; how many. */
static uint32_t gs_get(struct g **gs, uint32_t n, unsigned class, uint32_t *whole) {
    *gs = NULL;
    hal_irq_t was = spin_lock(&pool.lock);
    uint32_t bare = class < STACK_ARENAS ? move(&pool.bare[class], gs, n) : 0;
    n = bare != 0 ? bare : blanks_take(gs, n);
    spin_unlock(&pool.lock, was);
    if (bare != 0) {
        *whole = stack_commit_first(*gs, n);
    } else if (n != 0 && !stack_assign(*gs, n, class, whole)) {
        give(gs, &pool.blank, n);
        return 0;
    }
    return n;
}

/* This core's cache is empty: gets some of the shared dead; false: there are none. True also if it is to stay empty. */
static bool cache_dead_of_others(void) {
    hal_irq_t was = spin_lock(&pool.lock);
    struct core *c = this_core();
    bool any = !is_cached(c, 0) || c->dead_top[-1] != NULL;
    if (!any) {
        cache_refill(c);
        any = c->dead_top[-1] != NULL;
    }
    spin_unlock(&pool.lock, was);
    return any;
}

/* The same, or a few new ones, as far as there is memory. */
APART void cache_fill(void) {
    struct g *gs;
    uint32_t whole, n = cache_dead_of_others() ? 0 : gs_get(&gs, CACHE_NEW, 0, &whole);
    if (n == 0) {
        return;
    }
    n -= whole;
    struct g *g = gs;
    hal_irq_t was = hal_irq_save();
    struct core *c = this_core();
    if (gs_at_hand(c) + whole >= CACHE) {
        cache_spill(c); /* another core than before, or others have ended meanwhile */
    }
    struct g **top = c->dead_top;
    for (struct g **end = top + whole; top != end; g = g->link) {
        *top++ = g;
    }
    c->dead_top = top;
    hal_irq_restore(was);
    if (n != 0) {
        give(&g, &pool.bare[0], n);
    }
}

/* One that is new or bare, with its first page. */
static struct g *g_new(unsigned class) {
    struct g *g;
    uint32_t whole;
    if (gs_get(&g, 1, class, &whole) != 0 && whole == 0) {
        give(&g, &pool.bare[class], 1);
    }
    return g;
}

struct g *g_alloc(size_t size) {
    unsigned class = stack_class_for(size);
    for (int attempt = 0; attempt < 2; attempt++) {
        struct g *g = dead_take(class);
        if (g != NULL || (g = g_new(class)) != NULL) {
            return g;
        }
        dead_trim();
    }
    return NULL;
}

static bool is_made(const struct g *g) {
    /* acquire: pairs with stack_assign(), the stack's bounds are there */
    return atomic_load_explicit(&g->made, memory_order_acquire);
}

void g_each(bool (*fn)(struct g *g, void *arg), void *arg) {
    /* acquire: pairs with page_add() */
    struct g_page *page = atomic_load_explicit(&all, memory_order_acquire);
    for (; page != NULL; page = page->next) {
        for (size_t i = 0; i < GS_PER_PAGE; i++) {
            if (is_made(&page->gs[i]) && !fn(&page->gs[i], arg)) {
                return;
            }
        }
    }
}

struct g *g_next(struct g_cursor *c) {
    for (;;) {
        if (c->page == NULL) {
            c->page = atomic_load_explicit(&all, memory_order_acquire); /* as in g_each */
            c->at = 0;
        }
        for (; c->page != NULL && c->at < GS_PER_PAGE; c->at++) {
            if (is_made(&c->page->gs[c->at])) {
                return &c->page->gs[c->at++];
            }
        }
        c->page = c->page != NULL ? c->page->next : NULL;
        c->at = 0;
        if (c->page == NULL) {
            return NULL;
        }
    }
}

bool g_exists(const struct g *g) {
    struct g_page *page = atomic_load_explicit(&all, memory_order_acquire); /* as in g_each */
    while (page != NULL && (g < page->gs || g >= page->gs + GS_PER_PAGE)) {
        page = page->next;
    }
    return page != NULL && ((uintptr_t)g - (uintptr_t)page->gs) % sizeof *g == 0 && is_made(g);
}

/* ---- start ---------------------------------------------------------------------------------- */

/* A core takes numbers in batches: those between two multiples of this. */
#define IDS 16

UNCOMMON static void ids_refill(struct core *c) NEEDS(irq_masked) {
    spin_lock_masked(&pool.lock);
    c->next_id = pool.next_ids + 1;
    pool.next_ids += IDS;
    spin_unlock_masked(&pool.lock);
}

static inline bool has_ids(const struct core *c) NEEDS(irq_masked) {
    return c->next_id % IDS != 0;
}

/* How far below the stack's end the first SP is: spread over 16 cache lines by the G's number (HAZARDS
 * 22). */
static inline size_t color_of(const struct g *g) {
    return (size_t)(g->id % 16) * 64;
}

/* n bytes at arg are copied to the new stack, if n is not 0. */
static void prepare(struct g *g, size_t color, go_fn *fn, const void *arg, size_t n) {
    uintptr_t top = (g->stack_hi - color - n) & ~(uintptr_t)15;
    for (size_t i = 0; i < n; i++) {
        ((char *)top)[i] = ((const char *)arg)[i];
    }
    hal_prepare(g, (void *)(top - HAL_BEGIN), fn, n != 0 ? (void *)top : (void *)(uintptr_t)arg);
}

/* A dead G with a stack begins a life as number id: whatever is not set here is blank in a dead one. */
static inline void begin_life(struct g *g, uint64_t id, uintptr_t creator, uint64_t parent) {
    g->id = id;
    g->name = NULL;
    g->creator = creator;
    g->parent = parent;
    g_set_status(g, G_RUNNABLE);
}

/* What else there is to making g of fn while anything is hooked. False: no memory, g is dead again. */
UNCOMMON static bool made_hooked(struct g *g, go_fn *fn) {
    if (model_traps() && g->stack_class != STACK_SMALL && !stack_commit_all(g)) {
        dead_trim();
        if (!stack_commit_all(g)) {
            g_set_status(g, G_DEAD);
            g->where = ANY_CORE;
            sanitize_g_ends(g, g->stack_lo, g->stack_hi);
            dead_give(g);
            return false;
        }
    }
    trace_created(g, fn);
    return true;
}

int g_make(struct g **out, const struct go_opts *o, go_fn *fn, const void *arg, size_t n,
           uintptr_t creator) {
    unsigned class = stack_class_for(o->stack);
    if (class == STACK_CLASSES || n > (class == STACK_SMALL ? GO_SMALL_STACK / 4 : GO_COPY_MAX) ||
        (o->pinned && (o->core < 0 || (unsigned)o->core >= go_num_cores()))) {
        return -EINVAL;
    }
    struct g *g = g_alloc(o->stack);
    if (g == NULL) {
        return -ENOMEM;
    }
    if (!sanitize_g_begins(g, o->name, g->stack_lo, g->stack_hi)) {
        dead_give(g);
        return -ENOMEM;
    }
    /* The word in which the public calls, which a sanitizer watches, count for their G: this one is another than the
     * one that has had the memory before. */
    sanitize_open((const void *)(uintptr_t)&g->holds, sizeof g->holds);
    hal_irq_t was = hal_irq_save();
    struct core *c = this_core();
    if (!has_ids(c)) {
        ids_refill(c);
    }
    begin_life(g, c->next_id++, creator, hal_self()->id);
    g->name = o->name;
    g->where = o->pinned ? (uint8_t)o->core : ANY_CORE; /* and no affinity */
    bool traced = hooked(c);
    hal_irq_restore(was);
    prepare(g, class == STACK_SMALL ? 0 : color_of(g), fn, arg, n);
    if (traced && !made_hooked(g, fn)) {
        return -ENOMEM;
    }
    *out = g;
    return 0;
}

/* True: it has been put. */
UNCOMMON static bool launched_hooked(struct core *c, struct g *g) NEEDS(irq_masked) {
    return (policy_is_on(c) && policy_ready(c, g, WHY_NEW)) || (knobs_turned(c) && knobs_ready(c, g));
}

void g_launch(struct g *g) {
    hal_irq_t was = hal_irq_save();
    struct core *c = this_core();
    sanitize_release(g); /* what was done to it since it was made */
    if (!g->system) {
        count(&c->n.started);
    }
    if (hooked(c) && launched_hooked(c, g)) {
        hal_irq_restore(was);
        return;
    }
    if (g->pin != ANY_CORE && g->pin != c->hal.index) {
        inbox_put(&cores[g->pin], g);
    } else {
        gmp_put_next(c, g);
    }
    hal_irq_restore(was);
}

int g_start(const struct go_opts *o, go_fn *fn, void *arg, uintptr_t creator) {
    struct g *g;
    int r = g_make(&g, o, fn, arg, 0, creator);
    if (r == 0) {
        g_launch(g);
    }
    return r;
}

void g_launch_joinable(struct g *g, struct join *j) {
    g->join = j;
    g->leaves = true;
    g_launch(g);
}

int go_system(const char *name, go_fn *fn) {
    struct g *g;
    int r = g_make(&g, &GO_OPTS(.name = name), fn, NULL, 0, 0);
    if (r == 0) {
        g->system = true;
        g_launch(g);
    }
    return r;
}

void check_go(bool has_fn) {
    check_g("go");
    if (!has_fn) {
        FATAL("go of nil func value");
    }
}

int go_with(const struct go_opts *o, go_fn *fn, void *arg) {
    check_go(fn != NULL);
    return g_start(o, fn, arg, CALL_SITE);
}

/* The short way: nobody wants to know, we are no handler, and a dead G is at hand, and a number. NULL: not. */
static inline struct g *go_at_hand(struct core *c, uintptr_t creator) NEEDS(irq_masked) {
    uint64_t id = c->next_id;
    struct g **top = c->dead_top;
    struct g *g = top[-1];
    if (SANITIZED || is_unusual(c) || ((id % IDS == 0) | (g == NULL))) {
        return NULL;
    }
    uint64_t parent =
        hal_self()->id; /* read here, or it would part those two stores, which are one instruction */
    c->dead_top = top - 1;
    c->next_id = id + 1;
    begin_life(g, id, creator, parent);
    return g;
}

static inline int go_with_it(struct core *c, struct g *g, go_fn *fn, void *arg) OPENS(irq_masked) {
    /* in the room of its color, which is never 0 here, is what the port wants at it */
    hal_prepare(g, (void *)(g->stack_hi - color_of(g)), fn, arg);
    count(&c->n.started);
    return gmp_put_next_and_open(c, g);
}

/* Fetches what is not at hand. */
APART int go_otherwise(go_fn *fn, void *arg, uintptr_t creator) OPENS(irq_masked) {
    if (fn == NULL || hal_on_core_stack()) {
        check_go(fn != NULL);
    }
    struct core *c = this_core();
    bool any = c->dead_top[-1] != NULL;
    if (!has_ids(c)) {
        ids_refill(c);
    }
    if (!any) {
        hal_irq_unmask();
        cache_fill();
        hal_irq_mask();
        c = this_core();
    }
    struct g *g = go_at_hand(c, creator);
    if (g == NULL) {
        hal_irq_unmask();
        return g_start(&GO_OPTS(0), fn, arg, creator);
    }
    return go_with_it(c, g, fn, arg);
}

/* Calls nothing but last, and so has no frame. */
int go(go_fn *fn, void *arg) {
    uintptr_t creator = hal_call_site();
    hal_irq_mask();
    struct core *c = this_core();
    struct g *g = fn != NULL ? go_at_hand(c, creator) : NULL;
    if (g == NULL) {
        return go_otherwise(fn, arg, creator);
    }
    return go_with_it(c, g, fn, arg);
}

int go_copy(const struct go_opts *o, go_fn *fn, const void *args, size_t n) {
    check_go(fn != NULL);
    struct g *g;
    int r = g_make(&g, o != NULL ? o : &GO_OPTS(0), fn, args, n, CALL_SITE);
    if (r == 0) {
        g_launch(g);
    }
    return r;
}

/* ---- end ------------------------------------------------------------------------------------ */

static void life_over(struct core *c, struct g *g) NEEDS(irq_masked) {
    g_set_status(g, G_DEAD);
    /* release: who counts this one has counted its start, see gs_alive() */
    atomic_store_explicit(&c->n.ended, relaxed_load(&c->n.ended) + 1, memory_order_release);
}

struct g *g_end(struct g *g, void *core) NEEDS(irq_masked) {
    struct core *c = core;
    stack_check(g);
    struct join *j = g->join;
    life_over(c, g);
    local_free(g);
    sanitize_g_ends(g, g->stack_lo, g->stack_hi);
    /* a fault leaves what go_exit() would have seen to */
    g->where = ANY_CORE;
    g->cleanups = NULL;
    g->catch = NULL;
    g->panics = NULL;
    g->local = NULL;
    g->join = NULL;
    g->leaves = false;
    atomic_store_explicit(&g->waits_on, NULL, memory_order_relaxed);
    atomic_store_explicit(&g->resched, 0, memory_order_relaxed);
    g_free(c, g);
    if (j != NULL) {
        join_done(j);
    }
    return schedule();
}

UNCOMMON _Noreturn static void exit_hooked(struct core *c, struct g *g) NEEDS(irq_masked) {
    trace_g_hooked(c, EV_END, g, 0, 0);
    model_leave_for_good(g, g_end, c);
}

/* Without a cache it must be off its stack. */
UNCOMMON static void end_hooked(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (knob_is(c, KNOB_GCACHE, 0)) {
        exit_hooked(c, g);
    }
    trace_g_hooked(c, EV_END, g, 0, 0);
}

/* The same for one that leaves nothing behind, on its own stack: from its core's cache nobody else takes it, and this
 * core not before it has left it. */
static inline void end_plainly(struct g *g, struct core *c) OPENS(irq_masked) {
    cache_put(c, g);
    life_over(c, g);
    schedule_ended(g, c);
}

/* Somebody wants to know, or the cache is full. */
UNCOMMON static void end_closely(struct g *g, struct core *c) OPENS(irq_masked) {
    if (hooked(c)) {
        end_hooked(c, g);
    }
    if (cache_is_full(c)) {
        cache_spill(c);
    }
    end_plainly(g, c);
}

/* Of one whose function has returned. All at once: it nearly always does. */
static inline bool leaves_nothing(const struct g *g) {
    _Static_assert(offsetof(struct g, holds) == offsetof(struct g, kind) + sizeof(uint64_t),
                   "one behind the other");
    uint64_t kind, holds;
    HAL_LOAD_TWO(kind, holds, g, offsetof(struct g, kind));
    return (kind == KIND_PLAIN) & (((uintptr_t)g->cleanups | (uintptr_t)g->local | holds) == 0) &&
           !SANITIZED;
}

UNCOMMON _Noreturn static void exit_otherwise(struct g *g) {
    check_may_block("go_exit");
    cleanup_all(g);
    local_end(g);
    if (g->local != NULL && on_exit_fn != NULL) {
        on_exit_fn(g->local);
        g->local = NULL;
    }
    if (g->mutexes != 0) {
        FATAL("goroutine %lu \"%s\" ended while it owned %u mutexes", (unsigned long)g->id,
              g->name != NULL ? g->name : "", g->mutexes);
    }
    /* The pages below us go back from here, with interrupts open: g0 would be masked for all of a
     * deep stack. */
    stack_trim(g, (unsigned)((g->stack_hi - (uintptr_t)__builtin_frame_address(0)) / HAL_PAGE) +
                      STACK_KEPT);
    hal_irq_mask();
    sanitize_follow();
    struct core *c = this_core();
    if (hooked(c)) {
        exit_hooked(c, g);
    }
    hal_leave(g, g_end, c);
}

/* Calls nothing but last, and so has no frame. */
void sched_returned(void) {
    struct g *g = hal_self();
    if (!leaves_nothing(g)) {
        exit_otherwise(g);
    }
    hal_irq_mask();
    struct core *c = this_core();
    if (hooked(c) || cache_is_full(c)) {
        end_closely(g, c);
    } else {
        end_plainly(g, c);
    }
}

_Noreturn void go_exit(void) {
    exit_otherwise(hal_self());
}

/* ---- about the caller ----------------------------------------------------------------------- */

uint64_t go_id(void) {
    return hal_self()->id;
}

const char *go_name(void) {
    const char *name = hal_self()->name;
    return name != NULL ? name : "";
}

unsigned go_core(void) {
    hal_irq_t was = hal_irq_save();
    unsigned i = this_core()->hal.index;
    hal_irq_restore(was);
    return i;
}

unsigned go_count(void) {
    return gs_alive();
}

void **go_local(void) {
    return hal_on_core_stack() ? NULL : &hal_self()->local;
}

void go_on_exit(void (*fn)(void *local)) {
    on_exit_fn = fn;
}
