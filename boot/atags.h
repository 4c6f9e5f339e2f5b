/* boot/atags.h - the command line in a list of ATAGs, which a Pi's firmware passes where it has no
 * device tree, and boot/chain passes always. */
#pragma once

/* The command line of the list at p, or NULL: none, or p is no such list. The 4 KiB from p are
 * mapped. */
const char *atags_command_line(const void *p);
