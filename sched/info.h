/* sched/info.h - texts about Gs, for listings and reports. */
#pragma once

#include "sched/sched.h"

/* What g waits for, in Go's words; "" when it does not wait. */
const char *g_reason(const struct g *g);

/* The same for an enum wait_reason. */
const char *reason_text(unsigned reason);
