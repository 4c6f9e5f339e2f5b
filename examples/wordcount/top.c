/*
 * top.c - what the cores and the busiest Gs do, refreshed in place until a key is typed: on the terminal and, where the
 * board has one, on the screen.
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

#include "picture.h"
#include "screen.h"

#define PERIOD SEC(1)
#define FRAME  MS(100) /* the screen's */
#define ROWS   16
#define BAR    20

#define HOME       "\033[H"
#define CLEAR      "\033[2J"
#define TO_END     "\033[K\n" /* what the frame before had there goes */
#define REST       "\033[J"
#define HIDE       "\033[?25l"
#define SHOW       "\033[?25h"
#define REVERSE(s) "\033[7m" s "\033[0m"

static void print_cores(const struct picture *now, const struct picture *then) {
    printf(REVERSE(
        "core  load                         entered   stolen  rung  heard  ticks  queue  timers")
               TO_END);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        const struct core_info *c = &now->cores[i], *was = &then->cores[i];
        double load = picture_load(now, then, i);
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

static void print_gs(const struct picture *now, const struct picture *then) {
    struct busy rows[ROWS];
    size_t n = picture_busiest(now, then, rows, ROWS);
    printf(REVERSE("    id  name           cpu %%  state                  core  stack           ")
               TO_END);
    for (size_t i = 0; i < n; i++) {
        const struct go_info *g = rows[i].g;
        printf("%6" PRIu64 "  %-14s %5.1f  %-22s %4u%c %6zu of %zu KiB" TO_END, g->id, g->name,
               rows[i].percent, picture_state(g), g->core, g->pinned ? '*' : ' ',
               g->stack_used / KB(1), g->stack_size / KB(1));
    }
    if (now->count + now->more > ROWS) {
        printf("and %zu more" TO_END, now->count + now->more - ROWS);
    }
}

static void print(const struct picture *now, const struct picture *then) {
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

/* Waits until then, and moves the screen on meanwhile. False: a key was typed, or no more will come. */
static bool wait(ns_t until, bool screen) {
    int key;
    do {
        ns_t frame = go_now() + FRAME;
        key = console_getc_until(AT(screen && frame < until ? frame : until));
        if (screen) {
            screen_timeline();
        }
    } while (key == -ETIMEDOUT && go_now() < until);
    return key == -ETIMEDOUT;
}

bool top(int times) {
    struct picture *p = malloc(2 * sizeof *p);
    if (p == NULL) {
        return false;
    }
    info_count_cpu(true);
    picture_take(&p[0]);
    bool screen = screen_begin(&p[0]);
    printf(HIDE CLEAR);
    for (int n = 1; wait(p[(n + 1) % 2].at + PERIOD, screen); n++) {
        struct picture *now = &p[n % 2], *then = &p[(n + 1) % 2];
        picture_take(now);
        print(now, then);
        if (screen) {
            screen_numbers(now, then);
        }
        if (n == times) {
            break;
        }
    }
    printf(SHOW "\n");
    if (screen) {
        screen_end();
    }
    info_count_cpu(false);
    free(p);
    return true;
}
