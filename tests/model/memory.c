/*
 * tests/model/memory.c - C11's memory as threads may see it: histories of stores, views, races; see checker.h.
 */
#include <string.h>

#include "tests/model/internal.h"

#define HISTORY 64
#define PLACES  4096 /* atomic objects and words of plain memory in a run; a power of two */
#define CELLS   8    /* accesses remembered for each word of plain memory */

struct store {
    uint64_t v;
    struct view view; /* what its reader gets to see by acquire */
};

static struct location {
    const char *name;
    unsigned n;
    struct store store[HISTORY];
} locations[LOCATIONS];
static unsigned location_count;
bool memory_watch_all;
uintptr_t memory_pc;

/* What is known of an address in this run. An atomic object stands under its own, plain memory under its word's. */
static struct place {
    uintptr_t at;
    unsigned stamp;
    struct location *watched;   /* atomic: NULL if it is not */
    struct view view;           /* atomic, not watched: what the last store gives away */
    struct access cells[CELLS]; /* plain */
    uint8_t cell_count;
} places[PLACES];

static struct view sc; /* of the seq_cst fences; clocks are not in it: they order nothing plain */

void view_join(struct view *a, const struct view *b) {
    for (unsigned i = 0; i < LOCATIONS; i++) {
        a->seen[i] = a->seen[i] > b->seen[i] ? a->seen[i] : b->seen[i];
    }
    for (unsigned i = 0; i < THREADS; i++) {
        a->clock[i] = a->clock[i] > b->clock[i] ? a->clock[i] : b->clock[i];
    }
}

static void join_seen(struct view *a, const struct view *b) {
    for (unsigned i = 0; i < LOCATIONS; i++) {
        a->seen[i] = a->seen[i] > b->seen[i] ? a->seen[i] : b->seen[i];
    }
}

/* What this thread does from here on is later than what it has given away. */
static void tick(struct thread *t) {
    t->view.clock[thread_index(t)]++;
}

void memory_hand_over(struct view *to, struct thread *from) {
    view_join(to, &from->view);
    tick(from);
}

/* Words of plain memory and atomic objects never share an address: kind keeps them apart. */
static struct place *place_of(uintptr_t key) {
    size_t i = (key ^ key >> 12) * 0x9e3779b97f4a7c15u >> 40 & (PLACES - 1);
    unsigned looked = 0;
    while (places[i].stamp == runs_started && places[i].at != key) {
        i = (i + 1) & (PLACES - 1);
        if (++looked == PLACES) {
            model_fail("the checker has no room for so much memory: enlarge PLACES");
        }
    }
    struct place *p = &places[i];
    if (p->stamp != runs_started) {
        p->at = key;
        p->stamp = runs_started;
        p->watched = NULL;
        p->cell_count = 0;
        memset(&p->view, 0, sizeof p->view);
    }
    return p;
}

static void watch(struct place *p, const char *name) {
    struct location *l = &locations[location_count++];
    l->n = 0;
    l->name = name;
    p->watched = l;
}

static struct place *place_of_atomic(const volatile void *at) {
    struct place *p = place_of((uintptr_t)at);
    if (memory_watch_all && p->watched == NULL && location_count < LOCATIONS) {
        watch(p, "something");
    }
    return p;
}

static struct place *place_of_word(uintptr_t word) {
    return place_of(~word);
}

void memory_reset(void) {
    location_count = 0;
    memset(&sc, 0, sizeof sc);
}

void model_watch_as(const volatile void *at, const char *name) {
    if (location_count == LOCATIONS) {
        model_fail("too many watched locations: enlarge LOCATIONS");
        return;
    }
    watch(place_of((uintptr_t)at), name);
}

/* ---- plain memory ----------------------------------------------------------------------------- */

/* A later access that gets on with mine gets on with c, too. */
static bool hidden_by(const struct access *c, const struct access *mine) {
    if ((c->bytes & ~mine->bytes) != 0) {
        return false;
    }
    if (c->thread == mine->thread && c->store == mine->store && c->atomic == mine->atomic) {
        return true;
    }
    return mine->store && !mine->atomic; /* it was ordered behind all of them */
}

