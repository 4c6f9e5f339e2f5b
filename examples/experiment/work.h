/*
 * work.h - what a workload of experiments is written with.
 *
 *      WORK(naps, "Gs that sleep") {
 *          ns_t d = option("nap", MS(1));
 *          ... do it ...
 *          tell("late", lateness);
 *      }
 *
 * It is run by --work=naps --nap=2000, and prints a row of results: row late=114.
 */
#pragma once

#include <bareloom.h>

struct work {
    const char *name, *does;
    void (*fn)(void);
    struct work *next;
};

void work_register(struct work *w);

#define WORK(name_, does_)                                                                         \
    static void work_##name_(void);                                                                \
    __attribute__((constructor)) static void register_##name_(void) {                              \
        static struct work this_work = {.name = #name_, .does = (does_), .fn = work_##name_};      \
        work_register(&this_work);                                                                 \
    }                                                                                              \
    static void work_##name_(void)

/* The value of --name=, or what it is otherwise. One that is not from least to most ends the program with a line. many():
 * of something of which there has to be one. */
long option_from(const char *name, long least, long most, long otherwise);

static inline long option(const char *name, long otherwise) {
    return option_from(name, 0, 1000000000, otherwise);
}

static inline long many(const char *name, long otherwise) {
    return option_from(name, 1, 1000000, otherwise);
}

/* A column of the row that is being made; and its end, for who has more than one. */
void tell(const char *column, int64_t value);
void tell_row(void);

/* Columns median, hundredth (the slowest of a hundred) and longest of n samples, which get sorted. */
void tell_shares(ns_t *samples, unsigned n);

/* A number from 0 to below n, from --seed=: the next one. From main() alone. */
unsigned drawn(unsigned n);

/* go() and go_with() on one core, or the end of the program with a message. */
void start(go_fn *fn, void *arg);
void start_on(unsigned core, go_fn *fn, void *arg);

/* That many instructions, but for a few. */
static inline void compute(unsigned long instructions) {
    for (unsigned long n = instructions / 2; n != 0; n--) {
        __asm__ volatile("" : "+r"(n));
    }
}

/* What all cores have counted, added up. */
struct sums {
    uint64_t switches, preempted, stolen, ipis, ticks, spun;
    ns_t idle, lock_wait; /* idle: of cores that take part */
};
struct sums sums_now(void);
