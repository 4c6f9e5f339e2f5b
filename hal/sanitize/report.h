/* hal/sanitize/report.h - what the sanitizers of machines print, and how they end. */
#pragma once

#include "hal/sanitize.h"

#define SANITIZE_FRAMES 24u

/* A caller as it was at some moment. */
struct sanitize_trace {
    struct sanitize_who who;
    unsigned n;
    uintptr_t pc[SANITIZE_FRAMES];
};

/* Masked. Takes the caller's: beginning with the code that called the sanitizer and goes on at
 * back. */
void sanitize_take_trace(struct sanitize_trace *t, uintptr_t back);

/* Prints "PREFIX by goroutine N "name" on core C:" and the frames. */
void sanitize_print_trace(const char *prefix, const struct sanitize_trace *t);

/* From now on the machine's exit status is not 0. */
void sanitize_found(void);

/* Stops the other cores, so that they do not print into a report that ends the machine. The first
 * core that calls it goes on, others end here. */
void sanitize_alone(void);

/* Ends the machine with status 66, as the compilers' own sanitizers end a process. */
_Noreturn void sanitize_stop(void);
