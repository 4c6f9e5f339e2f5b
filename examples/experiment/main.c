/*
 * experiment - workloads that show what a model or a policy costs. The same program under each of them:
 *
 *      make run BOARD=virt APP=examples/experiment ARGS="--work=tree --cores=2 model=1-1"
 *      make run BOARD=virt APP=examples/experiment ARGS="--work=tree --cores=2 policy=fifo"
 *
 * `make experiment E=n` runs it in the ways of experiment n and makes tables and plots of what it prints.
 */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct work *works;
static char **args;
static int args_count;
static bool asked[64]; /* of args: a workload wanted it */
static unsigned columns;

void work_register(struct work *w) {
    w->next = works;
    works = w;
}

/* Behind --name= if that is what arg begins with. */
static const char *value(const char *arg, const char *name) {
    size_t n = strlen(name);
    return strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, name, n) == 0 && arg[2 + n] == '='
               ? arg + n + 3
               : NULL;
}

static const char *find(const char *name) {
    const char *found = NULL;
    for (int i = 1; i < args_count; i++) {
        const char *v = value(args[i], name);
        if (v != NULL) {
            asked[i] = true;
            found = v;
        }
    }
    return found;
}

long option_from(const char *name, long least, long most, long otherwise) {
    const char *v = find(name);
    if (v == NULL) {
        return otherwise;
    }
    char *end;
    long n = strtol(v, &end, 10);
    if (end == v || *end != '\0' || n < least || n > most) {
        printf("experiment: --%s=%s: a number from %ld to %ld is wanted, as in --%s=%ld\n", name, v,
               least, most, name, otherwise);
        exit(2);
    }
    return n;
}

void tell(const char *column, int64_t v) {
    printf("%s%s=%lld", columns++ == 0 ? "row " : " ", column, (long long)v);
}

void tell_row(void) {
    if (columns != 0) {
        printf("\n");
    }
    columns = 0;
}

static int compare(const void *a, const void *b) {
    ns_t x = *(const ns_t *)a, y = *(const ns_t *)b;
    return (x > y) - (x < y);
}

void tell_shares(ns_t *samples, unsigned n) {
    qsort(samples, n, sizeof *samples, compare);
    tell("median", samples[n / 2]);
    tell("hundredth", samples[n - 1 - n / 100]);
    tell("longest", samples[n - 1]);
}

unsigned drawn(unsigned n) {
    static uint64_t x;
    if (x == 0) {
        x = (uint64_t)option("seed", 1) * 0x9e3779b97f4a7c15u + 1;
    }
    x ^= x << 13; /* xorshift64 */
    x ^= x >> 7;
    x ^= x << 17;
    return (unsigned)((x >> 32) % n);
}

void start(go_fn *fn, void *arg) {
    if (go(fn, arg) != 0) {
        PANIC("no memory for a goroutine");
    }
}

void start_on(unsigned core, go_fn *fn, void *arg) {
    if (go_with(&GO_OPTS(GO_PIN((int)core)), fn, arg) != 0) {
        PANIC("no memory for a goroutine");
    }
}

struct sums sums_now(void) {
    struct sums s = {0};
    struct core_info c;
    for (unsigned i = 0; info_core(i, &c); i++) {
        s.switches += c.switches;
        s.preempted += c.preempted;
        s.stolen += c.stolen;
        s.ipis += c.ipis_sent;
        s.idle += c.active ? c.idle : 0;
        s.ticks += c.ticks;
        s.spun += c.spun;
        s.lock_wait += c.lock_wait;
    }
    return s;
}

static int wants_work(const char *name) {
    printf("experiment: %s%s: there is", name != NULL ? "--work=" : "no --work",
           name != NULL ? name : "");
    for (const struct work *w = works; w != NULL; w = w->next) {
        printf(" --work=%s (%s)%s", w->name, w->does, w->next != NULL ? "," : "\n");
    }
    return 2;
}

int main(int argc, char **argv) {
    args = argv;
    args_count = argc < (int)(sizeof asked) ? argc : (int)(sizeof asked);
    const char *name = find("work");
    const struct work *w = works;
    while (w != NULL && (name == NULL || strcmp(w->name, name) != 0)) {
        w = w->next;
    }
    if (w == NULL) {
        return wants_work(name);
    }
    drawn(1);
    long all = (long)go_num_cores();
    go_set_cores((unsigned)option_from("cores", 1, all, all));
    w->fn();
    tell_row();
    for (int i = 1; i < args_count; i++) {
        if (!asked[i] && strcmp(args[i], "--batch") != 0) {
            printf("experiment: %s: --work=%s has no such word\n", args[i], name);
            return 2;
        }
    }
    return 0;
}
