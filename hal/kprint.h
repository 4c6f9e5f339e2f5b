/*
 * hal/kprint.h - the runtime's own printing: polled, no libc, no heap, any context, any core.
 *
 * For boot lines and reports. One call is one piece on the console: calls of several cores do not
 * mix, except that after a bounded wait for the others' lock a call goes ahead without it, so that
 * a dead core cannot silence a report.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/* %s %c %d %u %x %p, with l, ll or z, a field width, - and 0; %% for a percent sign. A newline goes
 * out as CR LF. */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));

/* The same into a buffer of n bytes, at least 1; what does not fit is cut. */
void kvformat(char *to, size_t n, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Masked. This core reports the end of the machine: from now on any other core that would print stops for
 * ever. */
void kprint_panic(void);
