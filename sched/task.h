/* sched/task.h - what the end of a G has to do for joiners and its local storage. */
#pragma once

#include <bareloom/task.h>

#include "sched/sched.h"

/* g0. The G of j is dead: its joiners go on. */
void join_done(struct join *j) NEEDS(irq_masked);

/* Own G, which is ending: calls the destructors of its values. */
void local_end(struct g *g);

/* g0. Gives the storage of a dead G back. */
void local_free(struct g *g);
