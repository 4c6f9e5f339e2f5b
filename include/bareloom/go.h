/*
 * <bareloom/go.h> - green threads (Gs): start, yield, end, and where they run.
 *
 * A G may be preempted at any instruction and go on on another core. "Blocks" below means that the
 * G is parked and its core runs another G.
 */
#pragma once

#include <bareloom/base.h>

typedef void go_fn(void *arg);

#define GO_ANY_CORE (-1)

struct go_opts {
    size_t stack; /* bytes, 0: 64 KiB. Address space only: pages are committed as they are touched. At
                     most GO_SMALL_STACK: such a small one. */
    const char *name; /* for dumps; must outlive the G. NULL: none. */
    int core;         /* with pinned: the only core it may run on. */
    bool pinned;
};

/* A stack for Gs by the hundred thousand, and for little: 1 KiB of memory, which is all there is of it,
 * and no guard below. What a G writes beyond is somebody else's; a canary at the end is looked at when
 * the G waits, is preempted and ends, and if that is gone the machine stops with the G's name. A call
 * that blocks needs some 600 of its bytes, so what leads to that call has 300: no C library (printf()
 * takes 2 KiB), no select that waits, no cleanups or destructors that need more. At most 256 bytes by go_copy(). On the host, and with a sanitizer, it is a usual stack. */
#define GO_SMALL_STACK KB(1)

/* Options as named arguments: go_with(&GO_OPTS(.name = "uart", .stack = KB(256)), fn, arg). */
#define GO_OPTS(...) ((struct go_opts){__VA_ARGS__})

/* Pin to core n, among GO_OPTS: GO_OPTS(GO_PIN(2), .name = "left"). */
#define GO_PIN(n) .core = (n), .pinned = true

/* Starts a G that calls fn(arg). 0, or -ENOMEM when no stack or page is left. From a G; does not
 * block. As Go's go statement: the new G runs next on this core unless another core takes it. */
int go(go_fn *fn, void *arg);

/* The same with options. Also -EINVAL: a stack over 8 MiB, or a core that this machine does not
 * have. */
int go_with(const struct go_opts *o, go_fn *fn, void *arg);

/* The same, but fn gets a copy of the n bytes at args, which lies on the new G's own stack, 8-byte
 * aligned: nothing to allocate and nothing to keep for it. o may be NULL. Also -EINVAL: n is over
 * GO_COPY_MAX. Go: the arguments of a go statement. */
#define GO_COPY_MAX 512u
int go_copy(const struct go_opts *o, go_fn *fn, const void *args, size_t n);

/* Lets every other runnable G of this core go first. From a G. Go: runtime.Gosched. */
void go_yield(void);

/* Ends the calling G; when it is G 1, the others go on (Go: runtime.Goexit). A G's function that
 * returns does the same; main() returning ends the program. */
_Noreturn void go_exit(void);

/* The calling G's number: 1 is main, never used again, not dense. 0 outside of a G. */
uint64_t go_id(void);

/* The calling G's name, "" if it has none. */
const char *go_name(void);

/* The core that the caller is on; where it is not pinned it may be on another by the time it is
 * used. */
unsigned go_core(void);

/* Gs that have been started and have not ended. Go: runtime.NumGoroutine. */
unsigned go_count(void);

/* Cores that the machine has, and cores that run Gs which are not pinned (Go: GOMAXPROCS). */
unsigned go_num_cores(void);
unsigned go_cores(void);

/* Uses n cores from now on, 1 to go_num_cores(). 0, or -EINVAL. From a G; may move it to another
 * core. A core above n finishes its Gs' slice, hands its queue over and keeps only its pinned Gs
 * and its interrupts. The machine is not stopped for it: the caller, too, may meet such a core after
 * its return, until that slice's end. */
int go_set_cores(unsigned n);

/* Turns preemption of the calling G off and on; they nest. While it is off the G must not block.
 * For short sections that must stay on one core; a spinlock is not needed for data of one core. */
void go_preempt_off(void);
void go_preempt_on(void);

/* One word that belongs to the calling G, for a language runtime (libc keeps its struct _reent
 * here); NULL at the start. The address is NULL outside of a G, so in a handler too. The function
 * given to go_on_exit() is called on the stack of each ending G whose word is not NULL; one
 * function, set once at start. */
void **go_local(void);
void go_on_exit(void (*fn)(void *local));

/* How long a G runs before the tick lets another go first: d from now on, on every core (10 us to 1
 * s). Returns the old value. Any context. */
ns_t go_set_slice(ns_t d);

/* ---- for language runtimes ------------------------------------------------------------------ */

/* One page of 4 KiB, content undefined, or NULL. From a G. */
void *go_page_alloc(void);
void go_page_free(void *page);

/* Moves the end of the program's heap by n bytes, up only as far as pages are free; pages come back
 * when it moves down. The old end, or (void *)-1. From a G; calls are the caller's to serialize
 * (malloc's lock). */
void *go_heap_grow(ptrdiff_t n);

/* Free objects that the caller's core keeps, in classes: what an allocator puts in front of its one
 * lock. The first 16 bytes of an object are the stash's while it is there. A core keeps fewer than
 * two batches of each class, all cores together eight more, so what one core gives and another takes
 * goes between them by whole batches. From a G; where it may not block, nothing is given or taken, so
 * that the allocator's lock tells of it. */
#define GO_STASH_CLASSES 24u
#define GO_STASH_BATCH   16u

/* An object, or NULL: there is none here. Does not block. */
void *go_stash_take(unsigned class);

/* Gives one. NULL; or a chain of objects that are too many, each beginning with the address of the
 * next: the allocator's to free. Does not block. */
void *go_stash_give(unsigned class, void *object);

/* Calls back with chains of all that the stashes hold, going from core to core for it: when memory is
 * short. From a G; blocks. */
void go_stash_drain(void (*back)(void *first));
