/* line.h - a line of input from the console, with the usual editing keys. */
#pragma once

#include <stddef.h>

/* Prints prompt and reads a line, without its end, into line[0 .. size - 1]. Echoes as it goes;
 * backspace takes a character back, Ctrl-U all of them, Ctrl-C starts again, a line that is full
 * rings the bell. 0, or -EPIPE at the end of a redirected input. From a G. */
int line_read(const char *prompt, char *line, size_t size);
