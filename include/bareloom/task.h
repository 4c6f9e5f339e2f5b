/*
 * <bareloom/task.h> - more about a G than that it runs: its result, and values of its own.
 *
 *      struct join j;
 *      void *sum;
 *      go_joinable(&j, NULL, adds, numbers);
 *      ...
 *      go_join(&j, &sum);                            what adds() returned
 *
 * All of these calls are from a G: a panic in an interrupt handler.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/go.h>
#include <bareloom/limit.h>
#include <bareloom/sync.h>

/* ---- results -------------------------------------------------------------------------------- */

/* A G to be joined; the program's memory, perhaps on the joiner's stack, initialized by
 * go_joinable(). It stays until the G has ended and every join of it has returned: to join is the way
 * to know. Then it may be used again. */
struct join {
    struct g *g;      /* NULL: it has ended; guarded by lock */
    void *result;     /* written by the G */
    lock_word_t lock; /* spinlock */
    struct wait_list waiters;
};

/* Starts a G that calls fn(arg), whose value is its result. o may be NULL. Errors as go_with(); then j
 * is not used. Does not block. Go: a goroutine that sends its result on a channel. */
int go_joinable(struct join *j, const struct go_opts *o, void *(*fn)(void *arg), void *arg);

/* Waits until the G has ended, cleanups, destructors and all: it does not count in go_count() any
 * more. *result (result may be NULL) is what fn returned, NULL if the G left it by go_exit() or a
 * fault. Any number of Gs may join it, at any time; what happens in the G before its end is visible
 * after each join. 0. PANIC when a G joins itself. Blocks; a panic with preemption off. The limit
 * ends the wait and not the G. */
int go_join(struct join *j, void **result);
int go_join_until(struct join *j, void **result, struct limit l);

/* ---- values of a G's own -------------------------------------------------------------------- */

/* Names a value that each G has for itself; NULL until it is set. 0 is no key. */
typedef uint32_t go_key_t;

#define GO_KEYS       127 /* at one time */
#define GO_KEY_ROUNDS 4

/* Makes a key. destroy (may be NULL) is called on the stack of each G that ends with a value other
 * than NULL, after its cleanups and before its part of the C library goes. It may do all that a G may,
 * and set values: those get their turn in the next round, of GO_KEY_ROUNDS in all. The order of keys
 * is not defined. G 1's are not called when main() returns: that ends the program. 0, or -EAGAIN: no
 * key is left. POSIX: pthread_key_create. */
int go_key_make(go_key_t *key, void (*destroy)(void *value));

/* No G has a value for it any more; destroy is not called for those it had. PANIC if it is no key. */
void go_key_free(go_key_t key);

/* The calling G's value, or NULL. A few loads, no lock. */
void *go_key_get(go_key_t key);

/* Sets it. 0, or -ENOMEM, which only a value other than NULL can meet. A G's first value takes 64
 * bytes, which go back when it ends. PANIC if it is no key. Does not block. */
int go_key_set(go_key_t key, void *value);
