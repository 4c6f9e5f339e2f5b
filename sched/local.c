/* sched/local.c - values of a G's own, under keys made at run time.
 *
 * A G has an array of slots, indexed by key, from its first go_key_set() on; most Gs never have one.
 * Only the G itself touches it. A key is an index and a serial number, and a slot remembers whose
 * value it holds: so when a key is freed nobody has to visit all Gs, and the next key with its index
 * finds no value of the old one.
 * TOUR 13 / read next: sched/ctx.c */
#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/mem.h"
#include "sched/task.h"

#define INDEX_BITS 7
#define INDEXES    (1u << INDEX_BITS)

struct slot {
    go_key_t key; /* whose value it is; 0: none yet */
    void *value;
};

/* With its slots a power of two of bytes: n is 3, 7, ... GO_KEYS. */
struct locals {
    uint32_t n;
    /* Of the destructors, when the G ends: */
    uint32_t at;     /* the next slot */
    uint32_t rounds; /* that are over */
    bool called;     /* one at least in this round */
    struct slot slots[];
};
_Static_assert(sizeof(struct locals) <= sizeof(struct slot), "the head takes the place of a slot");
_Static_assert(GO_KEYS == INDEXES - 1, "the largest array is a power of two");

static struct {
    spinlock_t lock;
    /* guarded by lock; key is also read without it, by whoever holds one that must be alive */
    struct {
        _Atomic go_key_t key; /* 0: free */
        void (*destroy)(void *value);
    } at[GO_KEYS];
    uint32_t serial;
} keys;

static uint32_t index_of(go_key_t key) {
    return key & (INDEXES - 1);
}

/* ---- keys ------------------------------------------------------------------------------------- */

static bool alive(go_key_t key) {
    uint32_t i = index_of(key);
    /* relaxed: a key that the caller may use was made before, and is freed after */
    return key != 0 && i < GO_KEYS && atomic_load_explicit(&keys.at[i].key, memory_order_relaxed) == key;
}

/* Under the lock. */
static go_key_t new_key(uint32_t index) {
    keys.serial = (keys.serial + 1) & (UINT32_MAX >> INDEX_BITS);
    keys.serial += keys.serial == 0; /* else key 0 would be one */
    return keys.serial << INDEX_BITS | index;
}

int go_key_make(go_key_t *key, void (*destroy)(void *value)) {
    check_g("go_key_make");
    hal_irq_t was = spin_lock(&keys.lock);
    uint32_t i = 0;
    while (i < GO_KEYS && atomic_load_explicit(&keys.at[i].key, memory_order_relaxed) != 0) {
        i++;
    }
    if (i < GO_KEYS) {
        *key = new_key(i);
        keys.at[i].destroy = destroy;
        atomic_store_explicit(&keys.at[i].key, *key, memory_order_relaxed); /* read under the lock */
    }
    spin_unlock(&keys.lock, was);
    return i < GO_KEYS ? 0 : -EAGAIN;
}

void go_key_free(go_key_t key) {
    check_g("go_key_free");
    hal_irq_t was = spin_lock(&keys.lock);
    bool ok = alive(key);
    if (ok) {
        atomic_store_explicit(&keys.at[index_of(key)].key, 0, memory_order_relaxed); /* as above */
    }
    spin_unlock(&keys.lock, was);
    if (!ok) {
        PANIC("go_key_free: %u is no key", (unsigned)key);
    }
}

/* NULL: nothing to call. */
static void (*destructor_of(go_key_t key))(void *value) {
    hal_irq_t was = spin_lock(&keys.lock);
    void (*destroy)(void *value) = alive(key) ? keys.at[index_of(key)].destroy : NULL;
    spin_unlock(&keys.lock, was);
    return destroy;
}

/* ---- values ----------------------------------------------------------------------------------- */

static size_t size_of(uint32_t n) {
    return (n + 1) * sizeof(struct slot);
}

/* Room for index. */
static bool grow(struct g *g, uint32_t index) {
    struct locals *old = g->locals;
    uint32_t n = 3;
    while (n <= index) {
        n = 2 * n + 1;
    }
    struct locals *l = mem_alloc(size_of(n));
    if (l == NULL) {
        return false;
    }
    *l = old != NULL ? *old : (struct locals){0};
    l->n = n;
    for (uint32_t i = 0; i < n; i++) {
        l->slots[i] = old != NULL && i < old->n ? old->slots[i] : (struct slot){0};
    }
    g->locals = l;
    g->leaves = true;
    if (old != NULL) {
        mem_free(old, size_of(old->n));
    }
    return true;
}

void *go_key_get(go_key_t key) {
    check_g("go_key_get");
    const struct locals *l = hal_self()->locals;
    uint32_t i = index_of(key);
    return l != NULL && i < l->n && l->slots[i].key == key ? l->slots[i].value : NULL;
}

int go_key_set(go_key_t key, void *value) {
    check_g("go_key_set");
    struct g *g = hal_self();
    uint32_t i = index_of(key);
    if (!alive(key)) {
        PANIC("go_key_set: %u is no key", (unsigned)key);
    }
    if (g->locals == NULL || i >= g->locals->n) {
        if (value == NULL) {
            return 0;
        }
        if (!grow(g, i)) {
            return -ENOMEM;
        }
    }
    g->locals->slots[i] = (struct slot){.key = key, .value = value};
    return 0;
}

/* ---- the end ---------------------------------------------------------------------------------- */

/* The next value to be destroyed, taken from its slot, with its destructor; or false. Where we are is
 * kept in l, since a destructor may call go_exit(), which comes here again. */
static bool next(struct locals *l, void **value, void (**destroy)(void *value)) {
    for (;;) {
        while (l->at < l->n) {
            struct slot *s = &l->slots[l->at++];
            if (s->value != NULL && (*destroy = destructor_of(s->key)) != NULL) {
                *value = s->value;
                s->value = NULL;
                l->called = true;
                return true;
            }
        }
        if (!l->called || l->rounds + 1 >= GO_KEY_ROUNDS) {
            return false;
        }
        l->rounds++;
        l->at = 0;
        l->called = false;
    }
}

void local_end(struct g *g) {
    void *value;
    void (*destroy)(void *value);
    /* A destructor may set values: the array may be another one each time. */
    while (g->locals != NULL && next(g->locals, &value, &destroy)) {
        destroy(value);
    }
}

void local_free(struct g *g) {
    struct locals *l = g->locals;
    if (l != NULL) {
        g->locals = NULL;
        mem_free(l, size_of(l->n));
    }
}
