/*
 * bench/main.c - runs measurements and prints a line for each; tools/bench.py makes the table.
 *
 *      --list           names, and on which numbers of cores
 *      --bench=a,b      only these
 *      --cores=1,4      only on these numbers of cores
 *      --cycles         times alone, in cycles of a core's clock, for a person: the page of `make hw-report`
 *      --facts          the clock, the temperature and the throttling of a board that tells them, in one line
 */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"

static struct bench *first, **last = &first;

static struct {
    const struct bench *bench;
    unsigned cores;
    ns_t began, overhead, main_at;
    double cycles_per_ns; /* 0: no cycles are wanted */
} now;

void bench_register(struct bench *b) {
    *last = b;
    last = &b->next;
}

void bench_count(const char *suffix, uint64_t total, uint64_t n) {
    if (now.cycles_per_ns == 0) {
        printf("bench %s%s cores=%u total=%llu n=%llu\n", now.bench->name, suffix, now.cores,
               (unsigned long long)total, (unsigned long long)n);
    }
}

void bench_result_as(const char *suffix, uint64_t total, uint64_t n) {
    char name[40];
    bench_count(suffix, total, n);
    if (now.cycles_per_ns != 0) {
        snprintf(name, sizeof name, "%s%s", now.bench->name, suffix);
        printf("  %-28s %u core%s %14.2f\n", name, now.cores, now.cores == 1 ? " " : "s",
               (double)total / (double)n * now.cycles_per_ns);
    }
}

void bench_result(uint64_t total, uint64_t n) {
    bench_result_as("", total, n);
}

void bench_result_at(uint64_t x, uint64_t total, uint64_t n) {
    printf("curve %s x=%llu total=%llu n=%llu\n", now.bench->name, (unsigned long long)x,
           (unsigned long long)total, (unsigned long long)n);
}

void bench_start(void) {
    settle();
    now.began = go_now();
}

void bench_stop(uint64_t n) {
    ns_t spent = go_now() - now.began - now.overhead;
    bench_result((uint64_t)(spent > 0 ? spent : 0), n);
}

void start(go_fn *fn, void *arg) {
    if (go(fn, arg) != 0) {
        PANIC("bench: no memory for a goroutine");
    }
}

void start_on(unsigned core, go_fn *fn, void *arg) {
    if (go_with(&GO_OPTS(GO_PIN((int)core)), fn, arg) != 0) {
        PANIC("bench: no memory for a goroutine");
    }
}

void settle(void) {
    struct core_info before, after;
    bool quiet;
    do {
        quiet = true;
        for (unsigned i = 0; i < go_num_cores(); i++) {
            info_core(i, &before);
            go_sleep(US(200));
            info_core(i, &after);
            quiet = quiet && (i == go_core() || after.switches == before.switches);
        }
    } while (!quiet);
}

ns_t bench_overhead(void) {
    return now.overhead;
}

/* The counter begins at reset, so under -icount this is what all cores have done until main(). */
BENCH(reset_to_main, CORES(1) | CORES(4)) {
    bench_result((uint64_t)now.main_at, 1);
}

/* Two readings of the clock with nothing between. */
static void calibrate(void) {
    ns_t a = go_now();
    now.overhead = go_now() - a;
}

/* ---- cycles ---------------------------------------------------------------------------------------------- */

/* Both clocks at one moment: an interrupt may come between the two, so the closest of some. */
static ns_t together(uint64_t *cycles) {
    ns_t least = FOREVER, at = 0;
    for (unsigned i = 0; i < 16; i++) {
        ns_t before = go_now();
        uint64_t ticks = info_cycles();
        ns_t took = go_now() - before;
        if (took < least) {
            least = took;
            at = before + took / 2;
            *cycles = ticks;
        }
    }
    return at;
}

/* The rate of this core's clock: all measurements are in ns, and a firmware changes it when it likes. */
static double cycles_per_ns(void) {
    for (;;) {
        uint64_t from = 0, to = 0;
        unsigned core = go_core();
        ns_t began = together(&from);
        while (go_now() - began < MS(10)) {
        }
        ns_t took = together(&to) - began;
        if (go_core() == core) {
            return (double)(to - from) / (double)took;
        }
    }
}

static void print_clock(const char *what) {
    printf("  %-28s %.1f MHz\n", what, now.cycles_per_ns * 1000);
}

