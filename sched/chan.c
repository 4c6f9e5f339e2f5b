/* sched/chan.c - channels.
 *
 * Invariants, under the channel's lock: at most one of senders and receivers is not empty;
 * receivers wait only while count == 0, senders only while count == capacity. So a value goes
 * straight from one G's variable into another's whenever somebody waits, and whoever came first is
 * served first.
 *
 * The race: a G that waits must not be entered by its partner before it is off its stack. The lock
 * is therefore opened by park(), on g0; the partner finds the waiter only under that lock. A
 * partner copies into the stack of a parked G: that page must be there, so both sides touch their
 * own value before they take the lock (HAZARDS 14).
 *
 * Elements over 64 bytes are copied with preemption off but interrupts open, and so are not for
 * handlers (HAZARDS 25).
 * TOUR 12 / read next: sched/mutex.c */
#include <bareloom/chan.h>

#include "sched/assert.h"
#include "sched/errno.h"
#include "sched/mem.h"
#include "sched/wait.h"

#define HANDLER_MAX 64u
#define ELEM_MAX    KB(64)

/* Receivers or senders woken by close with interrupts masked in one go. */
#define CLOSE_BATCH 32

struct chan {
    spinlock_t lock;

    /* set once */
    uint32_t elem;
    size_t capacity;
    size_t bytes; /* of the whole object */

    /* guarded by lock; chan_len() reads count without it, as a hint */
    size_t count;
    size_t recv_at, send_at;
    bool closed;
    struct wait_list senders, receivers;

    _Alignas(16) unsigned char buffer[];
};

/* ---- the lock ------------------------------------------------------------------------------- */

static bool big(const struct chan *c) {
    return c->elem > HANDLER_MAX;
}

static hal_irq_t chan_lock(struct chan *c) {
    hal_irq_t was = hal_irq_save();
    if (big(c)) {
        go_preempt_off();
        hal_irq_restore(was);
    }
    spin_lock_masked(&c->lock);
    return was;
}

static void chan_unlock(struct chan *c, hal_irq_t was) {
    bool open = big(c); /* after the unlock the partner may free c */
    spin_unlock_masked(&c->lock);
    if (open) {
        go_preempt_on();
    } else {
        hal_irq_restore(was);
    }
}

/* The G waits; the lock is opened once it is off its stack. */
static void chan_park(struct chan *c, enum wait_reason reason) {
    if (big(c)) {
        hal_irq_mask();
        struct g *g = hal_self();
        atomic_store_explicit(&g->preempt_off, 0, memory_order_relaxed); /* was 1: checked on entry */
        atomic_store_explicit(&g->resched, 0, memory_order_relaxed);     /* we give way anyhow */
    }
    park(reason, park_unlock, &c->lock);
    hal_irq_unmask();
}

/* ---- values --------------------------------------------------------------------------------- */

static void copy(void *to, const void *from, size_t n) {
    if (n == 8) {
        __builtin_memcpy(to, from, 8); /* one load and one store: the commonest size by far */
    } else if (n != 0) {
        __builtin_memcpy(to, from, n);
    }
}

/* A receiver may have no place for the value. */
static void copy_out(void *to, const void *from, size_t n) {
    if (to != NULL) {
        copy(to, from, n);
    }
}

static void touch(const void *v, size_t n) {
    const volatile unsigned char *p = v;
    for (size_t at = 0; v != NULL && at < n; at += HAL_PAGE) {
        (void)p[at];
    }
    if (v != NULL && n != 0) {
        (void)p[n - 1];
    }
}

static unsigned char *slot(struct chan *c, size_t at) {
    return c->buffer + at * c->elem;
}

static void buffer_put(struct chan *c, const void *v) {
    copy(slot(c, c->send_at), v, c->elem);
    c->send_at = c->send_at + 1 == c->capacity ? 0 : c->send_at + 1;
    c->count++;
}

static void buffer_get(struct chan *c, void *v) {
    copy_out(v, slot(c, c->recv_at), c->elem);
    c->recv_at = c->recv_at + 1 == c->capacity ? 0 : c->recv_at + 1;
    c->count--;
}

/* ---- send and receive ----------------------------------------------------------------------- */

/* After the lock is open: the partner of w goes on. */
static void wake(struct waiter *w) {
    struct g *g = w->g; /* w is on g's stack: not to be touched after ready() */
    hal_irq_t was = hal_irq_save();
    w->ok = true;
    ready(g);
    hal_irq_restore(was);
}

