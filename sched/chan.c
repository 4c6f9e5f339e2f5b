/* sched/chan.c - channels.
 *
 * Invariants, under the channel's lock: at most one of senders and receivers is not empty (but for
 * waiters whose wait somebody else has ended); receivers wait only while count == 0, senders only
 * while count == capacity. So a value goes straight from one G's variable into another's whenever
 * somebody waits, and whoever came first is served first.
 *
 * The race: a G that waits must not be entered by its partner before it is off its stack. The lock
 * is therefore opened on g0 (wait.c); the partner finds the waiter only under that lock.
 *
 * Elements over 64 bytes are copied with preemption off but interrupts open, and so are not for
 * handlers (HAZARDS 25).
 * TOUR 12 / read next: sched/select.c */
#include "sched/chan.h"

#include "sched/assert.h"
#include "sched/errno.h"
#include "sched/mem.h"
#include "sched/timer.h"

#define ELEM_MAX KB(64)

/* Receivers or senders taken by close under the lock in one go. */
#define CLOSE_BATCH 32

/* ---- the lock ------------------------------------------------------------------------------- */

/* Unchecked: with large elements preemption is off in the place of masked. */
static inline hal_irq_t chan_lock(struct chan *c) TAKES(irq_masked, c->lock) UNCHECKED {
    hal_irq_t was = hal_irq_save();
    if (__builtin_expect(chan_big(c), 0)) {
        go_preempt_off();
        hal_irq_restore(was);
    }
    spin_lock_masked(&c->lock);
    return was;
}

/* Also makes w's G runnable, which was waiting for us, if w is not NULL. */
__attribute__((always_inline)) static inline void chan_unlock_wake(struct chan *c, hal_irq_t was,
                                                                   struct waiter *w)
    OPENS(irq_masked, c->lock) UNCHECKED {
    bool big = chan_big(c);                /* after the unlock the partner may free c, */
    struct g *g = w != NULL ? w->g : NULL; /* and w is on g's stack */
    if (w != NULL) {
        w->ok = true;
    }
    spin_unlock_masked(&c->lock);
    if (__builtin_expect(big, 0)) {
        go_preempt_on();
        hal_irq_mask();
    }
    if (g != NULL) {
        ready(g);
    }
    hal_irq_restore(was);
}

static inline void chan_unlock(struct chan *c, hal_irq_t was) OPENS(irq_masked, c->lock) {
    chan_unlock_wake(c, was, NULL);
}

/* Waits with the lock held, which is open afterwards; as wait_on(). */
static int chan_wait(struct chan *c, struct wait_list *l, struct waiter *w, enum wait_reason why,
                     const struct limit *limit, hal_irq_t was) OPENS(irq_masked, c->lock) UNCHECKED {
    if (chan_big(c)) {
        hal_irq_mask();
        struct g *g = hal_self();
        g->preempt_off = 0;                                          /* was 1: checked on entry */
        atomic_store_explicit(&g->resched, 0, memory_order_relaxed); /* we give way anyhow */
    }
    int r = wait_on(&c->lock, l, w, why, limit);
    hal_irq_restore(was);
    return r;
}

/* ---- values --------------------------------------------------------------------------------- */

static inline void copy(void *to, const void *from, size_t n) {
    if (n == 8) {
        __builtin_memcpy(to, from, 8); /* one load and one store: the commonest size by far */
    } else if (n != 0) {
        __builtin_memcpy(to, from, n);
    }
}

/* A receiver may have no place for the value. */
static inline void copy_out(void *to, const void *from, size_t n) {
    if (to != NULL) {
        copy(to, from, n);
    }
}

void chan_touch_large(const void *v, size_t n) {
    const volatile unsigned char *p = v;
    for (size_t at = 0; at < n; at += HAL_PAGE) {
        (void)p[at];
    }
    (void)p[n - 1];
}

static inline unsigned char *slot(struct chan *c, size_t at) {
    return c->buffer + at * c->elem;
}

static inline void buffer_put(struct chan *c, const void *v) {
    copy(slot(c, c->send_at), v, c->elem);
    c->send_at = c->send_at + 1 == c->capacity ? 0 : c->send_at + 1;
    c->count++;
}

