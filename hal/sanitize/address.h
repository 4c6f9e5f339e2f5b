/* hal/sanitize/address.h - what the pieces of SAN=address on a machine tell each other. */
#pragma once

#include "hal/sanitize/report.h"

/* Ends the machine with a report if the caller at back may not touch all of [p, p + n). */
void sanitize_check(const volatile void *p, size_t n, bool writes, uintptr_t back);

/* [p, p + n) is the room before an object: as what is behind it. */
void sanitize_before(const void *p, size_t n);

/* Ends the machine: the caller at back gives back what it may not. */
_Noreturn void sanitize_bad_free(const void *p, const char *why, uintptr_t back);
