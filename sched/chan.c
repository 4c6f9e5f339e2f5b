/* sched/chan.c - channels.
 *
 * Invariants, under the channel's lock: at most one of senders and receivers is not empty (but for
 * waiters whose wait somebody else has ended); receivers wait only while count == 0, senders only
 * while count == capacity. So a value goes straight from one G's variable into another's whenever
 * somebody waits, and whoever came first is served first.
 *
 * The race: a G that waits must not be entered by its partner before it is off its stack. The lock
 * is therefore opened behind the save (wait.c); the partner finds the waiter only under that lock.
 *
 * Elements over 64 bytes are copied with preemption off but interrupts open, and so are not for
 * handlers (HAZARDS 25).
 * TOUR 12 / read next: sched/select.c */
#include "sched/chan.h"

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/mem.h"
#include "sched/timer.h"

#define ELEM_MAX KB(64)

#define INLINE __attribute__((always_inline)) static inline
#define SLOW   __attribute__((noinline)) static

void chan_lists(struct chan *c, uint64_t note) {
    bool sends = (note & NOTE_SENDER) != 0;
    wait_lists(sends ? &c->senders : &c->receivers, note_waiter(note));
    chan_slow(c, sends ? TELLS_SENDERS : TELLS_RECEIVERS);
}

/* ---- the lock ------------------------------------------------------------------------------- */

/* big is chan_big(c), said by callers as a constant. Unchecked: with large elements preemption is off in the place of
 * masked. */
INLINE hal_irq_t chan_lock(struct chan *c, bool big) TAKES(irq_masked, c->lock) UNCHECKED {
    hal_irq_t was = hal_irq_save();
    if (big) {
        go_preempt_off();
        hal_irq_restore(was);
    }
    chan_noted(c, spin_lock_masked(&c->lock));
    return was;
}

INLINE void chan_unlock(struct chan *c, bool big, hal_irq_t was) OPENS(irq_masked, c->lock) UNCHECKED {
    spin_unlock_masked(&c->lock);
    if (big) {
        go_preempt_on();
    } else {
        hal_irq_restore(was);
    }
}

/* Also makes w's G runnable, which was waiting for us; 0. */
INLINE int chan_unlock_wake(struct chan *c, bool big, hal_irq_t was, struct waiter *w)
    OPENS(irq_masked, c->lock) UNCHECKED {
    struct g *g = w->g; /* w is on g's stack, and after the unlock its partner may free c */
    spin_unlock_masked(&c->lock);
    if (big) {
        go_preempt_on();
        hal_irq_mask();
    }
    return ready_and_open(g, was);
}

