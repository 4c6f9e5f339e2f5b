/*
 * bench/bench.h - what a measurement is written with.
 *
 *      BENCH(yield_2, 1 | 4) {
 *          ... set up ...
 *          bench_start();
 *          ... N operations ...
 *          bench_stop(N);
 *      }
 *
 * What is counted is go_now(): under -icount with the counter at 1 GHz a nanosecond is an instruction
 * of all cores together, so everything that is not measured has to sleep in WFI. The two calls' own
 * instructions are subtracted.
 */
#pragma once

#include <bareloom.h>
#include <stdatomic.h>
#include <stdlib.h>

struct bench {
    const char *name;
    unsigned cores; /* on which numbers of cores: bit n for n cores */
    void (*fn)(void);
    struct bench *next;
};

void bench_register(struct bench *b);

#define CORES(n) (1u << (n))

#define BENCH(name_, cores_)                                                                       \
    static void bench_##name_(void);                                                               \
    __attribute__((constructor)) static void register_##name_(void) {                              \
        static struct bench b = {.name = #name_, .cores = (cores_), .fn = bench_##name_};          \
        bench_register(&b);                                                                        \
    }                                                                                              \
    static void bench_##name_(void)

/* Begins, once all other cores sleep; ends: n operations were done since. */
void bench_start(void);
void bench_stop(uint64_t n);

/* A figure that was read in another way: total over n. */
void bench_result(uint64_t total, uint64_t n);

/* A further row of the same measurement. */
void bench_result_as(const char *suffix, uint64_t total, uint64_t n);

/* go() and go_with(), or the end of the program with a message. */
void start(go_fn *fn, void *arg);
void start_on(unsigned core, go_fn *fn, void *arg);

/* Sleeps until the other cores do, too. */
void settle(void);
