/* <bareloom/console.h> - the board's console, byte by byte. printf and read(0) stand on it. */
#pragma once

#include <bareloom/base.h>
#include <bareloom/limit.h>

/* The next byte typed, 0 to 255. Parks until the receive interrupt brings one. At the end of a
 * redirected input (host) -EPIPE. From a G. */
int console_getc(void);
int console_getc_until(struct limit l);

/* Writes n bytes as they are. Yields while the transmitter is full. From a G. */
void console_write(const void *bytes, size_t n);
