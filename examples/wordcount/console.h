/* console.h - the interactive prompt. */
#pragma once

/* A G's function: reads commands and carries them out until one says exit, then sends the status
 * (an int) to the channel that arg is. */
void console(void *arg);
