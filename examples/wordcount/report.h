/* report.h - what the program prints: words, totals, and what each core did. */
#pragma once

#include <bareloom/info.h>

#include "tally.h"

/* The ten commonest words and the totals. */
void report_words(const struct tally *t);

/* Every core's counters now, an array for free(); NULL when memory is short. */
struct core_info *report_snapshot(void);

/* What each core has done since the snapshot; NULL: since power-on. */
void report_cores(const struct core_info *since);
