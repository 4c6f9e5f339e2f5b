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

/* The same in little, to be kept with an object. */
#define SANITIZE_NOTE_FRAMES 10u
struct sanitize_note {
    uint64_t id; /* 0: nothing is known, or the scheduler */
    char name[16];
    uint32_t n, pc[SANITIZE_NOTE_FRAMES]; /* the image lies below 4 GiB */
};

/* An object that is held (hold.c), and who gave it back. */
struct sanitize_held {
    void *p;
    size_t size;
    struct sanitize_note by;
};

/* Masked. Takes the caller's: beginning with the code that called the sanitizer and goes on at
 * back. */
void sanitize_take_trace(struct sanitize_trace *t, uintptr_t back);

/* Prints "PREFIX by goroutine N "name" on core C:" and the frames. */
void sanitize_print_trace(const char *prefix, const struct sanitize_trace *t);

/* Any context. Takes the caller's, as sanitize_take_trace(). */
void sanitize_note_caller(struct sanitize_note *note, uintptr_t back);

/* Prints "\nPREFIX by goroutine N "name":" and the frames. */
void sanitize_print_note(const char *prefix, const struct sanitize_note *note);

/* What is held at address, or NULL. The other cores have been stopped: no lock is taken. */
const struct sanitize_held *sanitize_held_at(uintptr_t address);

/* From now on the machine's exit status is not 0. */
void sanitize_found(void);

/* Stops the other cores, so that they do not print into a report that ends the machine. The first
 * core that calls it goes on, others end here. */
void sanitize_alone(void);

/* Ends the machine with status 66, as the compilers' own sanitizers end a process. */
_Noreturn void sanitize_stop(void);
