/* sched/dump.h - Gs in a report, in Go's format. */
#pragma once

#include "sched/sched.h"

/* g's header, its frames, and who created it. Of the caller's G, or of fault's if that is not NULL;
 * of one that is off its core; or of one that ran on another core when hal_stop_others() stopped
 * it. */
void dump_g(const struct g *g, const struct hal_fault *fault);

/* All Gs but one, CONFIG_DUMP_GS at most; then how many more there are. but may be NULL. */
void dump_others(const struct g *but);

/* Copies g's name, cut to n - 1 bytes; "" if it has none. Does not fault when the name is gone. */
void dump_name(const struct g *g, char *to, size_t n);

/* What stands in the brackets behind g's number. */
const char *dump_status(const struct g *g);

/* "\tF+0x10 (0x..)" */
void dump_frame(uintptr_t pc);

/* In every IPI, masked. Where c is, if a dump has asked and it has not answered yet. */
void dump_answer(struct core *c) NEEDS(irq_masked);

/* All other cores have stopped, one of them amid a dump perhaps: what they answered to it says no more where their Gs
 * are, nor ours. */
void dump_cut_off(void);

/* A dump is printed just now, by a handler perhaps: its core takes no ticks. Any context. */
bool dump_is_going(void);
