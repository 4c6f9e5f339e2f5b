/* picture.h - what the cores and goroutines do at a moment, for top: on the terminal (top.c) and the screen (screen.c). */
#pragma once

#include <bareloom.h>

#define MOST_GS    1024 /* that are looked at */
#define MOST_CORES 8

struct picture {
    ns_t at;
    struct core_info cores[MOST_CORES];
    size_t count, more;
    struct go_info gs[MOST_GS];
};

struct busy {
    const struct go_info *g;
    double percent; /* of the time between two pictures */
};

void picture_take(struct picture *p);

/* What part of the time between them core i did not sleep. */
double picture_load(const struct picture *now, const struct picture *then, unsigned i);

/* The busiest first; how many, n at most. */
size_t picture_busiest(const struct picture *now, const struct picture *then, struct busy *out,
                       size_t n);

/* What a goroutine does or waits for. */
const char *picture_state(const struct go_info *g);
