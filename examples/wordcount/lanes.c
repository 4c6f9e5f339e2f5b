/*
 * lanes.c - what each core did for some time, for any terminal: a line a core, a letter a goroutine.
 *
 * Made of the record of events, which it starts and ends if nobody else has.
 */
#include "lanes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"

#define COLUMNS 100
#define LETTERS 26
#define EVENTS  4096 /* that each core keeps */

struct chart {
    ns_t begin, width; /* of a column */
    uint32_t who[LETTERS];
    unsigned count; /* of those with a letter */
    /* of the core that is being read */
    char line[COLUMNS + 1];
    ns_t longest[COLUMNS];
    struct picture end;
};

static char letter(struct chart *c, uint32_t g) {
    unsigned i = 0;
    if (g == 0) {
        return '.';
    }
    while (i < c->count && c->who[i] != g) {
        i++;
    }
    if (i == LETTERS) {
        return '*';
    }
    if (i == c->count) {
        c->who[c->count++] = g;
    }
    return (char)('A' + i);
}

/* In each column stands what took longest. */
static void see(const struct trace_stretch *s, void *arg) {
    struct chart *c = arg;
    char what = letter(c, s->g);
    for (int i = 0; i < COLUMNS; i++) {
        ns_t from = c->begin + i * c->width, to = from + c->width;
        from = s->begin > from ? s->begin : from;
        to = s->end < to ? s->end : to;
        if (to - from > c->longest[i]) {
            c->line[i] = what;
            c->longest[i] = to - from;
        }
    }
}

/* The goroutine that has the core now, or 0. */
static uint32_t runs_on(const struct picture *p, unsigned core) {
    for (size_t i = 0; i < p->count; i++) {
        if (p->gs[i].state == GO_RUNNING && p->gs[i].core == core) {
            return (uint32_t)p->gs[i].id;
        }
    }
    return 0;
}

static void print_core(struct chart *c, unsigned core) {
    memset(c->line, ' ', COLUMNS);
    memset(c->longest, 0, sizeof c->longest);
    trace_stretches(core, c->begin, see, c);
    if (strspn(c->line, " ") == COLUMNS) { /* nothing has happened: it did the same all the time */
        memset(c->line, letter(c, runs_on(&c->end, core)), COLUMNS);
    }
    printf("core %u |%s|\n", core, c->line);
}

static const char *name_of(const struct picture *p, uint32_t g) {
    for (size_t i = 0; i < p->count; i++) {
        if ((uint32_t)p->gs[i].id == g) {
            return p->gs[i].name;
        }
    }
    return "";
}

static void print(struct chart *c) {
    for (unsigned core = 0; core < go_num_cores(); core++) {
        print_core(c, core);
    }
    printf("a column is %.2f ms; . asleep, * others, blank: between two, or not known\n",
           (double)c->width / 1e6);
    for (unsigned i = 0; i < c->count; i++) {
        printf("%c goroutine %" PRIu32 " %s\n", 'A' + i, c->who[i], name_of(&c->end, c->who[i]));
    }
}

bool lanes(ns_t duration) {
    bool recording = trace_what() == 0;
    struct chart *c = calloc(1, sizeof *c);
    bool ready = c != NULL &&
                 ((trace_what() & TRACE_EVENTS) != 0 || trace_start(TRACE_EVENTS, EVENTS, 0) == 0);
    if (ready) {
        c->begin = go_now();
        c->width = duration / COLUMNS;
        go_sleep(duration);
        picture_take(&c->end);
        print(c);
    }
    if (ready && recording) {
        trace_stop();
    }
    free(c);
    return ready;
}
