/*
 * tests/model/checker.h - tries out what several cores can do to each other, on the scheduler's own source.
 *
 * A scenario starts a few threads (one per core). Before each modelled access any other thread may run, and a
 * load may give any value that C11 allows it to see: each location keeps its history of stores, each thread how
 * far it has certainly seen it. All runs with at most `switches` preemptions and `stale` old values are tried,
 * depth first, by running the scenario again and again with another list of choices.
 *
 * A read-modify-write is never a fence here, not even a seq_cst one: on a core without LSE it is none
 * (LDAXR and STLXR leave a later load free to go first).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One scenario: init registers locations and starts threads; check looks at how it ended, every thread being at its
 * end or asleep. */
struct scenario {
    const char *name;
    void (*init)(void);
    void (*check)(void);
    unsigned switches, stale;
};

/* True if no run of it failed. */
bool explore(const struct scenario *s);

/* In init. What is not registered is plain memory: always up to date, and no point at which others may run. */
void model_location(volatile void *at);
void model_thread(void (*fn)(unsigned me), unsigned me);

/* In a thread: which one, a choice of n, a run that says nothing more, a run that fails. */
unsigned model_me(void);
unsigned model_choose(unsigned n);
void model_fail(const char *why);
#define MODEL_CHECK(cond)                                                                          \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            model_fail(#cond);                                                                     \
        }                                                                                          \
    } while (0)

/* An interrupt with all that its sender has done before: rings once, however often it was rung. */
void model_ring(unsigned thread);
/* Waits for it. */
void model_wait_ring(void);
bool model_rung(unsigned thread);
