/* sched/stack.c - slots, the fault path, and the magazines: see stack.h.
 * TOUR 14 / read next: sched/irq.c */
#include "sched/stack.h"

#include "sched/model.h"
#include "sched/pages.h"

#define GUARD HAL_PAGE

/* What a translation table of pages is for. */
#define TABLE MB(2)

/* Slots are spread by 68 KiB and so on, never by a power of two: else all hot stack lines fall into
 * few cache sets (HAZARDS 22). Each class gets an eighth of the window, the first one the rest. */
static const size_t class_size[STACK_ARENAS] = {KB(64), KB(256), MB(1), MB(8)};

static struct arena {
    uintptr_t base, end;
    size_t stride;
    /* guarded by lock */
    uintptr_t next;   /* slots from here on were never used */
    uintptr_t tables; /* from here on there are none */
} arena[STACK_ARENAS];

/* Small stacks that no G has yet; guarded by lock. */
static union small {
    union small *next;
    uint64_t canary;
    unsigned char bytes[GO_SMALL_STACK];
} * smalls;

static spinlock_t lock = SPINLOCK(RANK_SLOTS);

void stacks_init(void) {
    size_t size;
    uintptr_t at = hal_window(HAL_WINDOW_STACKS, &size);
    uintptr_t end = at + size;
    for (unsigned i = STACK_ARENAS; i-- > 0;) {
        size_t share = i != 0 ? size / 8 : (size_t)(end - at);
        arena[i].stride = class_size[i] + GUARD;
        arena[i].base = arena[i].next = arena[i].tables = at;
        arena[i].end = at + share;
        at += share;
    }
}

unsigned stack_class_for(size_t size) {
    if (size != 0 && size <= GO_SMALL_STACK && HAL_SMALL_STACKS && !SANITIZED) {
        return STACK_SMALL;
    }
    unsigned i = 0;
    while (i < STACK_ARENAS && class_size[i] < size) {
        i++;
    }
    return i < STACK_ARENAS ? i : STACK_CLASSES;
}

/* ---- small ones ------------------------------------------------------------------------------ */

/* Under the lock. */
static union small *small_take(void) NEEDS(lock) {
    union small *s = smalls;
    if (s == NULL && (s = page_alloc()) != NULL) {
        for (size_t i = 0; i < HAL_PAGE / sizeof *s; i++) {
            s[i].next = i + 1 < HAL_PAGE / sizeof *s ? &s[i + 1] : NULL;
        }
    }
    if (s != NULL) {
        smalls = s->next;
    }
    return s;
}

static bool small_assign(struct g *g) {
    hal_irq_t was = spin_lock(&lock);
    union small *s = small_take();
    spin_unlock(&lock, was);
    if (s == NULL) {
        return false;
    }
    s->canary = CANARY;
    g->kind = KIND_OF(STACK_SMALL);
    g->stack_lo = g->stack_low = (uintptr_t)s;
    g->stack_hi = (uintptr_t)(s + 1);
    atomic_store_explicit(&g->made, true, memory_order_release); /* pairs with is_made() */
    return true;
}

