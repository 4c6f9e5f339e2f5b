/* sched/cleanup.h - cleanups and panics, for the rest of the runtime: see cleanup.c. */
#pragma once

#include <stdarg.h>

#include <bareloom/defer.h>

#include "sched/sched.h"

/* A panic under way, in the frame of the call that panicked. */
struct panic {
    struct panic *before; /* the one whose cleanup panicked, or NULL */
    const char *file;
    int line;
    bool again; /* by go_repanic() */
    bool last;  /* nobody catches it: counted until the end */
    char text[sizeof((struct caught *)0)->text];
};

/* Whether the caller's panic can be caught and runs cleanups. */
bool panic_unwinds(void);

/* Own G. Runs the cleanups, and does not return if a go_try() catches p; else all of them have run. */
void panic_unwind(struct panic *p);

/* Own G, which ends by go_exit(): runs all cleanups. Panics under way are forgotten, as are go_try()s. */
void cleanup_all(struct g *g);
