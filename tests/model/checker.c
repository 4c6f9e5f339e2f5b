/*
 * tests/model/checker.c - the search: see checker.h. Threads are stacks of this one process.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hal/host/machine.h" /* leaving a stack and entering another, as the host port does it */
#include "tests/model/internal.h"

/* A line after so many runs, some seconds. */
#define PROGRESS 500000

#define CHOICES 20000
#define STEPS   20000 /* a run that takes more is taken for endless */
#define STACK   65536
#define SOME                                                                                       \
    40 /* rounds of waiting in loops, by all who can run, until they are taken for at rest */
#define ALONE 200 /* rounds until they are taken for waiting in vain */

struct thread threads[THREADS];
unsigned thread_count;
struct thread *now;
unsigned runs_started;

static void *explorer;
static char between[4096] __attribute__((aligned(64))); /* stack for the moment between two threads */

/* The run: the choices that lead through it. */
static struct { unsigned made, of; } choices[CHOICES];
static unsigned choice_count, choice_at;
static unsigned switches, stale, steps, alone;
static const struct scenario *scenario;
static const char *failure;
static void (*at_points)(void);
static bool (*at_rest)(void);

/* How to search. */
static bool randomly;
static unsigned deeper;
static uint64_t seed = 1;
static bool tracing;

/* ---- choices ---------------------------------------------------------------------------------- */