static inline void buffer_get(struct chan *c, void *v) {
    copy_out(v, slot(c, c->recv_at), c->elem);
    c->recv_at = c->recv_at + 1 == c->capacity ? 0 : c->recv_at + 1;
    c->count--;
}

/* ---- send and receive ----------------------------------------------------------------------- */

/* With the lock: 0 and the lock opened, or -EAGAIN with the lock held. Unchecked, like its callers: words have no
 * "opened if". */
__attribute__((always_inline)) static inline int send_now(struct chan *c, const void *v,
                                                          hal_irq_t was) UNCHECKED {
    if (c->closed) {
        chan_unlock(c, was);
        PANIC("send on closed channel");
    }
    struct waiter *w = wait_take(&c->receivers);
    if (w != NULL) {
        copy_out(w->data, v, c->elem);
        chan_unlock_wake(c, was, w);
        return 0;
    }
    if (c->count < c->capacity) {
        buffer_put(c, v);
        chan_unlock(c, was);
        return 0;
    }
    return -EAGAIN;
}

/* The same; also -EPIPE with the lock opened. */
__attribute__((always_inline)) static inline int recv_now(struct chan *c, void *v,
                                                          hal_irq_t was) UNCHECKED {
    struct waiter *w = wait_take(&c->senders);
    if (c->count != 0) {
        buffer_get(c, v);
        if (w != NULL) {
            buffer_put(c, w->data); /* the first sender's value behind those it waited for */
        }
    } else if (w != NULL) {
        copy_out(v, w->data, c->elem);
    } else if (c->closed) {
        uint32_t elem = c->elem;
        chan_unlock(c, was);
        if (v != NULL) {
            __builtin_memset(v, 0, elem);
        }
        return -EPIPE;
    } else {
        return -EAGAIN;
    }
    chan_unlock_wake(c, was, w);
    return 0;
}

/* A NULL channel: nothing but the limit can end it. */
static int block_on_nil(enum wait_reason why, const struct limit *limit) {
    spinlock_t lock = 0;
    struct wait_list nobody = {0};
    struct waiter w = {0};
    hal_irq_t was = spin_lock(&lock);
    int r = wait_on(&lock, &nobody, &w, why, limit);
    hal_irq_restore(was);
    return r;
}

/* Both in the callers, so that these are named in a backtrace. */
__attribute__((always_inline)) static inline int send_limited(struct chan *c, const void *v,
                                                              const struct limit *limit) UNCHECKED {
    check_may_block("chan_send");
    if (c == NULL) {
        return block_on_nil(WAIT_CHAN_SEND_NIL, limit);
    }
    chan_touch(v, c->elem);
    hal_irq_t was = chan_lock(c);
    if (send_now(c, v, was) == 0) {
        return 0;
    }
    struct waiter w = {.data = (void *)(uintptr_t)v};
    int r = chan_wait(c, &c->senders, &w, WAIT_CHAN_SEND, limit, was);
    if (r == 0 && !w.ok) {
        PANIC("send on closed channel");
    }
    return r;
}

__attribute__((always_inline)) static inline int recv_limited(struct chan *c, void *v,
                                                              const struct limit *limit) UNCHECKED {
    check_may_block("chan_recv");
    if (c == NULL) {
        return block_on_nil(WAIT_CHAN_RECV_NIL, limit);
    }
    chan_touch(v, c->elem);
    size_t elem = c->elem; /* after a close the channel may be gone by the time we run again */
    hal_irq_t was = chan_lock(c);
    int r = recv_now(c, v, was);
    if (r != -EAGAIN) {
        return r;
    }
    struct waiter w = {.data = v};
    r = chan_wait(c, &c->receivers, &w, WAIT_CHAN_RECV, limit, was);
    if (r != 0 || w.ok) {
        return r;
    }
    if (v != NULL) {
        __builtin_memset(v, 0, elem);
    }
    return -EPIPE;
}

int chan_send(struct chan *c, const void *v) {
    return send_limited(c, v, NULL);
}

int chan_send_until(struct chan *c, const void *v, struct limit l) {
    return send_limited(c, v, &l);
}

int chan_recv(struct chan *c, void *v) {
    return recv_limited(c, v, NULL);
}

