/*
 * <bareloom/chan.h> - channels, with Go's semantics.
 *
 * Values are copied, elem_size bytes each, straight from one G's variable into another's where a G
 * waits. Waiters are served first come, first served. What happens before a send is visible after
 * the receive of that value; what happens before the receive on an unbuffered channel is visible
 * after that send returns; what happens before a close is visible after a receive that tells of it.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/limit.h>

struct chan;

/* A channel of capacity values (at most 2^32 - 1) of elem_size bytes (0 to 64 KiB); capacity 0: a send
 * waits for its receive. NULL when memory is short; PANIC "makechan: size out of range". From a G. Go:
 * make(chan T, n). */
struct chan *chan_make(size_t elem_size, size_t capacity);
#define CHAN(type, capacity) chan_make(sizeof(type), (capacity))

/* Sends *v. Blocks until a receiver or the buffer took it. 0. PANIC "send on closed channel"; a
 * NULL channel blocks for ever. From a G. Go: c <- v. */
int chan_send(struct chan *c, const void *v);
int chan_send_until(struct chan *c, const void *v, struct limit l);

/* Receives into *v (may be NULL: the value is dropped). Blocks until a value came. 0, or -EPIPE
 * with *v zeroed when c is closed and drained. A NULL channel blocks for ever. From a G. Go: v, ok
 * := <-c. */
int chan_recv(struct chan *c, void *v);
int chan_recv_until(struct chan *c, void *v, struct limit l);

/* The same without blocking: -EAGAIN when it would have to; a NULL channel always would. Also from
 * a handler, for elements of at most 64 bytes. Go: select with one case and default. */
int chan_try_send(struct chan *c, const void *v);
int chan_try_recv(struct chan *c, void *v);

/* No more values: receivers get what is buffered, then -EPIPE; waiting senders panic. PANIC "close
 * of closed channel", "close of nil channel"; for the channel of a timer. From a G; does not block. Go: close. */
void chan_close(struct chan *c);

/* Values in the buffer, and its capacity; 0 for NULL, and for a timer's channel. A hint where others
 * use the channel. Any context. Go: len, cap. */
size_t chan_len(const struct chan *c);
size_t chan_cap(const struct chan *c);

/* Gives the memory back. Receivers that a close has woken need not have returned; a call with a
 * limit, or a select, must have. PANIC when a G waits on it, and for the channel of a timer or
 * ticker, which goes with that (timer_after()'s is freed here). NULL is fine. From a G. May wait for
 * a chan_close() that is not over yet. */
void chan_free(struct chan *c);
