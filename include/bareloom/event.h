/*
 * <bareloom/event.h> - events: something has happened, once and for all; and flags: bits that are set
 * and cleared, of which a G waits for any or all.
 *
 * Both are ready to use when zeroed, not to be copied once used, and may be set from interrupt
 * handlers: what a driver wakes its G with. What happens before the set happens before the return
 * of the wait that it ends.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/limit.h>
#include <bareloom/sync.h>

/* ---- event: once -------------------------------------------------------------------------------- */
struct event {
    _Atomic uint32_t word; /* set, somebody waits (sched/event.c) */
    lock_word_t lock;
    struct wait_list waiters;
};

/* It has happened, and stays so: all that wait go on, in order of arrival. Again: nothing. Never
 * blocks; any context. e may lie on the stack of who waits for it: where its wait may return, it is
 * not touched any more. Go: close of a chan struct{}. */
void event_set(struct event *e);

/* Blocks until it has happened. From a G. Go: a receive from it. */
void event_wait(struct event *e);
int event_wait_until(struct event *e, struct limit l);

/* Whether it has happened; what happens before the set is visible then. Any context. */
bool event_is_set(const struct event *e);

/* ---- flags: 32 bits ----------------------------------------------------------------------------- */
struct flags {
    lock_word_t lock;
    uint32_t bits;
    struct wait_list waiters;
};

/* What a wait is for: any of the bits (0) or all of them; and whether those of them that stand are
 * cleared as it goes on, which no other can get in between of. */
#define FLAGS_ANY   0u
#define FLAGS_ALL   1u
#define FLAGS_CLEAR 2u

/* Sets bits; whoever has waited for that goes on, in order of arrival: what one clears, those behind
 * it do not see. Returns what stands afterwards. Never blocks; any context. f has to be there until
 * it returns if more than 32 wait; else until the wait that it ends returns. */
uint32_t flags_set(struct flags *f, uint32_t bits);

/* Clears bits; returns what stood before. Never blocks; any context. */
uint32_t flags_clear(struct flags *f, uint32_t bits);

/* What stands now. A hint where others set and clear. Any context. */
uint32_t flags_get(struct flags *f);

/* Blocks until any or all of bits stand, as how says (FLAGS_ALL | FLAGS_CLEAR, ...). Returns those of
 * them that stood then. With FLAGS_ALL and no bits it goes on at once, with FLAGS_ANY never. From a
 * G. Go has no such thing. */
uint32_t flags_wait(struct flags *f, uint32_t bits, uint32_t how);

/* The same, and *got is what flags_wait() returns; NULL: it does not matter. */
int flags_wait_until(struct flags *f, uint32_t bits, uint32_t how, uint32_t *got, struct limit l);
