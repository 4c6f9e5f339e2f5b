/* sched/said.h - what a G has said of itself, for policies that look at it: <bareloom/policy.h>. */
#pragma once

#include <bareloom/policy.h>

#include "sched/sched.h"

/* What is written there is not of a G before it. */
static inline bool has_said(const struct g *g) {
    return g->said == (uint32_t)g->id;
}

static inline unsigned tickets_of(const struct g *g) {
    return has_said(g) ? g->tickets : 1;
}
