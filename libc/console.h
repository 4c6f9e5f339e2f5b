/* libc/console.h - what files need of the console beside <bareloom/console.h>. */
#pragma once

#include <stddef.h>

/* From now on DUMP_KEY is heard. Once, before anything is read. From a G. */
void console_start(void);

/* console_write() for text: a newline goes out as CR LF. */
void console_write_text(const void *text, size_t n);