static unsigned roll(unsigned n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

unsigned model_choose(unsigned n) {
    if (n <= 1) {
        return 0;
    }
    if (choice_at == choice_count) {
        if (choice_count == CHOICES) {
            model_fail("too many choices in one run: enlarge CHOICES");
            return 0;
        }
        choices[choice_count].made = randomly && roll(8) == 0 ? roll(n) : 0;
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

unsigned choose_stale(unsigned n) {
    if (!randomly && stale >= scenario->stale + deeper) {
        return 0;
    }
    unsigned back = model_choose(n);
    stale += back != 0;
    return back;
}

/* ---- threads ---------------------------------------------------------------------------------- */

_Noreturn void host_first(void (*fn)(void *arg), void *arg) {
    fn(arg);
    abort(); /* a thread ends by never being entered again */
}

static void enter(void *sp) {
    host_switch_in(sp);
}

static void switch_to(struct thread *t) {
    void **from = now != NULL ? &now->sp : &explorer;
    now = t;
    host_switch_out(from, between + sizeof between, enter, t != NULL ? t->sp : explorer);
}

static bool can_run(const struct thread *t) {
    return !t->over && !t->asleep;
}

/* Those that may go on instead of this thread. waiting: also who waits in a loop for a change. */
static unsigned others(struct thread **out, bool waiting) {
    unsigned n = 0;
    for (unsigned i = 0; i < thread_count; i++) {
        struct thread *t = &threads[i];
        if (t != now && can_run(t) && (waiting || !t->yielded)) {
            out[n++] = t;
        }
    }
    return n;
}

/* This thread cannot go on, or does not want to: another does. False: there is none. */
static bool give_way(void) {
    struct thread *candidates[THREADS];
    unsigned n = others(candidates, false);
    if (n == 0) {
        n = others(candidates, true);
    }
    if (n == 0) {
        return false;
    }
    switch_to(candidates[model_choose(n)]);
    return true;
}

/* Ends the run. */
static void stop(void) {
    if (now != NULL) {
        switch_to(NULL);
    }
}

/* This thread is asleep or over. */
static void give_way_or_stop(void) {
    if (!give_way() && !(at_rest != NULL && at_rest() && (can_run(now) || give_way()))) {
        stop();
    }
}

/* Another thread may go on here. */
static void preempt(void) {
    if (!randomly && switches >= scenario->switches + deeper) {
        return;
    }
    struct thread *candidates[THREADS];
    unsigned n = others(candidates, true);
    unsigned made = model_choose(n + 1);
    if (made != 0) {
        switches++;
        switch_to(candidates[made - 1]);
    }
}

void point(void) {
    if (now == NULL) {
        return; /* init and check run alone */
    }
    if (++steps > STEPS) {
        model_fail("comes to no end");
    }
    preempt();
    if (at_points != NULL) {
        at_points();
    }
}

void progress(void) {
    alone = 0;
    for (unsigned i = 0; i < thread_count; i++) {
        threads[i].yielded = threads[i].yielded && &threads[i] == now;
    }
}

void model_relax(void) {
    if (++steps > STEPS) {
        model_fail("comes to no end");
    }
    now->yielded = true;
    struct thread *candidates[THREADS];
    if (others(candidates, false) == 0 && ++alone % SOME == 0 && !(at_rest != NULL && at_rest()) &&
        alone > ALONE) {
        model_fail("waits for ever: nobody can change what it waits for");
    }
    give_way(); /* alone: it has perhaps seen an old value */
}

static void thread_main(void *arg) {
    (void)arg;
    now->fn(now->me);
    now->over = true;
    give_way_or_stop();
}

void model_thread(void (*fn)(unsigned me), unsigned me) {
    struct thread *t = &threads[thread_count++];
    char *stack = t->stack != NULL ? t->stack : malloc(STACK);
    *t = (struct thread){.fn = fn, .me = me, .stack = stack};
    t->view.clock[thread_index(t)] = 1; /* what others know of it so far is 0 */
    struct host_context *c = (struct host_context *)(stack + STACK) - 1;
    host_context_init(c, thread_main, NULL);
    t->sp = c;
}

unsigned model_me(void) {
    return now != NULL ? now->me : 0; /* init and check are core 0's */
}

void *model_stack_top(void) {
    return now->stack + STACK;
}

void model_point(void) {
    point();
}

void model_at_rest(bool (*fn)(void)) {
    at_rest = fn;
}

void model_at_points(void (*fn)(void)) {
    at_points = fn;
}

void model_fail(const char *why) {
    if (failure == NULL) {
        failure = why;
    }
    stop();
}

/* ---- interrupts ------------------------------------------------------------------------------- */

static struct thread *thread_of(unsigned me) {
    struct thread *t = threads;
    while (t < threads + thread_count && t->me != me) {
        t++;
    }
    return t;
}

void model_ring(unsigned me) {
    point();
    model_trace("rings %u", me);
    struct thread *t = thread_of(me);
    if (t == threads + thread_count) {
        return; /* a core that is not in the play */
    }
    t->rung = true;
    t->asleep = false;
    memory_hand_over(&t->bell, now);
    progress();
}

bool model_rung(unsigned me) {
    return thread_of(me)->rung;
}

bool model_take_ring(void) {
    if (!now->rung) {
        return false;
    }
    now->rung = false;
    view_join(&now->view, &now->bell);
    model_trace("takes the ring");
    return true;
}

void model_wait_ring(void) {
    while (!model_take_ring()) {
        model_sleep();
    }
}

void model_sleep(void) {
    point();
    if (!now->rung) {
        model_trace("sleeps");
        now->asleep = true;
        give_way_or_stop();
    }
}

void model_wake(unsigned me) {
    thread_of(me)->asleep = false;
    progress();
}

/* ---- the search ------------------------------------------------------------------------------- */

void model_trace(const char *format, ...) {
    if (!tracing || now == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    printf("  %*s%u ", (int)now->me * 4, "", now->me);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

/* The static variables of the sources, as run.sh has named them; and how they are at the start. */
extern char __start_model_data[] __attribute__((weak)), __stop_model_data[] __attribute__((weak));
extern char __start_model_bss[] __attribute__((weak)), __stop_model_bss[] __attribute__((weak));

static void reset_statics(void) {
    static char *data;
    size_t size = (size_t)(__stop_model_data - __start_model_data);
    if (data == NULL) {
        data = malloc(size + 1);
        memcpy(data, __start_model_data, size);
    }
    memcpy(__start_model_data, data, size);
    memset(__start_model_bss, 0, (size_t)(__stop_model_bss - __start_model_bss));
}

static void run_once(void) {
    runs_started++;
    reset_statics();
    thread_count = switches = stale = steps = choice_at = alone = 0;
    failure = NULL;
    at_points = NULL;
    at_rest = NULL;
    now = NULL;
    memory_reset();
    scenario->init();
    switch_to(&threads[model_choose(thread_count)]);
    if (failure == NULL) {
        scenario->check();
    }
}

static const char *line_of(uintptr_t pc) {
    static char line[2][200];
    static unsigned turn;
    char *out = line[turn++ % 2];
    char command[100];
    snprintf(command, sizeof command, "addr2line -s -e /proc/%d/exe %#lx", (int)getpid(),
             (unsigned long)pc - 1);
    FILE *p = popen(command, "r");
    if (p == NULL || fgets(out, sizeof line[0], p) == NULL) {
        strcpy(out, "?");
    }
    if (p != NULL) {
        pclose(p);
    }
    out[strcspn(out, "\n ")] = '\0';
    return out;
}

void model_fail_race(const struct access *mine, const struct access *other) {
    static char why[600];
    snprintf(why, sizeof why,
             "data race: thread %u %s at %s what thread %u %s at %s, and nothing orders the two",
             threads[mine->thread].me, mine->store ? "stores" : "loads", line_of(mine->pc),
             threads[other->thread].me, other->store ? "stored" : "loaded", line_of(other->pc));
    model_fail(why);
}

static void report(unsigned long runs) {
    printf("%s: run %lu fails: %s\n", scenario->name, runs, failure);
    tracing = true;
    run_once(); /* the same choices again */
    tracing = false;
    printf("  and so it came: a column for each thread, what it did in order; then: %s\n", failure);
}

static bool explore(const struct scenario *s, unsigned long limit) {
    unsigned long runs = 0;
    scenario = s;
    choice_count = 0;
    do {
        if (randomly) {
            choice_count = 0;
        }
        run_once();
        if (++runs % PROGRESS == 0) {
            printf("%s: %lu runs so far\n", s->name, runs);
            fflush(stdout); /* who waits for us counts from the last line */
        }
        if (failure != NULL && s->fails) {
            printf("%s: run %lu fails, as it must: %s\n", s->name, runs, failure);
            fflush(stdout);
            return true;
        }
        if (failure != NULL) {
            report(runs);
            return false;
        }
    } while (randomly ? runs < limit : next_choices());
    printf("%s: %lu runs, none fails%s\n", s->name, runs, s->fails ? ", but one should" : "");
    fflush(stdout);
    return !s->fails;
}

int model_main(int argc, char **argv, const struct scenario *s, size_t n) {
    const char *only = NULL;
    unsigned long limit = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--deep") == 0) {
            deeper++;
        } else if (strcmp(argv[i], "--random") == 0 && i + 2 < argc) {
            randomly = memory_watch_all = true;
            limit = strtoul(argv[i + 1], NULL, 10);
            seed = strtoull(argv[i + 2], NULL, 10);
            i += 2;
        } else if (argv[i][0] != '-' && only == NULL) {
            only = argv[i];
        } else {
            fprintf(stderr,
                    "%s: wanted: [--deep]... [--random RUNS SEED] [a part of a scenario's name]\n",
                    argv[0]);
            return 2;
        }
    }
    bool good = true;
    unsigned explored = 0;
    for (size_t i = 0; i < n; i++) {
        if (only == NULL || strstr(s[i].name, only) != NULL) {
            good = explore(&s[i], limit) && good;
            explored++;
        }
    }
    return good && explored != 0 ? 0 : 1;
}
