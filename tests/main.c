/*
 * tests/main.c - runs tests one after the other, says how they went in TAP, and exits with 0 if all passed.
 *
 *      --list               `name group` of each test
 *      --test=A,B,c*        only tests of these names; * stands for anything
 *      --group=unit,boot    only tests of these groups
 *      --cores=N            how many cores must have arrived
 *      --short              fewer rounds where a test has rounds
 *      --rounds=K           K times as many
 *      --seed=N             what tests draw their random numbers from; 1 if nothing is said
 *      --seconds=N          goes on with them for so long, each time with the next seed, until one fails
 *
 * Death tests run only when named: each ends the machine. Printing is the runtime's own, so that a test of the
 * scheduler stands on no C library.
 */
#include <bareloom/policy.h>
#include <string.h>

#include "sched/knobs.h"
#include "sched/model.h"
#include "sched/policy/policy.h"
#include "sched/sim.h"
#include "tests/test.h"

#define LEFT_OVER_TRIES 100000

/* The thread sanitizer of the host has place for 8000. */
#define SANITIZED_GS 4000u

unsigned test_expected_cores;
static bool brief;
static unsigned more = 1, seed = 1;

static struct test *first, **last = &first;

/* The running test. */
static struct {
    struct test *test;
    struct sema done;
    _Atomic bool over;
    bool failed;
    const char *skipped;
    char why[160];
} now;

void test_register(struct test *t) {
    *last = t;
    last = &t->next;
}

unsigned test_rounds(unsigned n) {
    n = n < UINT32_MAX / more ? n * more : UINT32_MAX;
    return brief ? n / 8 + (n % 8 != 0) : n;
}

uint32_t test_seed(uint32_t n) {
    uint32_t x = (n + 1) * 0x9e3779b9u ^ seed * 0x85ebca6bu;
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    return x != 0 ? x : 1;
}

#ifdef SANITIZE
const bool test_sanitized = true;
#else
const bool test_sanitized = false;
#endif

unsigned test_gs(unsigned n) {
    return test_sanitized && n > SANITIZED_GS ? SANITIZED_GS : n;
}

uint32_t test_random(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

/* ---- verdicts ------------------------------------------------------------------------------------ */

/* The first verdict counts; later ones come from Gs that go on after it. */
static bool verdict(void) {
    return !atomic_exchange(&now.over, true);
}

static void append(size_t *at, const char *text) {
    while (*text != '\0' && *at < sizeof now.why - 1) {
        now.why[(*at)++] = *text++;
    }
    now.why[*at] = '\0';
}

static void append_number(size_t *at, long n) {
    char digits[24];
    size_t i = sizeof digits - 1;
    unsigned long u = n < 0 ? 0 - (unsigned long)n : (unsigned long)n;
    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + u % 10);
        u /= 10;
    } while (u != 0);
    append(at, n < 0 ? "-" : "");
    append(at, digits + i);
}

/* Only what the macros of test.h use: %s, %ld, %d, %u. */
static void explain(const char *file, int line, const char *format, va_list ap) {
    size_t at = 0;
    append(&at, file);
    append(&at, ":");
    append_number(&at, line);
    append(&at, ": ");
    for (const char *f = format; *f != '\0'; f++) {
        if (*f != '%') {
            append(&at, (char[]){*f, '\0'});
        } else if (*++f == 's') {
            append(&at, va_arg(ap, const char *));
        } else if (*f == 'l') {
            f++;
            append_number(&at, va_arg(ap, long));
        } else {
            append_number(&at, va_arg(ap, int));
        }
    }
}

/* A failed check may stand in a section that must not end with its G. */
_Noreturn static void leave(void) {
    hal_irq_unmask();
    while (hal_self()->preempt_off != 0) {
        go_preempt_on();
    }
    sema_post(&now.done);
    go_exit();
}

_Noreturn void test_fail(const char *file, int line, const char *format, ...) {
    if (hal_on_core_stack()) {
        PANIC("a check failed in a handler: %s:%d", file, line);
    }
    if (!verdict()) {
        go_exit();
    }
    va_list ap;
    va_start(ap, format);
    explain(file, line, format, ap);
    va_end(ap);
    now.failed = true;
    kprintf("# %s\n", now.why); /* at once: the machine may not live until the verdict */
    leave();
}

_Noreturn void test_skip(const char *why) {
    if (!verdict()) {
        go_exit();
    }
    now.skipped = why;
    leave();
}

void use_policy(const char *name) {
    needs_m_n();
    if (!CONFIG_TRACE) {
        test_skip("this build has GMP alone");
    }
    CHECK_EQ(go_set_policy(name), 0);
    CHECK(strcmp(go_policy(), name) == 0);
}