_Noreturn void stack_overflown(const struct g *g) {
    FATAL("stack overflow: goroutine %lu \"%s\" has used more than its small stack of %lu bytes, "
          "and has written to what lies below",
          (unsigned long)g->id, g->name != NULL ? g->name : "", (unsigned long)GO_SMALL_STACK);
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* Under the lock. Tables up to end: some more at once, a table of them each. */
static bool tables_grow(struct arena *a, uintptr_t end) NEEDS(lock) {
    size_t more = (end - a->tables + TABLE - 1) & ~(TABLE - 1);
    more = more < a->end - a->tables ? more : (size_t)(a->end - a->tables);
    if (!hal_map_tables(a->tables, more, page_alloc)) {
        return false;
    }
    a->tables += more;
    return true;
}

/* n slots side by side that nobody has had, whose tables exist; 0: none. */
APART uintptr_t slots_take(struct arena *a,
                           unsigned n) { /* stack_assign()'s frame is not to be below its calls */
    uintptr_t slot = 0;
    hal_irq_t was = spin_lock(&lock);
    uintptr_t next = a->next, end = next + n * a->stride;
    if (n * a->stride <= a->end - next && (end <= a->tables || tables_grow(a, end))) {
        slot = next;
        a->next = end;
    }
    spin_unlock(&lock, was);
    return slot;
}

/* They are the stacks of n Gs, with so many bytes committed; returns who is next. */
static struct g *slots_give(struct g *g, unsigned n, unsigned class, uintptr_t slot, size_t committed) {
    size_t stride = arena[class].stride;
    for (uintptr_t hi = slot + stride; n != 0; n--, hi += stride, g = g->link) {
        g->kind = KIND_OF(class);
        g->stack_lo = hi - stride + GUARD;
        g->stack_hi = hi;
        g->stack_low = hi - committed;
        hal_guard(hi - stride);
        atomic_store_explicit(&g->made, true, memory_order_release); /* pairs with is_made() */
    }
    return g;
}

bool stack_assign(struct g *g, unsigned n, unsigned class, unsigned *whole) {
    if (class == STACK_SMALL) {
        *whole = 1;
        return small_assign(g);
    }
    void *pages[STACK_ROW];
    struct arena *a = &arena[class];
    size_t stride = a->stride;
    uintptr_t slot = slots_take(a, n);
    if (slot == 0) {
        return false;
    }
    unsigned have = pages_alloc(pages, n);
    hal_map_row(slot + stride - HAL_PAGE, stride, pages, have);
    g = slots_give(g, have, class, slot, HAL_PAGE);
    slots_give(g, n - have, class, slot + have * stride, 0);
    *whole = have;
    return true;
}

static void low_is(struct g *g, uintptr_t low) {
    g->stack_low = low;
    g->deep = g->stack_hi - low > STACK_KEPT * HAL_PAGE;
}

static void commit(struct g *g, void *page) {
    low_is(g, g->stack_low - HAL_PAGE);
    hal_map(g->stack_low, page);
}

unsigned stack_commit_first(struct g *g, unsigned n) {
    void *pages[STACK_ROW];
    unsigned have = pages_alloc(pages, n);
    for (unsigned i = 0; i < have; i++, g = g->link) {
        commit(g, pages[i]);
    }
    return have;
}

bool stack_commit_all(struct g *g) {
    while (g->stack_hi - g->stack_low < class_size[0]) {
        void *page = page_alloc();
        if (page == NULL) {
            return false;
        }
        commit(g, page);
    }
    return true;
}

void stack_trim(struct g *g, unsigned keep) {
    if (g->stack_hi - g->stack_low <= (uintptr_t)keep * HAL_PAGE || (keep != 0 && model_traps())) {
        return; /* what a thread had its next one has: C libraries keep stacks so */
    }
    do {
        void *page = hal_unmap(g->stack_low);
        low_is(g, g->stack_low + HAL_PAGE);
        if (page != NULL) {
            page_free(page);
        }
    } while (g->stack_hi - g->stack_low > (uintptr_t)keep * HAL_PAGE);
}

void magazine_fill(struct core *c) {
    c->magazine_count +=
        pages_alloc_reserved(&c->magazine[c->magazine_count], MAGAZINE - c->magazine_count);
}

bool sched_touched(uintptr_t address, bool masked) NEEDS(irq_masked) {
    struct core *c = this_core();
    struct g *g = hal_self();
    /* Half of the magazine is for faults of masked code; who is not masked gets more in sched_fault(). */
    if (address < g->stack_lo || address >= g->stack_low || g->stack_low - address > HAL_PAGE ||
        c->magazine_count <= (masked ? 0 : MAGAZINE / 2)) {
        return false;
    }
    commit(g, c->magazine[--c->magazine_count]);
    count(&c->n.faults);
    if (c->magazine_count < MAGAZINE / 2) {
        look_everywhere(c); /* refills */
    }
    return true;
}

bool stack_fault(struct core *c, struct g *g, uintptr_t address, bool masked) {
    if (address < g->stack_lo || address >= g->stack_low) {
        return false;
    }
    uintptr_t down_to = address & ~(uintptr_t)(HAL_PAGE - 1);
    while (g->stack_low > down_to) {
        if (!masked) {
            magazine_fill(c); /* it holds no lock, so we may take one */
        }
        if (c->magazine_count == 0) {
            return false;
        }
        commit(g, c->magazine[--c->magazine_count]);
        count(&c->n.faults);
    }
    return true;
}

struct lookup {
    uintptr_t address;
    struct g *found;
};

static bool covers(struct g *g, void *arg) {
    struct lookup *l = arg;
    if (l->address >= g->stack_lo - GUARD && l->address < g->stack_hi) {
        l->found = g;
    }
    return l->found == NULL;
}

bool stack_owner(uintptr_t address, struct g **owner) {
    struct lookup l = {.address = address};
    bool inside = false;
    for (unsigned i = 0; i < STACK_ARENAS; i++) {
        inside = inside || (address >= arena[i].base && address < arena[i].next);
    }
    if (inside) {
        g_each(covers, &l);
    }
    *owner = l.found;
    return inside;
}
