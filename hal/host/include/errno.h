/*
 * hal/host/include/errno.h - stands before the C library's own <errno.h> where Gs are switched: in programs and sync/.
 *
 * The library promises the compiler that errno's address never changes in a function. A function of a G may go on in
 * another thread after any call: here the address is asked for each time.
 */
#pragma once

#include_next <errno.h>

int *host_errno_location(void);

#undef errno
#define errno (*host_errno_location())