int chan_recv_until(struct chan *c, void *v, struct limit l) {
    return recv_limited(c, v, &l);
}

static void check_context(const struct chan *c, const char *what) {
    if (chan_big(c) && hal_on_core_stack()) {
        PANIC("%s: elements over %u bytes are not for interrupt handlers", what, CHAN_HANDLER_MAX);
    }
}

int chan_try_send(struct chan *c, const void *v) UNCHECKED {
    if (c == NULL) {
        return -EAGAIN;
    }
    check_context(c, "chan_try_send");
    chan_touch(v, c->elem);
    hal_irq_t was = chan_lock(c);
    int r = send_now(c, v, was);
    if (r == -EAGAIN) {
        chan_unlock(c, was);
    }
    return r;
}

int chan_try_recv(struct chan *c, void *v) UNCHECKED {
    if (c == NULL) {
        return -EAGAIN;
    }
    check_context(c, "chan_try_recv");
    chan_touch(v, c->elem);
    hal_irq_t was = chan_lock(c);
    int r = recv_now(c, v, was);
    if (r == -EAGAIN) {
        chan_unlock(c, was);
    }
    return r;
}

/* ---- make, close, free ---------------------------------------------------------------------- */

struct chan *chan_make(size_t elem_size, size_t capacity) {
    check_g("chan_make");
    size_t room = SIZE_MAX / 2 - sizeof(struct chan);
    if (elem_size > ELEM_MAX || (elem_size != 0 && capacity > room / elem_size)) {
        PANIC("makechan: size out of range");
    }
    size_t bytes = sizeof(struct chan) + elem_size * capacity;
    struct chan *c = mem_alloc(bytes);
    if (c != NULL) {
        *c = (struct chan){.elem = (uint32_t)elem_size, .capacity = capacity, .bytes = bytes};
    }
    return c;
}

/* Under the lock: takes up to a batch of those who wait and links them through next, from *end on; the
 * new end. */
static struct waiter **take_batch(struct chan *c, struct waiter **end) {
    struct waiter *w;
    for (int i = 0; i < CLOSE_BATCH; i++) {
        if ((w = wait_take(&c->receivers)) == NULL && (w = wait_take(&c->senders)) == NULL) {
            break;
        }
        *end = w;
        end = &w->next;
    }
    *end = NULL;
    return end;
}

/* Wakes nobody before all are off the lists: a select may stand there several times, and what it was
 * woken for may have been freed by the time it runs. */
void chan_close(struct chan *c) {
    check_g("chan_close");
    if (c == NULL) {
        PANIC("close of nil channel");
    }
    if (c->timer != NULL) {
        PANIC("chan_close: the channel belongs to a timer or ticker, stop that");
    }
    hal_irq_t was = chan_lock(c);
    if (c->closed) {
        chan_unlock(c, was);
        PANIC("close of closed channel");
    }
    c->closed = true;
    struct waiter *all = NULL, **end = &all;
    for (;;) {
        end = take_batch(c, end);
        /* who sees that it is closed may free it: chan_free() sees closing, or we are through */
        c->closing = c->receivers.head != NULL || c->senders.head != NULL;
        bool more = c->closing;
        chan_unlock(c, was);
        if (!more) {
            break;
        }
        was = chan_lock(c);
    }
    wake_all(all, false);
}

size_t chan_len(const struct chan *c) {
    return c != NULL && c->timer == NULL ? c->count : 0;
}

size_t chan_cap(const struct chan *c) {
    return c != NULL && c->timer == NULL ? c->capacity : 0;
}

void chan_release(struct chan *c) {
    mem_free(c, c->bytes);
}

void chan_free(struct chan *c) {
    if (c == NULL) {
        return;
    }
    check_g("chan_free");
    if (c->timer != NULL) {
        timer_free_chan(c->timer);
        return;
    }
    bool closing, waited_on;
    for (;;) {
        hal_irq_t was = chan_lock(c); /* the lock also waits for whoever is still on its way out */
        closing = c->closing;
        waited_on = c->receivers.head != NULL || c->senders.head != NULL;
        chan_unlock(c, was);
        if (!closing) {
            break;
        }
        go_yield();
    }
    if (waited_on) {
        PANIC("chan_free: goroutines wait on the channel");
    }
    chan_release(c);
}