static void access_word(uintptr_t word, const struct access *mine) {
    struct place *p = place_of_word(word);
    unsigned kept = 0;
    for (unsigned i = 0; i < p->cell_count; i++) {
        struct access c = p->cells[i];
        if (c.thread != mine->thread && (c.bytes & mine->bytes) != 0 && (mine->store || c.store) &&
            !(mine->atomic && c.atomic) && c.clock > now->view.clock[c.thread]) {
            model_fail_race(mine, &c);
        }
        if (!hidden_by(&c, mine)) {
            p->cells[kept++] = c;
        }
    }
    if (kept == CELLS) {
        memmove(p->cells, p->cells + 1, (CELLS - 1) * sizeof p->cells[0]); /* forgets the oldest */
        kept--;
    }
    p->cells[kept] = *mine;
    p->cell_count = (uint8_t)(kept + 1);
}

static void access_memory(const volatile void *at, size_t size, struct access mine) {
    uintptr_t from = (uintptr_t)at, to = from + size;
    mine.thread = (uint8_t)thread_index(now);
    mine.clock = now->view.clock[mine.thread];
    for (uintptr_t word = from & ~(uintptr_t)7; word < to; word += 8) {
        unsigned first = word < from ? (unsigned)(from - word) : 0;
        unsigned last = word + 8 > to ? (unsigned)(to - word) : 8;
        mine.bytes = (uint8_t)((0xffu << first) & (0xffu >> (8 - last)));
        access_word(word, &mine);
    }
}

/* It races with plain accesses alone. */
static void access_atomic(const volatile void *at, size_t size, bool store) {
    access_memory(at, size, (struct access){.store = store, .atomic = true, .pc = memory_pc});
}

void memory_plain(const volatile void *at, size_t size, bool store, uintptr_t pc) {
    if (now != NULL) {
        access_memory(at, size, (struct access){.store = store, .pc = pc});
    }
}

void model_plain(const volatile void *at, size_t size, bool store) {
    memory_plain(at, size, store, (uintptr_t)__builtin_return_address(0));
}

/* ---- atomic objects ----------------------------------------------------------------------------- */

static uint64_t get(const volatile void *at, size_t size) {
    uint64_t v = 0;
    memcpy(&v, (const void *)(uintptr_t)at, size);
    return v;
}

static void set(volatile void *at, size_t size, uint64_t v) {
    memcpy((void *)(uintptr_t)at, &v, size);
}

static bool acquires(int order) {
    return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order >= __ATOMIC_ACQ_REL;
}

static bool releases(int order) {
    return order >= __ATOMIC_RELEASE;
}

/* The first access of a watched location fetches the value that init left. */
static struct location *history(struct place *p, const volatile void *at, size_t size) {
    struct location *l = p->watched;
    if (l != NULL && l->n == 0) {
        l->store[0] = (struct store){.v = get(at, size)};
        l->n = 1;
    }
    return l;
}

static unsigned index_of(const struct location *l) {
    return (unsigned)(l - locations);
}

static uint64_t read_store(struct location *l, unsigned i, int order) {
    now->view.seen[index_of(l)] = (uint8_t)i;
    view_join(acquires(order) ? &now->view : &now->read, &l->store[i].view);
    return l->store[i].v;
}

static uint64_t read_newest(struct place *p, struct location *l, const volatile void *at,
                            size_t size, int order) {
    if (l != NULL) {
        return read_store(l, l->n - 1, order);
    }
    view_join(acquires(order) ? &now->view : &now->read, &p->view);
    return get(at, size);
}

/* before: what the store that this one replaces gives away, for a read-modify-write, whose release goes on through it. */
static void add_store(struct place *p, struct location *l, volatile void *at, size_t size,
                      uint64_t v, int order, const struct view *before) {
    struct view gives = releases(order) ? now->view : now->released;
    if (before != NULL) {
        view_join(&gives, before);
    }
    if (l == NULL) {
        p->view = gives;
    } else if (l->n == HISTORY) {
        model_fail("too many stores to one location: enlarge HISTORY");
    } else {
        now->view.seen[index_of(l)] = (uint8_t)l->n;
        gives.seen[index_of(l)] = (uint8_t)l->n;
        l->store[l->n++] = (struct store){.v = v, .view = gives};
    }
    tick(now);
    set(at, size, v);
    progress();
}

uint64_t memory_load(const volatile void *at, size_t size, int order) {
    if (now == NULL) {
        return get(at, size);
    }
    struct place *p = place_of_atomic(at);
    if (p->watched == NULL) {
        access_atomic(at, size, false);
        return read_newest(p, NULL, at, size, order);
    }
    point();
    access_atomic(at, size, false);
    struct location *l = history(p, at, size);
    unsigned back = choose_stale(l->n - now->view.seen[index_of(l)]);
    model_trace("loads %s: %#llx%s", l->name, (unsigned long long)l->store[l->n - 1 - back].v,
                back != 0 ? ", an old value" : "");
    return read_store(l, l->n - 1 - back, order);
}

