/*
 * <bareloom/chan.h> - channels, with Go's semantics.
 *
 * Values are copied, elem_size bytes each. Waiters are served first come, first served. What
 * happens before a send is visible after the receive of that value; what happens before the receive
 * on an unbuffered channel is visible after that send returns.
 */
#pragma once

#include <bareloom/base.h>

struct chan;

/* A channel of capacity values of elem_size bytes (0 to 64 KiB); capacity 0: a send waits for its
 * receive. NULL when memory is short; PANIC for a size out of range. From a G. */
struct chan *chan_make(size_t elem_size, size_t capacity);
#define CHAN(type, capacity) chan_make(sizeof(type), (capacity))

/* Sends *v. Blocks until a receiver or the buffer took it. 0. PANIC "send on closed channel"; a
 * NULL channel blocks for ever. From a G. */
int chan_send(struct chan *c, const void *v);

/* Receives into *v (may be NULL: the value is dropped). Blocks until a value came. 0, or -EPIPE
 * with *v zeroed when c is closed and drained. A NULL channel blocks for ever. From a G. */
int chan_recv(struct chan *c, void *v);

/* The same without blocking: -EAGAIN when it would have to. Also from a handler, for elements of at
 * most 64 bytes. */
int chan_try_send(struct chan *c, const void *v);
int chan_try_recv(struct chan *c, void *v);

/* No more values: receivers get what is buffered, then -EPIPE; waiting senders panic. PANIC "close
 * of closed channel", "close of nil channel". From a G. */
void chan_close(struct chan *c);

/* Values in the buffer, and its capacity; 0 for NULL. */
size_t chan_len(const struct chan *c);
size_t chan_cap(const struct chan *c);

/* Gives the memory back. PANIC when a G waits on it. NULL is fine. From a G. */
void chan_free(struct chan *c);