static bool knob_has(enum knob k, uint32_t value) {
    return relaxed_load(&knobs[k]) == value;
}

void needs_gmp(void) {
    if (policy_wanted() != NULL || (relaxed_load(&cores[0].hal.hooks) & HOOK_KNOBS) != 0) {
        test_skip("it is about GMP's own way");
    }
}

void needs_m_n(void) {
    if (model_now != MODEL_M_N) {
        test_skip("it is about the model m-n");
    }
}

void needs_preemption(void) {
    if (model_cooperates() || knob_has(KNOB_TICK, 0) || !knob_has(KNOB_REDUCTIONS, 0)) {
        test_skip("who computes is not preempted here");
    }
}

void needs_sharing(void) {
    const struct policy *p = policy_wanted();
    if (p != NULL ? !p->shares : knob_has(KNOB_STEAL, 0)) {
        test_skip("a core that idles does not help another here");
    }
}

void needs_order(void) {
    const struct policy *p = policy_wanted();
    if (p != NULL && !p->in_order) {
        test_skip("who has waited longer is not first under this policy");
    }
}

void expect_status(int status) {
    kprintf("# expect status %d\n", status);
}

void expect_text(const char *text) {
    kprintf("# expect text %s\n", text);
}

void expect_no_text(const char *text) {
    kprintf("# expect no text %s\n", text);
}

/* ---- helpers of tests ---------------------------------------------------------------------------- */

void start(go_fn *fn, void *arg) {
    CHECK_EQ(go(fn, arg), 0);
}

void start_on(unsigned core, go_fn *fn, void *arg) {
    CHECK_EQ(go_with(&GO_OPTS(GO_PIN((int)core)), fn, arg), 0);
}

struct core_info core_counters(unsigned core) {
    struct core_info info = {0};
    CHECK(info_core(core, &info));
    return info;
}

bool readable(uintptr_t va) {
    uint64_t word;
    return hal_peek(va, &word);
}

static void is_here(void *arg) {
    wg_done(arg);
}

void use_cores(unsigned n) {
    CHECK_EQ(go_set_cores(n), 0);
    cores_have_turned();
}

void cores_have_turned(void) {
    struct wg all = {0};
    wg_add(&all, (int)go_num_cores());
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, is_here, &all); /* once it runs, its core has let the others go */
    }
    wg_wait(&all);
}

void sleep_surely(ns_t d) {
    struct g *me = hal_self();
    uint32_t waits = atomic_load(&me->wait);
    do {
        go_sleep(d);
    } while (atomic_load(&me->wait) == waits);
}

/* Whether core i is asleep - while nobody steals it does not announce that -, and nobody has sent it anything nor will it
 * find what its handler has made ready. */
static bool sleeps(unsigned i) {
    struct core *c = &cores[i];
    bool announced = knob_has(KNOB_STEAL, 0) || (atomic_load(&machine.idle_mask) >> i & 1) != 0;
    return announced && relaxed_load(&c->n.asleep_since) != 0 && inbox_empty(c) && runnext_of(c) == NULL;
}

static bool others_sleep(void) {
    bool all = true;
    for (unsigned i = 0; i < go_cores(); i++) {
        all = all && (i == go_core() || sleeps(i));
    }
    return all;
}

static uint64_t times_woken(void) {
    uint64_t n = 0;
    for (unsigned i = 0; i < go_num_cores(); i++) {
        n += relaxed_load(&cores[i].n.idle_wakes);
    }
    return n;
}

void settle(void) {
    bool settled;
    do {
        go_sleep(MS(1));
        go_preempt_off();
        uint64_t woken = times_woken();
        settled = others_sleep() && others_sleep() &&
                  atomic_load(&machine.searchers) == knob_has(KNOB_STEAL, 0) &&
                  times_woken() == woken &&   /* so there was a moment when all slept */
                  !gmp_anything(this_core()); /* here, too, nobody is about to run */
        go_preempt_on();
    } while (!settled);
}

/* ---- running --------------------------------------------------------------------------------------- */

static void run_test(void *arg) {
    struct test *t = arg;
    t->fn();
    if (verdict()) {
        sema_post(&now.done);
    }
}

/* Gs of the test that have not come to their end: they may be a few instructions from it. */
static unsigned left_over(unsigned before) {
    for (int i = 0; i < LEFT_OVER_TRIES && go_count() > before; i++) {
        go_sleep(US(100));
    }
    unsigned count = go_count();
    return count > before ? count - before : 0;
}

