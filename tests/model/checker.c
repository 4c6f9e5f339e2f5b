/* tests/model/checker.c - see checker.h. Threads are contexts of this one Linux thread. */
#include "tests/model/checker.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define THREADS   4
#define LOCATIONS 16
#define HISTORY   64
#define CHOICES   4096
#define STEPS     600 /* longer runs only repeat themselves */
#define STACK     65536

/* How much of each location's history is certain: an index of it. */
struct view {
    uint8_t seen[LOCATIONS];
};

struct store {
    uint64_t v;
    struct view view; /* what its reader gets to see by acquire */
};

static struct location {
    volatile void *at;
    unsigned n;
    struct store store[HISTORY];
} locations[LOCATIONS];
static unsigned location_count;

static struct thread {
    ucontext_t context;
    void (*fn)(unsigned me);
    unsigned me;
    bool over, asleep, rung;
    struct view view;     /* certain */
    struct view read;     /* seen by relaxed loads: certain after an acquire fence */
    struct view released; /* what a relaxed store gives away: as of the last release fence */
    struct view bell;     /* what comes with the interrupt */
    char *stack;
} threads[THREADS];
static unsigned thread_count;

static struct view sc; /* of the seq_cst fences */
static ucontext_t explorer;
static struct thread *now;

/* The run: the choices that lead through it. */
static struct { unsigned made, of; } choices[CHOICES];
static unsigned choice_count, choice_at;
static unsigned switches, stale, steps;
static const struct scenario *scenario;
static const char *failure;
static bool cut;

static void join(struct view *a, const struct view *b) {
    for (unsigned i = 0; i < LOCATIONS; i++) {
        a->seen[i] = a->seen[i] > b->seen[i] ? a->seen[i] : b->seen[i];
    }
}

/* ---- choices --------------------------------------------------------------------------------------- */

unsigned model_choose(unsigned n) {
    if (n <= 1) {
        return 0;
    }
    if (choice_at == choice_count) {
        if (choice_count == CHOICES) {
            cut = true;
            return 0;
        }
        choices[choice_count].made = 0;
        choices[choice_count].of = n;
        choice_count++;
    }
    return choices[choice_at++].made;
}

/* The next list of choices, in the order of a depth-first search; false: there is none. */
static bool next_choices(void) {
    while (choice_count != 0 && choices[choice_count - 1].made + 1 == choices[choice_count - 1].of) {
        choice_count--;
    }
    if (choice_count == 0) {
        return false;
    }
    choices[choice_count - 1].made++;
    return true;
}

/* ---- threads --------------------------------------------------------------------------------------- */

static bool can_run(const struct thread *t) {
    return !t->over && !t->asleep;
}

static void switch_to(struct thread *t) {
    struct thread *from = now;
    now = t;
    swapcontext(&from->context, t != NULL ? &t->context : &explorer);
}

/* Another thread may go on here; must, if this one cannot. */
static void reschedule(void) {
    struct thread *candidates[THREADS];
    unsigned n = 0;
    if (can_run(now)) {
        candidates[n++] = now;
    }
    for (unsigned i = 0; i < thread_count; i++) {
        struct thread *t = &threads[i];
        if (t != now && can_run(t) && (!can_run(now) || switches < scenario->switches)) {
            candidates[n++] = t;
        }
    }
    if (failure != NULL || cut || n == 0) {
        switch_to(NULL);
        return;
    }
    struct thread *t = candidates[model_choose(n)];
    if (t != now) {
        switches += can_run(now);
        switch_to(t);
    }
}

static void point(void) {
    if (now == NULL) {
        return; /* init and check run alone */
    }
    cut = cut || ++steps > STEPS;
    reschedule();
}

static void thread_main(void) {
    now->fn(now->me);
    now->over = true;
    reschedule();
}

void model_thread(void (*fn)(unsigned me), unsigned me) {
    struct thread *t = &threads[thread_count++];
    char *stack = t->stack != NULL ? t->stack : malloc(STACK);
    *t = (struct thread){.fn = fn, .me = me, .stack = stack};
    getcontext(&t->context);
    t->context.uc_stack.ss_sp = stack;
    t->context.uc_stack.ss_size = STACK;
    t->context.uc_link = NULL;
    makecontext(&t->context, thread_main, 0);
}

unsigned model_me(void) {
    return now->me;
}

void model_fail(const char *why) {
    failure = why;
    if (now != NULL) {
        switch_to(NULL);
    }
}

/* ---- interrupts ------------------------------------------------------------------------------------- */

static struct thread *thread_of(unsigned me) {
    struct thread *t = threads;
    while (t < threads + thread_count && t->me != me) {
        t++;
    }
    return t < threads + thread_count ? t : NULL;
}

void model_ring(unsigned me) {
    point();
    struct thread *t = thread_of(me);
    t->rung = true;
    t->asleep = false;
    join(&t->bell, &now->view);
}

bool model_rung(unsigned me) {
    return thread_of(me)->rung;
}

void model_wait_ring(void) {
    point();
    while (!now->rung) {
        now->asleep = true;
        reschedule();
    }
    now->rung = false;
    join(&now->view, &now->bell);
}

/* ---- memory ----------------------------------------------------------------------------------------- */

static uint64_t plain_get(const volatile void *at, size_t size) {
    uint64_t v = 0;
    memcpy(&v, (const void *)(uintptr_t)at, size);
    return v;
}

static void plain_set(volatile void *at, size_t size, uint64_t v) {
    memcpy((void *)(uintptr_t)at, &v, size);
}

