/*
 * tests/model/checker.h - tries out what several cores can do to each other, on the scheduler's own sources.
 *
 * A scenario starts a few threads, one per core. Before each watched access any other thread may run, and a load may give
 * any value that C11 allows it to see: each watched location keeps its history of stores, each thread how far it has
 * certainly seen it. All runs with at most `switches` preemptions and `stale` old values are tried, depth first, by
 * running the scenario again and again with another list of choices.
 *
 * The sources are compiled as they are, with -fsanitize=thread: the compiler turns each access into a call, and the calls
 * come to tsan.c instead of to a sanitizer. So every access is seen:
 *   atomic, watched      a point at which others may run, with a history
 *   atomic, not watched  always up to date and no point; it still hands on what its order says
 *   plain                must not race: two accesses of two threads, one a store, need an order by what C11 calls
 *                        synchronization. That alone finds most missing releases and acquires, in every run.
 *
 * What it does not try: a load that gives a value stored later (load buffering; the litmus tests do), more switches or
 * old values than a scenario says, points at what is not watched. A read-modify-write is never a fence here, not even a
 * seq_cst one: on a core without LSE it is none (LDAXR and STLXR leave a later load free to go first).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One scenario: init watches locations and starts threads; check looks at how it ended, every thread being at its end
 * or asleep. */
struct scenario {
    const char *name;
    void (*init)(void);
    void (*check)(void);
    unsigned switches, stale;
    bool fails; /* some run must fail: of the checker's own tests */
};

/* main() of a model; what it may be told stands in run.sh. 0: each scenario came out as it should. */
int model_main(int argc, char **argv, const struct scenario *s, size_t n);

/* In init. */
#define model_watch(at) model_watch_as((at), #at)
void model_watch_as(const volatile void *at, const char *name);
void model_thread(void (*fn)(unsigned me), unsigned me);

/* Called when no thread can run any more, or none but who waits in a loop: whether it has made something happen. */
void model_at_rest(bool (*fn)(void));

/* Called in a thread at each point, before the access: where an interrupt may run inline. */
void model_at_points(void (*fn)(void));

/* In a thread: which one (in init: 0), a choice of n, a run that fails. */
unsigned model_me(void);
unsigned model_choose(unsigned n);
void model_fail(const char *why);
#define MODEL_CHECK(cond)                                                                          \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            model_fail(#cond);                                                                     \
        }                                                                                          \
    } while (0)

/* In a loop that waits for others: lets one of them run. If nobody can change what it waits for, the run fails. */
void model_relax(void);

/* An interrupt with all that its sender has done before: rings once, however often it was rung. */
void model_ring(unsigned thread);
bool model_rung(unsigned thread);
/* Takes it, if it rang. */
bool model_take_ring(void);
/* Waits for it. */
void model_wait_ring(void);

/* Sleeps until it rings, or model_wake() is called for it, which is no interrupt and brings nothing along. */
void model_sleep(void);
void model_wake(unsigned thread);

/* A point without an access. The top of this thread's own stack. */
void model_point(void);
void *model_stack_top(void);

/* A line in the story of a run that failed. */
void model_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A plain access of a model's own code, which is compiled without calls. */
void model_plain(const volatile void *at, size_t size, bool store);
