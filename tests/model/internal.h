/*
 * tests/model/internal.h - what the checker's files share: threads, and what each has certainly seen.
 */
#pragma once

#include "tests/model/checker.h"

#define THREADS   4
#define LOCATIONS 32

/* How much of each watched location's history is certain (an index of it), and of each thread's run (happens before). */
struct view {
    uint8_t seen[LOCATIONS];
    uint16_t clock[THREADS];
};

struct thread {
    void *sp; /* while another runs */
    void (*fn)(unsigned me);
    unsigned me;
    bool over, asleep, rung;
    bool yielded;         /* waits in a loop, and nobody has stored anything since */
    struct view view;     /* certain */
    struct view read;     /* seen by relaxed loads: certain after an acquire fence */
    struct view released; /* what a relaxed store gives away: as of the last release fence */
    struct view bell;     /* what comes with the interrupt */
    char *stack;
};

/* ---- checker.c: the search ------------------------------------------------------------------- */
extern struct thread threads[THREADS];
extern unsigned thread_count;
extern struct thread *now;    /* NULL: init and check, which run alone */
extern unsigned runs_started; /* what a stamp of another value says is of an older run */

/* Others may run here. */
void point(void);
/* This thread has changed something: who waits in a loop may look again. */
void progress(void);
/* A choice that uses up one of the scenario's old values, while there are any; 0 is the newest. */
unsigned choose_stale(unsigned n);

/* An access of memory: which bytes of a word, by whom, when in its run, and where in the program. */
struct access {
    uint8_t bytes, thread;
    bool store, atomic;
    uint16_t clock;
    uintptr_t pc;
};

/* The run fails: two accesses, and no order between them. */
void model_fail_race(const struct access *mine, const struct access *other);

static inline unsigned thread_index(const struct thread *t) {
    return (unsigned)(t - threads);
}

/* ---- memory.c: C11's memory ------------------------------------------------------------------- */
enum rmw { RMW_SET, RMW_ADD, RMW_SUB, RMW_OR, RMW_AND, RMW_XOR };

/* Where in the program the atomic accesses below are. */
extern uintptr_t memory_pc;

/* Orders are the compiler's: __ATOMIC_RELAXED and so on. */
uint64_t memory_load(const volatile void *at, size_t size, int order);
void memory_store(volatile void *at, size_t size, uint64_t v, int order);
uint64_t memory_rmw(volatile void *at, size_t size, enum rmw op, uint64_t v, int order);
bool memory_cas(volatile void *at, size_t size, void *expected, uint64_t v, int order, int failed,
                bool weak);
void memory_fence(int order);
/* pc: of the code that does it. */
void memory_plain(const volatile void *at, size_t size, bool store, uintptr_t pc);

/* Before each run. */
void memory_reset(void);

/* Each atomic object is watched, as far as LOCATIONS reaches. */
extern bool memory_watch_all;

/* What `from` has done up to here happens before what the owner of `to` does next. */
void memory_hand_over(struct view *to, struct thread *from);
void view_join(struct view *a, const struct view *b);