/* With the lock: 0 and the lock opened, or -EAGAIN with the lock held. */
static int send_now(struct chan *c, const void *v, hal_irq_t was) {
    if (c->closed) {
        chan_unlock(c, was);
        PANIC("send on closed channel");
    }
    struct waiter *w = wait_take(&c->receivers);
    if (w != NULL) {
        copy_out(w->data, v, c->elem);
        chan_unlock(c, was);
        wake(w);
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
static int recv_now(struct chan *c, void *v, hal_irq_t was) {
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
    chan_unlock(c, was);
    if (w != NULL) {
        wake(w);
    }
    return 0;
}

static _Noreturn void block_for_ever(enum wait_reason reason) {
    static spinlock_t nobody; /* opened by each that parks here, contended by none for long */
    hal_irq_mask();
    spin_lock_masked(&nobody);
    park(reason, park_unlock, &nobody);
    FATAL("runtime: a goroutine that waits for ever was woken");
}

int chan_send(struct chan *c, const void *v) {
    check_may_block("chan_send");
    if (c == NULL) {
        block_for_ever(WAIT_CHAN_SEND_NIL);
    }
    touch(v, c->elem);
    hal_irq_t was = chan_lock(c);
    if (send_now(c, v, was) == 0) {
        return 0;
    }
    struct waiter w = {.g = hal_self(), .data = (void *)(uintptr_t)v};
    wait_enqueue(&c->senders, &w);
    chan_park(c, WAIT_CHAN_SEND);
    if (!w.ok) {
        PANIC("send on closed channel");
    }
    return 0;
}

int chan_recv(struct chan *c, void *v) {
    check_may_block("chan_recv");
    if (c == NULL) {
        block_for_ever(WAIT_CHAN_RECV_NIL);
    }
    touch(v, c->elem);
    size_t elem = c->elem; /* after a close the channel may be gone by the time we run again */
    hal_irq_t was = chan_lock(c);
    int r = recv_now(c, v, was);
    if (r != -EAGAIN) {
        return r;
    }
    struct waiter w = {.g = hal_self(), .data = v};
    wait_enqueue(&c->receivers, &w);
    chan_park(c, WAIT_CHAN_RECV);
    if (w.ok) {
        return 0;
    }
    if (v != NULL) {
        __builtin_memset(v, 0, elem);
    }
    return -EPIPE;
}

static void check_context(const struct chan *c, const char *what) {
    if (big(c) && hal_on_core_stack()) {
        PANIC("%s: elements over %u bytes are not for interrupt handlers", what, HANDLER_MAX);
    }
}

int chan_try_send(struct chan *c, const void *v) {
    if (c == NULL) {
        return -EAGAIN;
    }
    check_context(c, "chan_try_send");
    touch(v, c->elem);
    hal_irq_t was = chan_lock(c);
    int r = send_now(c, v, was);
    if (r == -EAGAIN) {
        chan_unlock(c, was);
    }
    return r;
}

int chan_try_recv(struct chan *c, void *v) {
    if (c == NULL) {
        return -EAGAIN;
    }
    check_context(c, "chan_try_recv");
    touch(v, c->elem);
    hal_irq_t was = chan_lock(c);
    int r = recv_now(c, v, was);
    if (r == -EAGAIN) {
        chan_unlock(c, was);
    }
    return r;
}

/* ---- make, close, free ---------------------------------------------------------------------- */

struct chan *chan_make(size_t elem_size, size_t capacity) {
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

/* The channel may be gone: only the waiters are touched, each until it runs. */
static void wake_closed(struct waiter *w) {
    while (w != NULL) {
        hal_irq_t was = hal_irq_save();
        for (int i = 0; i < CLOSE_BATCH && w != NULL; i++) {
            struct waiter *next = w->next;
            w->ok = false;
            ready(w->g);
            w = next;
        }
        hal_irq_restore(was);
    }
}

void chan_close(struct chan *c) {
    if (c == NULL) {
        PANIC("close of nil channel");
    }
    hal_irq_t was = chan_lock(c);
    if (c->closed) {
        chan_unlock(c, was);
        PANIC("close of closed channel");
    }
    c->closed = true;
    struct waiter *waiters = c->receivers.head != NULL ? c->receivers.head : c->senders.head;
    c->receivers = c->senders = (struct wait_list){0};
    chan_unlock(c, was);
    wake_closed(waiters);
}

size_t chan_len(const struct chan *c) {
    return c != NULL ? c->count : 0;
}

size_t chan_cap(const struct chan *c) {
    return c != NULL ? c->capacity : 0;
}

void chan_free(struct chan *c) {
    if (c == NULL) {
        return;
    }
    if (c->receivers.head != NULL || c->senders.head != NULL) {
        PANIC("chan_free: goroutines wait on the channel");
    }
    mem_free(c, c->bytes);
}
