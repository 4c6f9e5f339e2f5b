/*
 * <bareloom/once.h> - what is done once, by whoever comes first; and barriers, where all wait for all.
 *
 * Ready to use when zeroed (a barrier with its number), not to be copied once used.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/go.h>
#include <bareloom/limit.h>
#include <bareloom/sync.h>

/* ---- once ----------------------------------------------------------------------------------- */
struct once {
    _Atomic uint32_t done;
    struct mutex m; /* owned by the G that does it, while it does */
};

/* The first one calls fn(arg), all others wait until that is over; what it did is visible to them
 * then. It counts as done however fn is left: by a return, a panic or go_exit(). PANIC when fn calls
 * it for the same o. Blocks; from a G. Go: sync.Once.Do. */
void once_do(struct once *o, go_fn *fn, void *arg);

/* The same; the limit is for the wait for another's fn, not for one's own: 0 says that it is done. */
int once_do_until(struct once *o, go_fn *fn, void *arg, struct limit l);

/* A value that the first one who asks computes: static struct once_value v = ONCE_VALUE(fn, arg). */
struct once_value {
    void *(*fn)(void *arg);
    void *arg;
    void *value;
    bool returned;
    struct once once;
};
#define ONCE_VALUE(fn_, arg_)                                                                      \
    { .fn = (fn_), .arg = (arg_) }

/* What fn(arg) returned, which is called once. PANIC "once_value: its function did not return", each
 * time, after fn was left by a panic or go_exit(). Blocks while another computes it; from a G. Go:
 * sync.OnceValue, which repeats fn's own panic. */
void *once_value(struct once_value *o);

/* The same into *value, and 0; the limit is for the wait for another's fn. */
int once_value_until(struct once_value *o, void **value, struct limit l);

/* ---- barrier -------------------------------------------------------------------------------- */
struct barrier {
    uint32_t parties; /* set once */
    uint32_t arrived; /* this and what follows: guarded by m */
    bool broken;
    struct arrival *waiting; /* on the stacks of those who wait */
    struct mutex m;
    struct cond over;
};
#define BARRIER(n)                                                                                 \
    { .parties = (n) }

/* Waits until as many as there are parties have come; then all go on, and it serves for the next
 * time. What each did before is visible to all behind it. 1 for the last to come, 0 for the others;
 * -EPIPE: it is or was broken. PANIC "barrier: of no parties". b may go when all have returned.
 * Blocks; from a G. Go has none. */
int barrier_wait(struct barrier *b);

/* A limit that ends breaks the barrier, since the others would wait for one who is gone: those who
 * wait, and all who come, get -EPIPE until barrier_reset(). */
int barrier_wait_until(struct barrier *b, struct limit l);

/* Those who wait get -EPIPE; it is whole again. Does not wait for them; from a G. */
void barrier_reset(struct barrier *b);
