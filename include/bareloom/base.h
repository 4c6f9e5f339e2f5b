/* <bareloom/base.h> - durations, panics and assertions that every part uses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds: a duration, or a point in time since power-on. */
typedef int64_t ns_t;

#define US(n)   ((ns_t)(n)*1000)
#define MS(n)   ((ns_t)(n)*1000000)
#define SEC(n)  ((ns_t)(n)*1000000000)
#define FOREVER INT64_MAX
#define NOWAIT  ((ns_t)0)

#define KB(n) ((size_t)(n) << 10)
#define MB(n) ((size_t)(n) << 20)

/* Runs the cleanups of the calling G; a go_try() around it goes on (<bareloom/defer.h>). If there is none
 * it stops the machine: prints "panic: " and the text, the calling G and its backtrace; the exit
 * status is 2. For misuse by the program. Any context. The format is kprintf's. */
_Noreturn void go_panic(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define PANIC(...) go_panic(__FILE__, __LINE__, __VA_ARGS__)

/* Stops the machine: prints "fatal error: " and the text. For a broken invariant of the runtime. */
_Noreturn void go_fatal(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define FATAL(...) go_fatal(__FILE__, __LINE__, __VA_ARGS__)
