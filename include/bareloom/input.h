/* <bareloom/input.h> - the text that was built into the image: `make run INPUT=path`, for a program
 * whose app.mk says `APP_INPUT := 1`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Where the text is and how long it is: read-only, any bytes, not a string. False when it is not
 * what was built in: its CRC-32 is wrong. Reads all of it, so once is enough. Any context. */
bool input_text(const char **text, size_t *size);
