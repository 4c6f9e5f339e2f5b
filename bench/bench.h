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

/* What two readings of the clock take: to subtract where bench_start() does not fit. */
ns_t bench_overhead(void);

/* A figure that was read in another way: total over n. */
void bench_result(uint64_t total, uint64_t n);

/* A further row of the same measurement. */
void bench_result_as(const char *suffix, uint64_t total, uint64_t n);

/* QEMU runs one core after the other under -icount, each until the next deadline of any: here it goes on with
 * the next. So a loop with this in it does not keep the others from what they would do at the same time. */
static inline void bench_turn(void) {
#ifdef __aarch64__
    __asm__ volatile("yield");
#endif
}

/* A row of the same measurement that is no time: bytes, a ratio. */
void bench_count(const char *suffix, uint64_t total, uint64_t n);

/* A point of a curve: with x of something. Names of such measurements begin with grow_. */
void bench_result_at(uint64_t x, uint64_t total, uint64_t n);

/* go() and go_with(), or the end of the program with a message. */
void start(go_fn *fn, void *arg);
void start_on(unsigned core, go_fn *fn, void *arg);

/* Sleeps until the other cores do, too. */
void settle(void);
