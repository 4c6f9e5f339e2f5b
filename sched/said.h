/* sched/said.h - what a G has said of itself, for policies that look at it: <bareloom/policy.h>. */
#pragma once

#include <bareloom/policy.h>

#include "sched/sched.h"

/* What is to be done, and by when. */
struct due {
    int64_t when;
};

/* What is written there is not of a G before it. */
static inline bool has_said(const struct g *g) {
    /* acquire: pairs with speaker() */
    return atomic_load_explicit(&g->said, memory_order_acquire) == (uint32_t)g->id;
}

static inline unsigned tickets_of(const struct g *g) {
    return has_said(g) ? g->tickets : 1;
}

static inline unsigned priority_of(const struct g *g) {
    return has_said(g) ? relaxed_load(&g->prio) : GO_PRIORITY;
}

/* INT64_MAX: at no time. */
static inline int64_t due_of(const struct g *g) {
    return has_said(g) && g->due != NULL ? g->due->when : INT64_MAX;
}

/* A G: what it is doing has to be done by due->when, which it may change; NULL: by no time.
 * Returns what it was. */
const struct due *say_due(const struct due *due);
