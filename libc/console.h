/* libc/console.h - what files need of the console beside <bareloom/console.h>. */
#pragma once

#include <stddef.h>

/* Turns the receiver on, if it is not yet. From a G. */
void console_start(void);

/* console_write() for text: a newline goes out as CR LF. */
void console_write_text(const void *text, size_t n);
