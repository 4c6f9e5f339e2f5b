/*
 * <bareloom/select.h> - waiting for one of several channels, as Go's select.
 *
 *      switch (chan_select(MS(100), RECV(in, &v), SEND(out, &w))) {
 *      case 0: ...                    v has come
 *      case 1: ...                    w is gone
 *      case -ETIMEDOUT: ...
 *      }
 *
 * Among the cases that can go on at once one is chosen by chance, each as likely as the others. A
 * NULL channel never can. A channel may stand in several cases, in both directions: a select never
 * receives what it sends itself. Cases whose turn it was not have no effect.
 */
#pragma once

#include <bareloom/base.h>
#include <bareloom/chan.h>
#include <bareloom/limit.h>

struct select_case {
    struct chan *chan;
    union {
        void *to;         /* receive: the value's place, or NULL */
        const void *from; /* send */
    };
    bool *ok; /* receive: set to false if the channel was closed and drained, or NULL */
    bool send;
};

#define RECV(chan_, to_)         ((struct select_case){.chan = (chan_), .to = (to_)})
#define RECV_OK(chan_, to_, ok_) ((struct select_case){.chan = (chan_), .to = (to_), .ok = (ok_)})
#define SEND(chan_, from_)       ((struct select_case){.chan = (chan_), .from = (from_), .send = true})

#define SELECT_MAX 65536u

/* The index of the case that went on; waits at most d for one. NOWAIT: -EAGAIN if none can go on at
 * once (Go: default), and that was so for all of them at one moment; otherwise -ETIMEDOUT. PANIC
 * "send on closed channel" when that is the case chosen. -EINVAL: more than SELECT_MAX cases. -ENOMEM: more than
 * eight cases, or a deadline, and no memory to remember them in. From a G.
 * Interrupts are masked for about forty instructions per case where it has to wait. */
int chan_select_within(const struct select_case *cases, size_t n, ns_t d);

/* The same with a limit. No cases at all: waits for the limit (Go: select {}). */
int chan_select_until(const struct select_case *cases, size_t n, struct limit l);

#define SELECT_CASES_(...)                                                                         \
    (const struct select_case[]) {                                                                 \
        __VA_ARGS__                                                                                \
    }
#define chan_select(d, ...)                                                                        \
    chan_select_within(SELECT_CASES_(__VA_ARGS__),                                                 \
                       sizeof(SELECT_CASES_(__VA_ARGS__)) / sizeof(struct select_case), (d))