/* Waits with the lock held, which is open afterwards; as wait_on(), but unmasked. */
INLINE int chan_wait(struct chan *c, bool big, struct wait_list *l, struct waiter *w,
                     enum wait_reason why, const struct limit *limit)
    OPENS(irq_masked, c->lock) UNCHECKED {
    if (big) {
        hal_irq_mask();
        struct g *g = hal_self();
        g->preempt_off = 0;                                          /* was 1: checked on entry */
        atomic_store_explicit(&g->resched, 0, memory_order_relaxed); /* we give way anyhow */
    }
    chan_slow(c, l == &c->senders ? TELLS_SENDERS : TELLS_RECEIVERS);
    if (!is_limited(limit)) {
        wait_for_ever(&c->lock, l, w, why);
        return 0;
    }
    int r = wait_on(&c->lock, l, w, why, limit);
    hal_irq_unmask();
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

static void clear(void *to, size_t n) {
    if (to != NULL) {
        __builtin_memset(to, 0, n);
    }
}

void chan_touch_large(const void *v, size_t n) {
    const volatile unsigned char *p = v;
    for (size_t at = 0; at < n; at += HAL_PAGE) {
        (void)p[at];
    }
    (void)p[n - 1];
}

static inline unsigned char *slot(struct chan *c, uint32_t at, size_t elem) {
    return c->buffer + (size_t)(at - 1) * elem;
}

static inline uint32_t next_slot(uint32_t at, uint32_t capacity) {
    return at - 1 != 0 ? at - 1 : capacity;
}

static inline void buffer_put(struct chan *c, const void *v) {
    copy(slot(c, c->send_at, c->elem), v, c->elem);
    c->send_at = next_slot(c->send_at, c->capacity);
}

static inline void buffer_get(struct chan *c, void *v) {
    copy_out(v, slot(c, c->recv_at, c->elem), c->elem);
    c->recv_at = next_slot(c->recv_at, c->capacity);
}

/* So many values are in the buffer now; the fast way is open again if it may be. */
static inline void buffer_holds(struct chan *c, uint32_t n) {
    bool fast = c->senders.head == NULL && c->receivers.head == NULL && !c->closed;
    relaxed_store(&c->open, fast ? (uint64_t)(c->capacity - n) << CHAN_ROOM | n : 0);
    relaxed_store(&c->held, fast ? 0 : n);
}

/* ---- the fast way: 8 bytes, into the buffer or out of it ------------------------------------------ */

#define WORD sizeof(any_word)

/* With the lock, and what c->open is. False: it is not open. */
INLINE bool put_fast(struct chan *c, uint64_t open, uint64_t v) {
    uint64_t more;
    if (__builtin_sub_overflow(open, CHAN_ONE_MORE, &more)) {
        return false; /* no place: of values there are never as many (word) */
    }
    relaxed_store(&c->open, more);
    uint32_t at = c->send_at, capacity = c->capacity;
    c->send_at = next_slot(at, capacity);
    __builtin_memcpy(slot(c, at, WORD), &v, WORD);
    return true;
}

INLINE bool get_fast(struct chan *c, uint64_t open, uint64_t *v) {
    if (__builtin_expect(open_values(open) == 0, 0)) {
        return false;
    }
    relaxed_store(&c->open, open + CHAN_ONE_MORE);
    uint32_t at = c->recv_at, capacity = c->capacity;
    c->recv_at = next_slot(at, capacity);
    __builtin_memcpy(v, slot(c, at, WORD), WORD);
    return true;
}

/* Whether c is one for the fast way. */
INLINE bool is_fast(const struct chan *c) {
    return c != NULL && __builtin_expect(c->word, 1);
}

/* ---- send and receive ----------------------------------------------------------------------- */

/* One of l, or none, was to be had. If none is left c tells nothing of it any more, and may be fast again. */
INLINE void looked_for(struct chan *c, const struct wait_list *l, uint32_t tells) {
    if (l->head == NULL) {
        relaxed_store(&c->tells, relaxed_load(&c->tells) & ~tells);
        if (c->capacity != 0) {
            buffer_holds(c, chan_count(c));
        }
    }
}

/* With the lock: 0 and the lock opened, or -EAGAIN with the lock held. Unchecked, like its callers: words have no
 * "opened if". */
INLINE int send_now(struct chan *c, bool big, const void *v, hal_irq_t was) UNCHECKED {
    if (c->closed) {
        chan_unlock(c, big, was);
        PANIC("send on closed channel");
    }
    struct waiter *w = wait_take(&c->receivers);
    if (w != NULL) {
        looked_for(c, &c->receivers, TELLS_RECEIVERS);
        copy_out(w->data, v, c->elem);
        return chan_unlock_wake(c, big, was, w);
    }
    uint32_t n = chan_count(c);
    if (n < c->capacity) {
        buffer_put(c, v);
        buffer_holds(c, n + 1);
        chan_unlock(c, big, was);
        return 0;
    }
    return -EAGAIN;
}

/* The same; also -EPIPE with the lock opened. */
INLINE int recv_now(struct chan *c, bool big, void *v, hal_irq_t was) UNCHECKED {
    struct waiter *w = wait_take(&c->senders);
    if (w != NULL) {
        looked_for(c, &c->senders, TELLS_SENDERS);
    }
    uint32_t n = chan_count(c);
    if (n != 0) {
        buffer_get(c, v);
        if (w != NULL) {
            buffer_put(c, w->data); /* the first sender's value behind those it waited for */
            n++;
        }
        buffer_holds(c, n - 1);
    } else if (w != NULL) {
        copy_out(v, w->data, c->elem);
    } else if (c->closed) {
        uint32_t elem = c->elem;
        chan_unlock(c, big, was);
        clear(v, elem);
        return -EPIPE;
    } else {
        return -EAGAIN;
    }
    if (w != NULL) {
        return chan_unlock_wake(c, big, was, w);
    }
    chan_unlock(c, big, was);
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

/* With the lock, which they open, and nothing to be had. Not inline: who need not wait needs no waiter on its stack. */
INLINE int send_waits(struct chan *c, bool big, const void *v, const struct limit *limit) UNCHECKED {
    struct waiter w = {.data = (void *)(uintptr_t)v};
    int r = chan_wait(c, big, &c->senders, &w, WAIT_CHAN_SEND, limit);
    if (r == 0 && !wait_was_served(&w)) {
        PANIC("send on closed channel");
    }
    return r;
}

INLINE int recv_waits(struct chan *c, bool big, void *v, const struct limit *limit) UNCHECKED {
    size_t elem = c->elem; /* after a close the channel may be gone by the time we run again */
    struct waiter w = {.data = v};
    int r = chan_wait(c, big, &c->receivers, &w, WAIT_CHAN_RECV, limit);
    if (r != 0 || wait_was_served(&w)) {
        return r;
    }
    clear(v, elem);
    return -EPIPE;
}

SLOW int chan_send_waits(struct chan *c, const void *v, const struct limit *limit) UNCHECKED {
    return send_waits(c, false, v, limit);
}

SLOW int chan_recv_waits(struct chan *c, void *v, const struct limit *limit) UNCHECKED {
    return recv_waits(c, false, v, limit);
}

/* The fast way was not open. The calls end with a jump to one of these, and these to one of those above, so that only
 * who waits needs a frame; the names are what a backtrace shows. */
SLOW int chan_send_slow(struct chan *c, const void *v, const struct limit *limit, hal_irq_t was) UNCHECKED {
    int r = send_now(c, false, v, was);
    return r == -EAGAIN ? chan_send_waits(c, v, limit) : r;
}

SLOW int chan_recv_slow(struct chan *c, void *v, const struct limit *limit, hal_irq_t was) UNCHECKED {
    int r = recv_now(c, false, v, was);
    return r == -EAGAIN ? chan_recv_waits(c, v, limit) : r;
}

SLOW int chan_send_big(struct chan *c, const void *v, const struct limit *limit) UNCHECKED {
    int r = send_now(c, true, v, chan_lock(c, true));
    return r == -EAGAIN ? send_waits(c, true, v, limit) : r;
}

SLOW int chan_recv_big(struct chan *c, void *v, const struct limit *limit) UNCHECKED {
    int r = recv_now(c, true, v, chan_lock(c, true));
    return r == -EAGAIN ? recv_waits(c, true, v, limit) : r;
}

/* How the wait of a word's channel without a limit ends. */
INLINE int send_is_over(const struct waiter *w) {
    if (!wait_was_served(w)) {
        PANIC("send on closed channel");
    }
    return 0;
}

INLINE int recv_is_over(const struct waiter *w) {
    if (wait_was_served(w)) {
        return 0;
    }
    *(any_word *)w->data = 0;
    return -EPIPE;
}

/* The same for words and without a limit. Of w only what a partner, or a close, looks at is written. */
SLOW int chan_send_word_waits(struct chan *c, const void *v) UNCHECKED {
    struct waiter w;
    w.data = (void *)(uintptr_t)v;
    w.shared = false;
    chan_slow(c, TELLS_SENDERS);
    wait_for_ever(&c->lock, &c->senders, &w, WAIT_CHAN_SEND);
    return send_is_over(&w);
}

SLOW int chan_recv_word_waits(struct chan *c, void *v) UNCHECKED {
    struct waiter w;
    w.data = v;
    w.shared = false;
    chan_slow(c, TELLS_RECEIVERS);
    wait_for_ever(&c->lock, &c->receivers, &w, WAIT_CHAN_RECV);
    return recv_is_over(&w);
}

/* Of a word's channel, with the lock and what open is, where the fast way has nothing: nobody waits, and it is not
 * closed. */
INLINE bool nobody_waits(const struct chan *c, uint64_t open) {
    /* one that is open may tell what was; without a buffer none is */
    return open != 0 || relaxed_load(&c->tells) == 0;
}

/* Who waited alone has its value, or has given it. */
INLINE int alone_goes_on(struct chan *c, struct waiter *w) OPENS(irq_masked, c->lock) UNCHECKED {
    relaxed_store(&c->tells, 0);
    return open_and_ready(&c->lock, w->g);
}

/* The same, where interrupts may have been masked. */
INLINE int alone_goes_on_as(struct chan *c, struct waiter *w, hal_irq_t was)
    OPENS(irq_masked, c->lock) UNCHECKED {
    relaxed_store(&c->tells, 0);
    return chan_unlock_wake(c, false, was, w);
}

/* With the lock, of which the note was 0, and nobody waits: the first to wait, and for ever, does so in the note. Of w
 * only what a partner, or a close, looks at is written. self is the caller, who has asked already. */
SLOW int chan_send_alone(struct chan *c, const void *v, struct g *self) UNCHECKED {
    struct waiter w;
    w.data = (void *)(uintptr_t)v;
    relaxed_store(&c->tells, TELLS_SENDERS);
    wait_alone(&c->lock, &w, self, NOTE_SENDER, WAIT_CHAN_SEND);
    return send_is_over(&w);
}

SLOW int chan_recv_alone(struct chan *c, void *v, struct g *self) UNCHECKED {
    struct waiter w;
    w.data = v;
    relaxed_store(&c->tells, TELLS_RECEIVERS);
    wait_alone(&c->lock, &w, self, 0, WAIT_CHAN_RECV);
    return recv_is_over(&w);
}

/* Others wait, or have waited: a partner is on the list, or the caller waits behind them. If c tells of partners alone,
 * it is open to none but them, and when they all have left nobody waits. */
SLOW int chan_send_listed(struct chan *c, const void *v) UNCHECKED {
    if (relaxed_load(&c->tells) == TELLS_RECEIVERS) {
        struct waiter *w = wait_take(&c->receivers);
        looked_for(c, &c->receivers, TELLS_RECEIVERS);
        if (w != NULL) {
            copy_out(w->data, v, WORD);
            return open_and_ready(&c->lock, w->g);
        }
        if (c->capacity == 0) {
            return chan_send_alone(c, v, hal_self());
        }
    }
    if (c->receivers.head == NULL && !c->closed && chan_count(c) == c->capacity) {
        return chan_send_word_waits(c, v);
    }
    return chan_send_slow(c, v, NULL, hal_irq_open());
}

SLOW int chan_recv_listed(struct chan *c, void *v) UNCHECKED {
    if (c->capacity == 0 && relaxed_load(&c->tells) == TELLS_SENDERS) {
        struct waiter *w = wait_take(&c->senders);
        looked_for(c, &c->senders, TELLS_SENDERS);
        if (w == NULL) {
            return chan_recv_alone(c, v, hal_self());
        }
        copy(v, w->data, WORD);
        return open_and_ready(&c->lock, w->g);
    }
    if (c->senders.head == NULL && !c->closed && chan_count(c) == 0) {
        return chan_recv_word_waits(c, v);
    }
    return chan_recv_slow(c, v, NULL, hal_irq_open());
}

/* After a spin_try_masked(), with a note that is not that of a partner, or with none and others wait. */
SLOW int chan_send_looks(struct chan *c, const void *v, uint64_t note) UNCHECKED {
    if (note == 0) {
        return chan_send_listed(c, v);
    }
    chan_noted(c, note == LOCK_HELD ? spin_wait(&c->lock) : note);
    if (!put_fast(c, relaxed_load(&c->open), *(const any_word *)v)) {
        return chan_send_listed(c, v);
    }
    spin_unlock_masked(&c->lock);
    hal_irq_unmask();
    return 0;
}

SLOW int chan_recv_looks(struct chan *c, void *v, uint64_t note) UNCHECKED {
    if (note == 0) {
        return chan_recv_listed(c, v);
    }
    chan_noted(c, note == LOCK_HELD ? spin_wait(&c->lock) : note);
    uint64_t word;
    if (!get_fast(c, relaxed_load(&c->open), &word)) {
        return chan_recv_listed(c, v);
    }
    spin_unlock_masked(&c->lock);
    hal_irq_unmask();
    *(any_word *)v = word;
    return 0;
}

/* After a spin_try_masked() with that note: nearly always a partner waits alone. They end with a jump, as what calls them
 * does, and only who waits has a frame. */
SLOW int chan_send_noted(struct chan *c, const void *v, uint64_t note) UNCHECKED {
    struct waiter *w = note_alone(note, 0);
    if (w == NULL) {
        return chan_send_looks(c, v, note);
    }
    __builtin_memcpy(w->data, v, WORD);
    return alone_goes_on(c, w);
}

SLOW int chan_recv_noted(struct chan *c, void *v, uint64_t note) UNCHECKED {
    struct waiter *w = note_alone(note, NOTE_SENDER);
    if (w == NULL || c->capacity != 0) {
        return chan_recv_looks(c, v, note);
    }
    __builtin_memcpy(v, w->data, WORD);
    return alone_goes_on(c, w);
}

/* Other sizes, and no channel at all; from where nobody may block they say so. */
SLOW int chan_send_any(struct chan *c, const void *v, const struct limit *limit) UNCHECKED {
    check_may_block("chan_send");
    if (c == NULL) {
        return block_on_nil(WAIT_CHAN_SEND_NIL, limit);
    }
    chan_touch(v, c->elem);
    if (chan_big(c)) {
        return chan_send_big(c, v, limit);
    }
    return chan_send_slow(c, v, limit, chan_lock(c, false));
}

SLOW int chan_recv_any(struct chan *c, void *v, const struct limit *limit) UNCHECKED {
    check_may_block("chan_recv");
    if (c == NULL) {
        return block_on_nil(WAIT_CHAN_RECV_NIL, limit);
    }
    chan_touch(v, c->elem);
    if (chan_big(c)) {
        return chan_recv_big(c, v, limit);
    }
    return chan_recv_slow(c, v, limit, chan_lock(c, false));
}

/* Without a place for the value, or from where nobody may block. Apart, or the compiler would make one comparison of some
 * of the questions that end there, which takes longer. */
SLOW int chan_recv_odd(struct chan *c, void *v) UNCHECKED {
    return chan_recv_any(c, v, NULL);
}

int chan_send(struct chan *c, const void *v) UNCHECKED {
    if (c == NULL || !may_block() || !is_fast(c)) {
        return chan_send_any(c, v, NULL);
    }
    uint64_t word = *(const any_word *)v; /* before the lock: see chan_touch() */
    hal_irq_mask();                       /* who may block comes with interrupts open */
    uint64_t note = spin_try_masked(&c->lock), open = relaxed_load(&c->open);
    if (note != 0 || !put_fast(c, open, word)) {
        return note == 0 && nobody_waits(c, open) ? chan_send_alone(c, v, hal_self())
                                                  : chan_send_noted(c, v, note);
    }
    spin_unlock_masked(&c->lock);
    hal_irq_unmask();
    return 0;
}

int chan_recv(struct chan *c, void *v) UNCHECKED {
    if (v == NULL || !may_block()) {
        return chan_recv_odd(c, v);
    }
    if (!is_fast(c)) {
        return chan_recv_any(c, v, NULL);
    }
    chan_touch_word(v);
    hal_irq_mask();
    uint64_t note = spin_try_masked(&c->lock), open = relaxed_load(&c->open);
    uint64_t word;
    if (note != 0 || !get_fast(c, open, &word)) {
        return note == 0 && nobody_waits(c, open) ? chan_recv_alone(c, v, hal_self())
                                                  : chan_recv_noted(c, v, note);
    }
    spin_unlock_masked(&c->lock);
    hal_irq_unmask();
    *(any_word *)v = word;
    return 0;
}

int chan_send_until(struct chan *c, const void *v, struct limit l) {
    return chan_send_any(c, v, &l);
}

int chan_recv_until(struct chan *c, void *v, struct limit l) {
    return chan_recv_any(c, v, &l);
}

/* Without blocking: select's and handlers'. */
INLINE int try_send_locked(struct chan *c, bool big, const void *v, hal_irq_t was) UNCHECKED {
    int r = send_now(c, big, v, was);
    if (r == -EAGAIN) {
        looked_for(c, &c->receivers, TELLS_RECEIVERS);
        chan_unlock(c, big, was);
    }
    return r;
}

INLINE int try_recv_locked(struct chan *c, bool big, void *v, hal_irq_t was) UNCHECKED {
    int r = recv_now(c, big, v, was);
    if (r == -EAGAIN) {
        looked_for(c, &c->senders, TELLS_SENDERS);
        chan_unlock(c, big, was);
    }
    return r;
}

SLOW int chan_try_send_slow(struct chan *c, const void *v, hal_irq_t was) UNCHECKED {
    return try_send_locked(c, false, v, was);
}

SLOW int chan_try_recv_slow(struct chan *c, void *v, hal_irq_t was) UNCHECKED {
    return try_recv_locked(c, false, v, was);
}

static void check_context(const char *what) {
    if (hal_on_core_stack()) {
        PANIC("%s: elements over %u bytes are not for interrupt handlers", what, CHAN_HANDLER_MAX);
    }
}

SLOW int chan_try_send_any(struct chan *c, const void *v) UNCHECKED {
    if (c == NULL) {
        return -EAGAIN;
    }
    chan_touch(v, c->elem);
    if (chan_big(c)) {
        check_context("chan_try_send");
        return try_send_locked(c, true, v, chan_lock(c, true));
    }
    return chan_try_send_slow(c, v, chan_lock(c, false));
}

SLOW int chan_try_recv_any(struct chan *c, void *v) UNCHECKED {
    if (c == NULL) {
        return -EAGAIN;
    }
    chan_touch(v, c->elem);
    if (chan_big(c)) {
        check_context("chan_try_recv");
        return try_recv_locked(c, true, v, chan_lock(c, true));
    }
    return chan_try_recv_slow(c, v, chan_lock(c, false));
}

/* After a spin_try_masked() with that note, which is not that of a partner. */
SLOW int chan_try_send_looks(struct chan *c, const void *v, uint64_t note, hal_irq_t was) UNCHECKED {
    chan_noted(c, note == LOCK_HELD ? spin_wait(&c->lock) : note);
    return chan_try_send_slow(c, v, was);
}

SLOW int chan_try_recv_looks(struct chan *c, void *v, uint64_t note, hal_irq_t was) UNCHECKED {
    chan_noted(c, note == LOCK_HELD ? spin_wait(&c->lock) : note);
    return chan_try_recv_slow(c, v, was);
}

/* The same; nearly always a partner waits alone. */
SLOW int chan_try_send_noted(struct chan *c, const void *v, uint64_t note, hal_irq_t was) UNCHECKED {
    struct waiter *w = note_alone(note, 0);
    if (w == NULL) {
        return chan_try_send_looks(c, v, note, was);
    }
    __builtin_memcpy(w->data, v, WORD);
    return alone_goes_on_as(c, w, was);
}

SLOW int chan_try_recv_noted(struct chan *c, void *v, uint64_t note, hal_irq_t was) UNCHECKED {
    struct waiter *w = note_alone(note, NOTE_SENDER);
    if (w == NULL || c->capacity != 0) {
        return chan_try_recv_looks(c, v, note, was);
    }
    __builtin_memcpy(v, w->data, WORD);
    return alone_goes_on_as(c, w, was);
}

int chan_try_send(struct chan *c, const void *v) UNCHECKED {
    if (!is_fast(c)) {
        return chan_try_send_any(c, v);
    }
    uint64_t word = *(const any_word *)v;
    hal_irq_t was = hal_irq_save();
    uint64_t note = spin_try_masked(&c->lock);
    if (note != 0) {
        return chan_try_send_noted(c, v, note, was);
    }
    if (!put_fast(c, relaxed_load(&c->open), word)) {
        return chan_try_send_slow(c, v, was);
    }
    spin_unlock(&c->lock, was);
    return 0;
}

int chan_try_recv(struct chan *c, void *v) UNCHECKED {
    if (!is_fast(c) || v == NULL) {
        return chan_try_recv_any(c, v);
    }
    chan_touch_word(v);
    hal_irq_t was = hal_irq_save();
    uint64_t note = spin_try_masked(&c->lock);
    if (note != 0) {
        return chan_try_recv_noted(c, v, note, was);
    }
    uint64_t word;
    if (!get_fast(c, relaxed_load(&c->open), &word)) {
        return chan_try_recv_slow(c, v, was);
    }
    spin_unlock(&c->lock, was);
    *(any_word *)v = word;
    return 0;
}

/* ---- make, close, free ---------------------------------------------------------------------- */

struct chan *chan_make(size_t elem_size, size_t capacity) {
    check_g("chan_make");
    size_t room = SIZE_MAX / 2 - sizeof(struct chan);
    if (elem_size > ELEM_MAX || capacity > UINT32_MAX ||
        (elem_size != 0 && capacity > room / elem_size)) {
        PANIC("makechan: size out of range");
    }
    struct chan *c = mem_alloc(sizeof(struct chan) + elem_size * capacity);
    if (c != NULL) {
        chan_init(c, elem_size, (uint32_t)capacity);
    }
    return c;
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
    bool big = chan_big(c);
    hal_irq_t was = chan_lock(c, big);
    if (c->closed) {
        chan_unlock(c, big, was);
        PANIC("close of closed channel");
    }
    chan_slow(c, relaxed_load(&c->tells) | TELLS_CLOSED);
    c->closed = true;
    struct waiter *all = NULL, **end = &all;
    for (;;) {
        end = wait_take_batch(&c->receivers, end); /* at most one of the lists has any but those who have left */
        end = wait_take_batch(&c->senders, end);
        /* who sees that it is closed may free it: chan_free() sees closing, or we are through */
        c->closing = c->receivers.head != NULL || c->senders.head != NULL;
        bool more = c->closing;
        chan_unlock(c, big, was);
        if (!more) {
            break;
        }
        was = chan_lock(c, big);
    }
    wake_all(all, false);
}

/* A hint, from any context: no lock, which a handler cannot take of a channel of large elements. The
 * values may be just going from one number into the other, so their sum could be too large. */
size_t chan_len(const struct chan *c) {
    if (c == NULL || c->timer != NULL) {
        return 0;
    }
    uint32_t n = open_values(relaxed_load(&c->open));
    return n != 0 ? n : relaxed_load(&c->held);
}

size_t chan_cap(const struct chan *c) {
    return c != NULL && c->timer == NULL ? c->capacity : 0;
}

void chan_end(struct chan *c) {
    bool closing, waited_on;
    for (;;) {
        hal_irq_t was =
            chan_lock(c, chan_big(c)); /* the lock also waits for whoever is still on its way out */
        closing = c->closing;
        waited_on = c->receivers.head != NULL || c->senders.head != NULL;
        chan_unlock(c, chan_big(c), was);
        if (!closing) {
            break;
        }
        go_yield();
    }
    if (waited_on) {
        PANIC("chan_free: goroutines wait on the channel");
    }
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
    chan_end(c);
    mem_free(c, sizeof(struct chan) + (size_t)c->elem * c->capacity);
}