/* Whether list, with commas between, has the word; an empty one has all. */
static bool has(const char *list, const char *word) {
    size_t n = strlen(word);
    for (const char *at = list; at != NULL && *at != '\0'; at = strchr(at, ','), at += at != NULL) {
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0')) {
            return true;
        }
    }
    return list == NULL;
}

/* Behind each measurement. */
static void check_clock(void) {
    double before = now.cycles_per_ns;
    if (before != 0) {
        now.cycles_per_ns = cycles_per_ns();
        if (now.cycles_per_ns > before * 1.02 || now.cycles_per_ns < before * 0.98) {
            print_clock("the clock has changed: now");
        }
    }
}

static void run(const struct bench *b, const char *only_cores) {
    for (unsigned n = 1; n <= go_num_cores(); n++) {
        char digits[12];
        snprintf(digits, sizeof digits, "%u", n);
        if ((b->cores & CORES(n)) != 0 && has(only_cores, digits)) {
            now.bench = b;
            now.cores = n;
            go_set_cores(n);
            settle();
            b->fn();
            check_clock();
            fflush(stdout);
        }
    }
}

static bool marks_emulator(const struct board_info *fact, void *arg) {
    (void)arg;
    if (strcmp(fact->name, "emulator") == 0) {
        printf("  these are the emulator's, and say nothing of a board\n");
    }
    return true;
}

static int run_in_cycles(const char *only, const char *only_cores) {
    printf("---- the bench, in cycles ----\n");
    info_board_facts(marks_emulator, NULL);
    if (info_cycles() == 0) {
        printf("  nobody counts cycles here\n");
        return 1;
    }
    now.cycles_per_ns = cycles_per_ns();
    print_clock("clock of a core");
    for (const struct bench *b = first; b != NULL; b = b->next) {
        if (has(only, b->name) && strncmp(b->name, "grow_", 5) != 0) {
            run(b, only_cores);
        }
    }
    printf("---- end ----\n");
    return 0;
}

static void tell(const struct bench *b) {
    printf("%s", b->name);
    for (unsigned n = 1; n <= go_num_cores(); n++) {
        if ((b->cores & CORES(n)) != 0) {
            printf(" %u", n);
        }
    }
    printf("\n");
}

static bool tell_fact(const struct board_info *fact, void *arg) {
    static const char *const told[] = {"clock of the cores", "temperature", "throttled"};
    unsigned *n = arg;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        if (strcmp(fact->name, told[i]) == 0) {
            bool hex = strcmp(fact->unit, "hex") == 0;
            printf("%s %s ", (*n)++ == 0 ? "bench board:" : ",", fact->name);
            printf(hex ? "0x%llx%s" : "%llu %s", (unsigned long long)fact->value, hex ? "" : fact->unit);
        }
    }
    return true;
}

static int tell_facts(void) {
    unsigned n = 0;
    info_board_facts(tell_fact, &n);
    if (n != 0) {
        printf("\n");
    }
    return 0;
}

static const char *value(const char *arg, const char *name) {
    size_t n = strlen(name);
    return strncmp(arg, name, n) == 0 ? arg + n : NULL;
}

int main(int argc, char **argv) {
    const char *only = NULL, *only_cores = NULL;
    bool list = false, cycles = false;
    now.main_at = go_now();
    for (int i = 1; i < argc; i++) {
        const char *v;
        if ((v = value(argv[i], "--bench=")) != NULL) {
            only = v;
        } else if ((v = value(argv[i], "--cores=")) != NULL) {
            only_cores = v;
        } else if (strcmp(argv[i], "--facts") == 0) {
            return tell_facts();
        } else if (strcmp(argv[i], "--cycles") == 0) {
            cycles = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            list = true;
        } else if (strcmp(argv[i], "--batch") != 0) {
            printf("bench: what is %s? There are --list, --bench=a,b, --cores=1,4, --cycles, "
                   "--facts\n",
                   argv[i]);
            return 1;
        }
    }
    calibrate();
    if (cycles) {
        return run_in_cycles(only, only_cores);
    }
    printf("bench clock overhead=%lld cores=%u board=%s\n", (long long)now.overhead, go_num_cores(),
           info_board());
    for (const struct bench *b = first; b != NULL; b = b->next) {
        if (list) {
            tell(b);
        } else if (has(only, b->name)) {
            run(b, only_cores);
        }
    }
    return 0;
}
