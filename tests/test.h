/*
 * tests/test.h - what a test is written with.
 *
 *      TEST(sched, sleeps_at_least) {
 *          ns_t before = go_now();
 *          go_sleep(MS(1));
 *          CHECK(go_now() - before >= MS(1));
 *      }
 *
 * A test is a G of its own. A CHECK that fails, in it or in a G that it started, ends that G and fails the test.
 * After a test that passed or was skipped no G of it may be left: the next one begins when all have ended. The runner gives every test all cores and the usual slice.
 * Nothing here measures by the wall clock: a test that waits for what never comes is ended by the harness.
 */
#pragma once

#include <stdatomic.h>

#include <bareloom.h>
#include <bareloom/config.h>

#include "hal/hal.h"
#include "hal/kprint.h"

struct test {
    const char *name, *group;
    void (*fn)(void);
    struct test *next;
};

void test_register(struct test *t);

/* group: boot, unit, sched, libc, stress or death. */
#define TEST(group_, name_)                                                                        \
    static void test_##name_(void);                                                                \
    __attribute__((constructor)) static void register_##name_(void) {                              \
        static struct test t = {.name = #name_, .group = #group_, .fn = test_##name_};             \
        test_register(&t);                                                                         \
    }                                                                                              \
    static void test_##name_(void)

_Noreturn void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void test_skip(const char *why);

/* name rules until the test is over. Skipped where there is no choice: under another model, in a build with GMP alone. */
void use_policy(const char *name);

/* What the test is about is GMP's own, as it is: skipped under policy=NAME, and where a knob is turned. */
void needs_gmp(void);

/* The same for a model: skipped under model=NAME. */
void needs_m_n(void);

/* Skipped where a G that computes is not taken off; where a core does not help another; where who has waited longer is not
 * picked first. A policy says so of itself, and knobs and models do it. */
void needs_preemption(void);
void needs_sharing(void);
void needs_order(void);

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(why) test_skip(why)

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            FAIL("%s", #cond);                                                                     \
        }                                                                                          \
    } while (0)

#define CHECK_EQ(is, want)                                                                         \
    do {                                                                                           \
        long is_ = (long)(is), want_ = (long)(want);                                               \
        if (is_ != want_) {                                                                        \
            FAIL("%s is %ld instead of %ld", #is, is_, want_);                                     \
        }                                                                                          \
    } while (0)

/* A death test says what it is going to die of; the harness compares. */
void expect_status(int status);
void expect_text(const char *text);
void expect_no_text(const char *text);

/* Waits, letting others run. */
#define WAIT_FOR(cond)                                                                             \
    do {                                                                                           \
        while (!(cond)) {                                                                          \
            go_yield();                                                                            \
            hal_relax();                                                                           \
        }                                                                                          \
    } while (0)

/* Waits on its core, letting nobody run there but by preemption. */
#define SPIN_UNTIL(cond)                                                                           \
    do {                                                                                           \
        while (!(cond)) {                                                                          \
            hal_relax();                                                                           \
        }                                                                                          \
    } while (0)

/* go() and go_with(), which must succeed. */
void start(go_fn *fn, void *arg);
void start_on(unsigned core, go_fn *fn, void *arg);

/* The counters of a core; one field of all cores added up: SUM(stolen). */
struct core_info core_counters(unsigned core);
#define SUM(field)                                                                                 \
    __extension__({                                                                                \
        uint64_t sum_ = 0;                                                                         \
        for (unsigned i_ = 0; i_ < go_num_cores(); i_++) {                                         \
            sum_ += (uint64_t)core_counters(i_).field;                                             \
        }                                                                                          \
        sum_;                                                                                      \
    })

/* Whether a load there succeeds. */
bool readable(uintptr_t va);

/* Until no core above go_cores() runs anything that is not pinned: a retired one finishes a slice. */
void cores_have_turned(void);

/* go_set_cores(), and that. */
void use_cores(unsigned n);

/* go_sleep(), which returns at once where so much time has passed on the way into it: a computer that has others to run
 * may have left us out just there. This one has slept. */
void sleep_surely(ns_t d);

/* Sleeps until all other cores that are in use sleep: whatever ran has ended or waits. */
void settle(void);

/* What the command line says: --short divides numbers of rounds, --rounds=K multiplies them; --cores=N is how many
 * must be there, or 0. */
unsigned test_rounds(unsigned n);
extern unsigned test_expected_cores;

/* Whether this build looks for mistakes (SAN=...): frames are larger then. And n, or as many Gs at a time as it
 * has place for. */
extern const bool test_sanitized;
unsigned test_gs(unsigned n);

/* A function that touches plain data which by the test's making one core at a time has. */
#define ONE_CORE __attribute__((no_sanitize("thread")))

/* xorshift32; the state must not be 0. */
uint32_t test_random(uint32_t *state);

/* A first state for the nth user: the same for the same --seed=N, never 0. */
uint32_t test_seed(uint32_t n);
