/*
 * console.c - the interactive prompt: a table of commands, each a function of its argument.
 *
 * All of it stands on the public interface, as any program's would: <bareloom/info.h> says what
 * runs where, console_getc() (in line.c) reads a key at a time.
 */
#include "console.h"

#include <bareloom.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "lanes.h"
#include "line.h"
#include "report.h"
#include "top.h"

#define PROMPT     "bareloom> "
#define LINE_CHARS 72
#define MAX_HOGS   1000
#define MAX_TIMES  1000000
#define LANES_MS   100
#define MAX_MS     60000

/* What a command returns when it is not a status to exit with. */
enum { GO_ON = -1, WRONG_USAGE = -2 };

struct command {
    const char *name;
    bool takes_arg;
    const char *usage;
    const char *help;
    int (*run)(const char *arg); /* NULL: none was given */
};

/* A decimal number up to max, and nothing else; or -1. */
static int number(const char *s, int max) {
    int n = 0;
    if (*s == '\0') {
        return -1;
    }
    for (; *s != '\0'; s++) {
        int digit = *s - '0';
        if (digit < 0 || digit > 9 || digit > max || n > (max - digit) / 10) {
            return -1;
        }
        n = n * 10 + digit;
    }
    return n;
}

/* ---- ps -------------------------------------------------------------------------------------- */

static bool print_g(const struct go_info *g, void *arg) {
    static const char *const states[] = {"runnable", "running", "waiting", "dead"};
    unsigned *n = arg;
    char since[16] = "";

    if (g->state == GO_DEAD) {
        return true;
    }
    if (g->state == GO_WAITING) {
        snprintf(since, sizeof since, "%.1f s", (double)g->waiting / 1e9);
    }
    printf("%5llu  %-12s %-16s %4u%c %10s %7zu of %zu KiB\n", (unsigned long long)g->id, g->name,
           *g->reason != '\0' ? g->reason : states[g->state], g->core, g->pinned ? '*' : ' ', since,
           g->stack_used / KB(1), g->stack_size / KB(1));
    ++*n;
    return true;
}

static int run_ps(const char *arg) {
    unsigned n = 0;
    size_t pages, free_pages;

    (void)arg;
    printf("   id  name         state            core       since    stack\n");
    info_gs(print_g, &n);
    info_memory(&pages, &free_pages);
    printf("%u Gs; %zu of %zu KiB of memory free; * is pinned to its core\n", n, free_pages * 4,
           pages * 4);
    return GO_ON;
}

/* ---- cores ----------------------------------------------------------------------------------- */

static int run_cores(const char *arg) {
    if (arg != NULL) {
        int n = number(arg, (int)go_num_cores());
        if (n < 1 || go_set_cores((unsigned)n) != 0) {
            return WRONG_USAGE;
        }
    }
    report_cores(NULL);
    printf("%u of %u cores in use\n", go_cores(), go_num_cores());
    return GO_ON;
}

/* ---- hogs ------------------------------------------------------------------------------------ */

static struct wg hogs;
static atomic_bool stop_hogs;

/* Keeps a core busy and never calls anything: only the tick, or a G that an interrupt wakes, takes
 * the core away from it. */
static void hog(void *arg) {
    volatile unsigned long counter = 0;

    (void)arg;
    /* relaxed: the flag says stop and nothing else; no data goes with it */
    while (!atomic_load_explicit(&stop_hogs, memory_order_relaxed)) {
        counter = counter + 1;
    }
    wg_done(&hogs);
}

static int run_hogs(const char *arg) {
    int n = arg != NULL ? number(arg, MAX_HOGS) : -1;
    int started = 0;

    if (n < 0) {
        return WRONG_USAGE;
    }
    atomic_store(&stop_hogs, true);
    wg_wait(&hogs);
    atomic_store(&stop_hogs, false);

    for (; started < n; started++) {
        wg_add(&hogs, 1);
        if (go_with(&GO_OPTS(.name = "hog"), hog, NULL) != 0) {
            wg_done(&hogs);
            printf("hogs: out of memory\n");
            break;
        }
    }
    printf("%d hogs\n", started);
    return GO_ON;
}

/* ---- top ------------------------------------------------------------------------------------- */

