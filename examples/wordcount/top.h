/* top.h - a live view of cores and goroutines, for a terminal that knows ANSI's sequences. */
#pragma once

#include <stdbool.h>

/* Shows them, anew each second, until a key is typed or, if times is not 0, that often. False: no memory. From a
 * G. */
bool top(int times);
