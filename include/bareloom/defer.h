/*
 * <bareloom/defer.h> - what is done however a function is left, and panics that are caught. Go: defer,
 * panic, recover.
 *
 *      static void locked(void *arg) {
 *          mutex_lock(&m);
 *          DEFER(unlocks, &m);          runs at the end of this scope; or when the goroutine
 *          ...                          panics or calls go_exit() in what stands here
 *      }
 *
 *      struct caught c;
 *      if (!go_try(locked, NULL, &c)) {
 *          printf("it failed: %s at %s:%d\n", c.text, c.file, c.line);
 *      }
 *
 * A panic runs the cleanups of its goroutine, last come first served, down to the innermost go_try()
 * around it, which then returns false. Where there is none it runs all of them, prints and ends the
 * machine. Cleanups run on the stack of the goroutine, above the frames that are about to go, and may
 * do what a goroutine may. FATAL, faults, and a panic in an interrupt handler, with interrupts masked
 * or preemption off cannot be caught and run no cleanups.
 *
 * All of these calls are from a G and do not block; the functions they call may.
 */
#pragma once

#include <bareloom/base.h>

/* Written by go_defer(); the caller's memory, which stays until it has run or go_undefer(). */
struct cleanup {
    struct cleanup *next;
    void (*fn)(void *arg);
    void *arg;
};

/* fn(arg) will be called once: by go_undefer(c, true), by a panic, or by go_exit(). */
void go_defer(struct cleanup *c, void (*fn)(void *arg), void *arg);

/* Takes c back, and calls fn(arg) if run. It must be the latest that stands: PANIC if it is not, since
 * a scope was left without telling. */
void go_undefer(struct cleanup *c, bool run);

/* go_defer() for the rest of the scope that it stands in. Leave the scope by its end, break, continue,
 * goto or return, not by longjmp(). */
#define DEFER(fn, arg)         DEFER_AT_(fn, arg, __LINE__)
#define DEFER_AT_(fn, arg, at) DEFER_AS_(fn, arg, at)
#define DEFER_AS_(fn, arg, at)                                                                     \
    struct cleanup cleanup_##at##_ __attribute__((cleanup(go_defer_ends)));                        \
    go_defer(&cleanup_##at##_, (fn), (arg))
void go_defer_ends(struct cleanup *c);

/* What a panic said. */
struct caught {
    const char *file;
    int line;
    char text[160]; /* cut where it is longer */
};

/* Calls fn(arg). True: it returned. False: it panicked, and *c (may be NULL) says what; locals of the
 * caller have the values they had, but those that fn changed. A go_exit() in fn ends the goroutine. Go:
 * a function with a deferred recover(). */
bool go_try(void (*fn)(void *arg), void *arg, struct caught *c);

/* Panics once more with what was caught: "panic: text [recovered, repanicked]". */
_Noreturn void go_repanic(const struct caught *c);

/* For who calls main(), when that has returned: waits until no uncaught panic runs its cleanups any more, a second
 * at most. One of them may have let main() go on, and what the panic says must not be lost. Blocks; from a G. Go
 * does so, too. */
void go_main_returned(void);