void memory_store(volatile void *at, size_t size, uint64_t v, int order) {
    if (now == NULL) {
        set(at, size, v);
        return;
    }
    struct place *p = place_of_atomic(at);
    if (p->watched != NULL) {
        point();
    }
    access_atomic(at, size, true);
    struct location *l = history(p, at, size);
    if (l != NULL) {
        model_trace("stores %s = %#llx", l->name, (unsigned long long)v);
    }
    add_store(p, l, at, size, v, order, NULL);
}

static uint64_t changed(enum rmw op, uint64_t old, uint64_t v) {
    switch (op) {
    case RMW_SET:
        return v;
    case RMW_ADD:
        return old + v;
    case RMW_SUB:
        return old - v;
    case RMW_OR:
        return old | v;
    case RMW_AND:
        return old & v;
    case RMW_XOR:
        break;
    }
    return old ^ v;
}

static uint64_t cut_to(uint64_t v, size_t size) {
    return size == 8 ? v : v & ((1ull << 8 * size) - 1);
}

uint64_t memory_rmw(volatile void *at, size_t size, enum rmw op, uint64_t v, int order) {
    if (now == NULL) {
        uint64_t old = get(at, size);
        set(at, size, changed(op, old, v));
        return old;
    }
    struct place *p = place_of_atomic(at);
    if (p->watched != NULL) {
        point();
    }
    access_atomic(at, size, true);
    struct location *l = history(p, at, size);
    struct view before = l != NULL ? l->store[l->n - 1].view : p->view;
    uint64_t old = read_newest(p, l, at, size, order);
    uint64_t new = cut_to(changed(op, old, v), size);
    if (l != NULL) {
        model_trace("changes %s: %#llx -> %#llx", l->name, (unsigned long long)old,
                    (unsigned long long)new);
    }
    add_store(p, l, at, size, new, order, &before);
    return old;
}

/* Which value a swap that fails sees: the newest, or an old one that is not the expected one. */
static unsigned failing_store(const struct location *l, uint64_t expected) {
    unsigned at[HISTORY] = {l->n - 1}, n = 1; /* the newest, always */
    for (unsigned i = l->n - 1; i-- > now->view.seen[index_of(l)];) {
        if (l->store[i].v != expected) {
            at[n++] = i;
        }
    }
    return at[choose_stale(n)];
}

bool memory_cas(volatile void *at, size_t size, void *expected, uint64_t v, int order, int failed,
                bool weak) {
    uint64_t wanted = get(expected, size);
    if (now == NULL) {
        uint64_t old = get(at, size);
        set(old == wanted ? at : expected, size, old == wanted ? v : old);
        return old == wanted;
    }
    struct place *p = place_of_atomic(at);
    if (p->watched != NULL) {
        point();
    }
    access_atomic(at, size, true);
    struct location *l = history(p, at, size);
    unsigned i = l != NULL ? failing_store(l, wanted) : 0;
    bool newest = l == NULL || i == l->n - 1;
    uint64_t old = l != NULL ? l->store[i].v : get(at, size);
    bool spurious = weak && l != NULL && newest && old == wanted && choose_stale(2) == 1;
    if (old != wanted || spurious) {
        if (l != NULL) {
            model_trace("fails to swap %s, which is %#llx", l->name, (unsigned long long)old);
            read_store(l, i, failed);
        } else {
            read_newest(p, NULL, at, size, failed);
        }
        set(expected, size, old);
        return false;
    }
    if (l != NULL) {
        model_trace("swaps %s: %#llx -> %#llx", l->name, (unsigned long long)old,
                    (unsigned long long)v);
    }
    struct view before = l != NULL ? l->store[i].view : p->view;
    read_newest(p, l, at, size, order);
    add_store(p, l, at, size, v, order, &before);
    return true;
}

void memory_fence(int order) {
    if (now == NULL) {
        return;
    }
    point();
    model_trace("fence");
    if (acquires(order)) {
        view_join(&now->view, &now->read);
    }
    if (order == __ATOMIC_SEQ_CST) {
        join_seen(&now->view, &sc);
        join_seen(&sc, &now->view);
    }
    if (releases(order)) {
        now->released = now->view;
        tick(now);
    }
}
