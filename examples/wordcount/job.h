/* job.h - the parallel word count. */
#pragma once

#include <stdbool.h>

/* Counts the image's text on all cores and prints what came out; progress draws a bar meanwhile.
 * From a G. The exit status: 0, or 1 after a line that says what went wrong. */
int wordcount(bool progress);
