/*
 * top.c - what the cores and the busiest Gs do, refreshed in place until a key is typed.
 *
 * While it shows, the runtime adds up how long each G runs, which costs every switch two readings of
 * the clock; so it is off again afterwards.
 */
#include "top.h"

#include <bareloom.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PERIOD SEC(1)
#define ROWS   16
#define MOST   1024 /* Gs that are looked at */
#define BAR    20

#define HOME       "\033[H"
#define CLEAR      "\033[2J"
#define TO_END     "\033[K\n" /* what the frame before had there goes */
#define REST       "\033[J"
#define HIDE       "\033[?25l"
#define SHOW       "\033[?25h"
#define REVERSE(s) "\033[7m" s "\033[0m"

struct picture {
    ns_t at;
    struct core_info cores[8];
    size_t count, more;
    struct go_info gs[MOST];
};

static bool take_g(const struct go_info *g, void *arg) {
    struct picture *p = arg;
    if (p->count == MOST) {
        p->more++;
    } else {
        p->gs[p->count++] = *g;
    }
    return true;
}

static void take(struct picture *p) {
    p->count = p->more = 0;
    for (unsigned i = 0; i < go_num_cores(); i++) {
        info_core(i, &p->cores[i]);
    }
    p->at = go_now();
    info_gs(take_g, p);
}

/* How long it ran since then; all of it if it is new. */
static ns_t ran(const struct go_info *g, const struct picture *then) {
    for (size_t i = 0; i < then->count; i++) {
        if (then->gs[i].id == g->id) {
            return g->cpu - then->gs[i].cpu;
        }
    }
    return g->cpu;
}

static double percent(ns_t part, ns_t whole) {
    double p = whole > 0 ? 100.0 * (double)part / (double)whole : 0;
    return p < 0 ? 0 : p > 100 ? 100 : p;
}

static void print_cores(const struct picture *now, const struct picture *then) {
    ns_t passed = now->at - then->at;
    printf(REVERSE(
        "core  load                         entered   stolen  rung  heard  ticks  queue  timers")
               TO_END);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        const struct core_info *c = &now->cores[i], *was = &then->cores[i];
        double load = percent(passed - (c->idle - was->idle), passed);
        printf("%4u %5.1f ", i, load);
        for (int at = 0; at < BAR; at++) {
            putchar(load * BAR / 100 > at + 0.5 ? '#' : '.');
        }
        printf(" %9" PRIu64 " %8" PRIu64 " %5" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6u %7u%s" TO_END,
               c->switches - was->switches, c->stolen - was->stolen, c->ipis_sent - was->ipis_sent,
               c->ipis_received - was->ipis_received, c->ticks - was->ticks, c->queued, c->timers,
               c->active ? "" : " not in use");
    }
}

static void print_g(const struct go_info *g, ns_t cpu, ns_t passed) {
    static const char *const states[] = {"runnable", "running", "waiting", "dead"};
    printf("%6" PRIu64 "  %-14s %5.1f  %-22s %4u%c %6zu of %zu KiB" TO_END, g->id, g->name,
           percent(cpu, passed), *g->reason != '\0' ? g->reason : states[g->state], g->core,
           g->pinned ? '*' : ' ', g->stack_used / KB(1), g->stack_size / KB(1));
}

static void print_gs(struct picture *now, const struct picture *then) {
    printf(REVERSE("    id  name           cpu %%  state                  core  stack           ")
               TO_END);
    /* The busiest first; each time the busiest of the rest, since few are shown. */
    static ns_t cpu[MOST];
    for (size_t i = 0; i < now->count; i++) {
        cpu[i] = ran(&now->gs[i], then);
    }
    for (size_t row = 0; row < ROWS && row < now->count; row++) {
        size_t most = 0;
        for (size_t i = 1; i < now->count; i++) {
            most = cpu[i] > cpu[most] ? i : most;
        }
        print_g(&now->gs[most], cpu[most], now->at - then->at);
        cpu[most] = -1;
    }
    if (now->count + now->more > ROWS) {
        printf("and %zu more" TO_END, now->count + now->more - ROWS);
    }
}

static void print(struct picture *now, const struct picture *then) {
    size_t pages, free_pages;
    info_memory(&pages, &free_pages);
    printf(HOME
           "%s: %u of %u cores, %zu goroutines, up %.1f s, %zu of %zu MiB free; a key ends" TO_END TO_END,
           info_board(), go_cores(), go_num_cores(), now->count + now->more, (double)now->at / 1e9,
           free_pages / 256, pages / 256);
    print_cores(now, then);
    printf(TO_END);
    print_gs(now, then);
    printf(REST);
    fflush(stdout);
}

bool top(int times) {
    struct picture *p = malloc(2 * sizeof *p);
    if (p == NULL) {
        return false;
    }
    info_count_cpu(true);
    take(&p[0]);
    printf(HIDE CLEAR);
    for (int n = 1; console_getc_until(WITHIN(PERIOD)) == -ETIMEDOUT; n++) {
        take(&p[n % 2]);
        print(&p[n % 2], &p[(n + 1) % 2]);
        if (n == times) {
            break;
        }
    }
    printf(SHOW "\n");
    info_count_cpu(false);
    free(p);
    return true;
}