static int run_top(const char *arg) {
    int times = arg != NULL ? number(arg, MAX_TIMES) : 0;
    if (times < 0) {
        return WRONG_USAGE;
    }
    if (!top(times)) {
        printf("top: out of memory\n");
    }
    return GO_ON;
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static int run_lanes(const char *arg) {
    int ms = arg != NULL ? number(arg, MAX_MS) : LANES_MS;
    if (ms < 1) {
        return WRONG_USAGE;
    }
    if (!lanes(MS(ms))) {
        printf("lanes: out of memory\n");
    }
    return GO_ON;
}

/* ---- wc, exit, reboot, help ------------------------------------------------------------------ */

static int run_wc(const char *arg) {
    (void)arg;
    wordcount(true);
    return GO_ON;
}

static int run_exit(const char *arg) {
    int status = arg != NULL ? number(arg, 255) : 0;
    return status >= 0 ? status : WRONG_USAGE;
}

static int run_reboot(const char *arg) {
    (void)arg;
    fflush(stdout);
    machine_reset();
}

static int run_help(const char *arg);

static const struct command commands[] = {
    {"help", false, "help", "this list", run_help},
    {"ps", false, "ps", "all Gs: what they do, where, their stacks", run_ps},
    {"top", true, "top [TIMES]", "cores and the busiest Gs, refreshed until a key", run_top},
    {"lanes", true, "lanes [MS] (1 to 60000)", "what each core runs from now on, as a chart", run_lanes},
    {"cores", true, "cores [N] (1 to all)", "what each has done; use N from now on", run_cores},
    {"hogs", true, "hogs N (0 to 1000)", "run N endless loops; 0 ends them", run_hogs},
    {"wc", false, "wc", "count the words again", run_wc},
    {"exit", true, "exit [CODE] (0 to 255)", "end the program with this status", run_exit},
    {"reboot", false, "reboot", "start the machine again", run_reboot},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static int run_help(const char *arg) {
    (void)arg;
    for (size_t i = 0; i < COMMANDS; i++) {
        printf("  %-24s %s\n", commands[i].usage, commands[i].help);
    }
    printf("  %-24s %s\n", "schedtrace=MS", "a line about the scheduler that often; 0: no more");
    printf("  %-24s %s\n", "model=NAME", "the threading model; model= says which there are");
    printf("  %-24s %s\n", "policy=NAME", "who runs next; policy= says which there are");
    printf("  %-24s %s\n", "steal=, spin=, tick=, ...", "knobs of the scheduler: docs/MODELS.md");
    return GO_ON;
}

/* ---- the prompt ------------------------------------------------------------------------------ */

static const struct command *find(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    printf("unknown command \"%s\"; there are:", name);
    for (size_t i = 0; i < COMMANDS; i++) {
        printf(" %s", commands[i].name);
    }
    printf("\n");
    return NULL;
}

/* Carries out a line: GO_ON, or the status to exit with. */
static int execute(char *line) {
    char *rest;
    const char *name = strtok_r(line, " ", &rest);
    if (name == NULL) {
        return GO_ON;
    }
    const char *arg = strtok_r(NULL, " ", &rest);
    const char *too_much = strtok_r(NULL, " ", &rest);

    int option = go_option(name); /* what the command line may have: schedtrace=1000 */
    if (option == -EINVAL) {
        fflush(stdout);
        go_option_wants(name);
    } else if (option != 0 && option != -ENOENT) {
        printf("%s: there is no memory for it\n", name);
    }
    const struct command *c = option == -ENOENT ? find(name) : NULL;
    if (c == NULL) {
        return GO_ON;
    }
    bool fits = too_much == NULL && (arg == NULL || c->takes_arg);
    int status = fits ? c->run(arg) : WRONG_USAGE;
    if (status == WRONG_USAGE) {
        printf("usage: %s\n", c->usage);
        return GO_ON;
    }
    return status;
}

void console(void *arg) {
    struct chan *exit_status = arg;
    char line[LINE_CHARS + 1];
    int status = GO_ON;

    printf("\ntype help to see what there is\n");
    while (status == GO_ON) {
        /* The end of a redirected input is a way of saying exit. */
        status = line_read(PROMPT, line, sizeof line) == 0 ? execute(line) : 0;
    }
    chan_send(exit_status, &status);
}
