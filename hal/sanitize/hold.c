/*
 * hal/sanitize/hold.c - objects that were given back are held for a while before they may be used
 * again: an access to one meanwhile is an error that can be told. SAN=address.
 *
 * First in, first out; the oldest goes when there are HELD of them, or when they are BYTES in all.
 */
#include <stdatomic.h>

#include "hal/hal.h"
#include "hal/sanitize/report.h"

#define HELD  256u
#define BYTES ((size_t)1 << 20)

static struct ring {
    _Atomic bool locked;
    /* guarded by locked */
    struct sanitize_held held[HELD];
    unsigned in, out; /* counts */
    size_t bytes;
} rings[SANITIZE_HEAPS];

static hal_irq_t lock(struct ring *r) {
    hal_irq_t was = hal_irq_save();
    /* acquire and release: as any spinlock */
    while (atomic_exchange_explicit(&r->locked, true, memory_order_acquire)) {
        hal_relax();
    }
    return was;
}

static void unlock(struct ring *r, hal_irq_t was) {
    atomic_store_explicit(&r->locked, false, memory_order_release);
    hal_irq_restore(was);
}

/* What comes in beside one that goes out keeps the number; of the bytes there may then be more for
 * a while. */
bool sanitize_hold(enum sanitize_heap heap, void **p, size_t *size, uintptr_t back) {
    struct ring *r = &rings[heap];
    struct sanitize_held new = {.p = *p, .size = *size}, oldest = {.p = NULL};
    sanitize_note_caller(&new.by, back);
    sanitize_close(new.p, new.size);
    if (new.size > BYTES / 4) {
        return true; /* it would drive all others out */
    }
    hal_irq_t was = lock(r);
    bool full = r->in - r->out == HELD || r->bytes + new.size > BYTES;
    if (full) {
        oldest = r->held[r->out++ % HELD];
        r->bytes -= oldest.size;
    }
    r->held[r->in++ % HELD] = new;
    r->bytes += new.size;
    unlock(r, was);
    *p = oldest.p;
    *size = oldest.size;
    return full;
}

const struct sanitize_held *sanitize_held_at(uintptr_t address) {
    for (unsigned heap = 0; heap < SANITIZE_HEAPS; heap++) {
        const struct ring *r = &rings[heap];
        for (unsigned at = r->out; at != r->in; at++) {
            const struct sanitize_held *h = &r->held[at % HELD];
            if (address - (uintptr_t)h->p < h->size) {
                return h;
            }
        }
    }
    return NULL;
}