static bool run(struct test *t, unsigned number) {
    ns_t slice = go_set_slice(CONFIG_SLICE_NS);
    const char *policy = go_policy();
    unsigned before = go_count();
    memset(&now, 0, sizeof now);
    now.test = t;
    if (go_with(&GO_OPTS(.name = t->name), run_test, t) != 0) {
        kprintf("not ok %u - %s # no memory for its goroutine\n", number, t->name);
        return false;
    }
    sema_wait(&now.done);
    go_set_cores(go_num_cores());
    go_set_slice(slice);
    unsigned left = now.failed ? 0 : left_over(before);
    if (now.failed) {
        kprintf("not ok %u - %s # %s\n", number, t->name, now.why);
    } else if (left != 0) {
        kprintf("not ok %u - %s # %u goroutines are left\n", number, t->name, left);
    } else if (now.skipped != NULL) {
        kprintf("ok %u - %s # SKIP %s\n", number, t->name, now.skipped);
    } else {
        kprintf("ok %u - %s\n", number, t->name);
    }
    go_set_policy(policy); /* refused, and in no need of it, under another model than m-n */
    return !now.failed && left == 0;
}

/* ---- choosing -------------------------------------------------------------------------------------- */

static bool matches(const char *pattern, size_t n, const char *name) {
    if (n == 0) {
        return *name == '\0';
    }
    if (*pattern == '*') {
        return matches(pattern + 1, n - 1, name) || (*name != '\0' && matches(pattern, n, name + 1));
    }
    return *pattern == *name && matches(pattern + 1, n - 1, name + 1);
}

/* Whether one of a list with commas matches; no list: everything does. */
static bool listed(const char *list, const char *name) {
    if (list == NULL) {
        return true;
    }
    for (;;) {
        size_t n = strcspn(list, ",");
        if (matches(list, n, name)) {
            return true;
        }
        if (list[n] == '\0') {
            return false;
        }
        list += n + 1;
    }
}

static struct {
    const char *tests, *groups;
    bool list;
    unsigned seconds; /* goes on with them for so long; 0: once */
} want;

static bool chosen(const struct test *t) {
    bool deadly = strcmp(t->group, "death") == 0;
    return (!deadly || want.tests != NULL) && listed(want.tests, t->name) &&
           listed(want.groups, t->group);
}

static const char *value_of(const char *arg, const char *option) {
    size_t n = strlen(option);
    return strncmp(arg, option, n) == 0 ? arg + n : NULL;
}

/* Digits to the end, and no more than fit; 0 is no number here. */
static bool read_number(const char *digits, unsigned *to) {
    uint64_t n = 0;
    for (; *digits >= '0' && *digits <= '9' && n <= UINT32_MAX; digits++) {
        n = n * 10 + (unsigned)(*digits - '0');
    }
    *to = (unsigned)n;
    return *digits == '\0' && n > 0 && n <= UINT32_MAX;
}

static bool read_argument(const char *arg) {
    const char *value = NULL;
    unsigned *number = NULL;
    if (strcmp(arg, "--list") == 0) {
        want.list = true;
    } else if (strcmp(arg, "--short") == 0) {
        brief = true;
    } else if ((value = value_of(arg, "--test=")) != NULL) {
        want.tests = value;
    } else if ((value = value_of(arg, "--group=")) != NULL) {
        want.groups = value;
    } else if ((value = value_of(arg, "--cores=")) != NULL) {
        number = &test_expected_cores;
    } else if ((value = value_of(arg, "--rounds=")) != NULL) {
        number = &more;
    } else if ((value = value_of(arg, "--seed=")) != NULL) {
        number = &seed;
    } else if ((value = value_of(arg, "--seconds=")) != NULL) {
        number = &want.seconds;
    } else if (strcmp(arg, "--batch") != 0) {
        kprintf("tests: what is %s? There are --list --test= --group= --cores= --short --rounds= "
                "--seed= --seconds=\n",
                arg);
        return false;
    }
    if (number != NULL && !read_number(value, number)) {
        kprintf("tests: %s: a number from 1 to 4294967295 is wanted there\n", arg);
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!read_argument(argv[i])) {
            return 2;
        }
    }
    unsigned count = 0, number = 0, failed = 0;
    for (struct test *t = first; t != NULL; t = t->next) {
        if (want.list) {
            kprintf("%s %s\n", t->name, t->group);
        }
        count += chosen(t);
    }
    if (want.list) {
        return 0;
    }
    if (count == 0) {
        kprintf("tests: there is no such test here\n");
        return 2;
    }
    kprintf("1..%u\n", count);
    ns_t until = go_now() + SEC(want.seconds);
    do {
        for (struct test *t = first; t != NULL; t = t->next) {
            if (chosen(t)) {
                failed += !run(t, ++number);
            }
        }
        seed++;
    } while (failed == 0 && go_now() < until);
    sim_report();
    kprintf("# %u run, %u failed\n", number, failed); /* a board without semihosting has no status */
    return failed != 0;
}
