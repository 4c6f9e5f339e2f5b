/* libc/reent.h - newlib's state of a G (errno, strtok, rand, ...): libc/reent.c. */
#pragma once

/* G 1, before anything of newlib runs. */
void reent_init(void);