void model_location(volatile void *at) {
    struct location *l = &locations[location_count++];
    l->at = at;
    l->n = 0;
}

/* NULL for plain memory. The first access fetches the value that init left. */
static struct location *location_of(const volatile void *at, size_t size) {
    for (unsigned i = 0; i < location_count && now != NULL; i++) {
        struct location *l = &locations[i];
        if (l->at == at) {
            if (l->n == 0) {
                l->store[0] = (struct store){.v = plain_get(at, size)};
                l->n = 1;
            }
            return l;
        }
    }
    return NULL;
}

static unsigned index_of(const struct location *l) {
    return (unsigned)(l - locations);
}

static bool acquires(memory_order order) {
    return order == memory_order_acquire || order >= memory_order_acq_rel;
}

static bool releases(memory_order order) {
    return order >= memory_order_release;
}

static uint64_t read_store(struct location *l, unsigned i, memory_order order) {
    unsigned at = index_of(l);
    now->view.seen[at] = (uint8_t)i;
    join(acquires(order) ? &now->view : &now->read, &l->store[i].view);
    return l->store[i].v;
}

/* before: the store that a read-modify-write replaces, whose release goes on through it. */
static void add_store(struct location *l, size_t size, uint64_t v, memory_order order,
                      const struct store *before) {
    if (l->n == HISTORY) {
        cut = true;
        return;
    }
    struct store *s = &l->store[l->n];
    now->view.seen[index_of(l)] = (uint8_t)l->n;
    s->v = v;
    s->view = releases(order) ? now->view : now->released;
    s->view.seen[index_of(l)] = (uint8_t)l->n;
    if (before != NULL) {
        join(&s->view, &before->view);
    }
    l->n++;
    plain_set(l->at, size, v);
}

uint64_t model_load(const volatile void *at, size_t size, memory_order order) {
    struct location *l = location_of(at, size);
    if (l == NULL) {
        return plain_get(at, size);
    }
    point();
    unsigned oldest = now->view.seen[index_of(l)];
    unsigned back = stale < scenario->stale ? model_choose(l->n - oldest) : 0;
    stale += back != 0;
    return read_store(l, l->n - 1 - back, order);
}

void model_store(volatile void *at, size_t size, uint64_t v, memory_order order) {
    struct location *l = location_of(at, size);
    if (l == NULL) {
        plain_set(at, size, v);
        return;
    }
    point();
    add_store(l, size, v, order, NULL);
}

static uint64_t cut_to(uint64_t v, size_t size) {
    return size == 8 ? v : v & ((1ull << 8 * size) - 1);
}

uint64_t model_rmw(volatile void *at, size_t size, enum rmw op, uint64_t v, memory_order order) {
    struct location *l = location_of(at, size);
    if (l != NULL) {
        point();
    }
    uint64_t old = l != NULL ? read_store(l, l->n - 1, order) : plain_get(at, size);
    uint64_t new = cut_to(op == RMW_SET   ? v
                          : op == RMW_ADD ? old + v
                          : op == RMW_SUB ? old - v
                          : op == RMW_OR  ? old | v
                                          : old & v,
                          size);
    if (l != NULL) {
        add_store(l, size, new, order, &l->store[l->n - 1]);
    } else {
        plain_set(at, size, new);
    }
    return old;
}

_Bool model_cas(volatile void *at, size_t size, void *expected, uint64_t v, memory_order order,
                memory_order failed) {
    struct location *l = location_of(at, size);
    if (l != NULL) {
        point();
    }
    uint64_t old = l != NULL ? l->store[l->n - 1].v : plain_get(at, size);
    if (old != plain_get(expected, size)) {
        if (l != NULL) {
            read_store(l, l->n - 1, failed);
        }
        plain_set(expected, size, old);
        return false;
    }
    if (l == NULL) {
        plain_set(at, size, v);
        return true;
    }
    read_store(l, l->n - 1, order);
    add_store(l, size, v, order, &l->store[l->n - 1]);
    return true;
}

void model_fence(memory_order order) {
    if (now == NULL) {
        return;
    }
    point();
    if (acquires(order)) {
        join(&now->view, &now->read);
    }
    if (order == memory_order_seq_cst) {
        join(&now->view, &sc);
        sc = now->view;
    }
    if (releases(order)) {
        now->released = now->view;
    }
}

/* ---- the search ---------------------------------------------------------------------------------------- */

static void run_once(void) {
    location_count = thread_count = switches = stale = steps = choice_at = 0;
    failure = NULL;
    cut = false;
    now = NULL;
    memset(&sc, 0, sizeof sc);
    scenario->init();
    struct thread *first = &threads[model_choose(thread_count)];
    now = first;
    swapcontext(&explorer, &first->context);
    now = NULL;
    if (failure == NULL && !cut) {
        scenario->check();
    }
}

bool explore(const struct scenario *s) {
    unsigned long runs = 0, cuts = 0;
    scenario = s;
    choice_count = 0;
    do {
        run_once();
        runs++;
        cuts += cut;
        if (failure != NULL) {
            printf("%s: run %lu fails: %s\n  choices:", s->name, runs, failure);
            for (unsigned i = 0; i < choice_count; i++) {
                printf(" %u/%u", choices[i].made, choices[i].of);
            }
            printf("\n");
            return false;
        }
    } while (next_choices());
    printf("%s: %lu runs, %lu of them cut short, none fails\n", s->name, runs, cuts);
    fflush(stdout); /* who waits for us counts from the last line */
    return true;
}
