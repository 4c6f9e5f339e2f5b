/* drivers/semihost.h - the debugger or emulator behind us: exit status and command line. Any
 * context, once the exception vectors are set; on hardware without a debugger nobody listens, and
 * that is found out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool semihost_present(void);

/* The command line, NUL terminated, into out[n]. False, and out is "", when nobody listens or it is
 * longer. */
bool semihost_args(char *out, size_t n);

/* Ends the emulator with that status. Returns if nobody listens. */
void semihost_exit(int status);
