/* hal/errno.h - the error numbers that the runtime returns, as the program's C library has them.
 *
 * The runtime is built without the library's headers; libc/ asserts at compile time that these are
 * newlib's. */
#pragma once

#ifdef HAL_HOST
#include <errno.h>
#else
#define ENOENT    2
#define EAGAIN    11
#define ENOMEM    12
#define EBUSY     16
#define EINVAL    22
#define EPIPE     32
#define ETIMEDOUT 116
#define ECANCELED 140
#endif
