/*
 * <bareloom/typed.h> - channels of one element type, checked when they are compiled.
 *
 *      typedef CHAN_OF(struct point) points;           a channel of points; all C11, no cost
 *      typedef SEND_ONLY(struct point) points_out;     Go: chan<- point
 *      typedef RECV_ONLY(struct point) points_in;      Go: <-chan point
 *
 *      points c = typed_make(points, 16);
 *      if (c.chan == NULL) ...                         memory was short
 *      typed_send(c, &p);                              p: struct point or const struct point
 *      typed_recv(c, &p);                              p: struct point
 *
 * A pointer to anything else is an error of the compiler's, with and without warnings: so are a
 * void *, a receive into something const, a receive from what is send only and a send to what is
 * receive only. Each is the call of <bareloom/chan.h> whose name it has, with its results and rules;
 * c.chan is the channel for those and for the rest. CHAN_OF(t) is a new type each time it is
 * written, so give it a name; an array goes inside a struct. Arguments are evaluated once.
 */
#pragma once

#include <bareloom/chan.h>
#include <bareloom/select.h>

/* Send and receive; send only; receive only. elem is never set nor read: it carries the type. */
#define CHAN_OF(type)                                                                              \
    union {                                                                                        \
        struct chan *chan, *can_send, *can_recv;                                                   \
        type *elem;                                                                                \
    }
#define SEND_ONLY(type)                                                                            \
    union {                                                                                        \
        struct chan *chan, *can_send;                                                              \
        type *elem;                                                                                \
    }
#define RECV_ONLY(type)                                                                            \
    union {                                                                                        \
        struct chan *chan, *can_recv;                                                              \
        type *elem;                                                                                \
    }

/* What refuses: pointers to different types have no difference, and a const has no new value. Neither
 * is computed. */
#define TYPED_SAME_(c, p) ((void)sizeof((p) - (c).elem))
#define TYPED_INTO_(c, p) (TYPED_SAME_(c, p), (void)(0 ? (void)(*(p) = *(c).elem) : (void)0))

/* A new channel, of a type that CHAN_OF made; its chan is NULL when memory is short. */
#define typed_make(chan_type, capacity)                                                            \
    ((chan_type){.chan = chan_make(sizeof(*((chan_type *)0)->elem), (capacity))})

/* The same channel with one direction less. view: a type that SEND_ONLY or RECV_ONLY made, of the
 * same element type. */
#define typed_send_only(view, c)                                                                   \
    ((view){.can_send = (TYPED_SAME_(*(view *)0, (c).elem), (c).can_send)})
#define typed_recv_only(view, c)                                                                   \
    ((view){.can_recv = (TYPED_SAME_(*(view *)0, (c).elem), (c).can_recv)})

/* chan_send(), chan_recv() and their other forms. typed_drop() receives and forgets. */
#define typed_send(c, p)          (TYPED_SAME_(c, p), chan_send((c).can_send, (p)))
#define typed_send_until(c, p, l) (TYPED_SAME_(c, p), chan_send_until((c).can_send, (p), (l)))
#define typed_try_send(c, p)      (TYPED_SAME_(c, p), chan_try_send((c).can_send, (p)))
#define typed_recv(c, p)          (TYPED_INTO_(c, p), chan_recv((c).can_recv, (p)))
#define typed_recv_until(c, p, l) (TYPED_INTO_(c, p), chan_recv_until((c).can_recv, (p), (l)))
#define typed_try_recv(c, p)      (TYPED_INTO_(c, p), chan_try_recv((c).can_recv, (p)))
#define typed_drop(c)             chan_recv((c).can_recv, NULL)

/* chan_close(), which is the sender's; chan_free(), chan_len(), chan_cap(). */
#define typed_close(c) chan_close((c).can_send)
#define typed_free(c)  chan_free((c).chan)
#define typed_len(c)   chan_len((c).chan)
#define typed_cap(c)   chan_cap((c).chan)

/* Cases of a chan_select(): RECV, RECV_OK, SEND. */
#define TYPED_RECV(c, p)        RECV((c).can_recv, (TYPED_INTO_(c, p), (p)))
#define TYPED_RECV_OK(c, p, ok) RECV_OK((c).can_recv, (TYPED_INTO_(c, p), (p)), (ok))
#define TYPED_SEND(c, p)        SEND((c).can_send, (TYPED_SAME_(c, p), (p)))
