/*
 * hal/sanitize/hold.c - objects that were given back are held for a while before they may be used
 * again: an access to one meanwhile is an error that can be told. SAN=address.
 *
 * First in, first out; the oldest goes when there are HELD of them, or when they are BYTES in all.
 */
#include "hal/sanitize.h"

#include <stdatomic.h>

#include "hal/hal.h"

#define HELD  256u
#define BYTES ((size_t)1 << 20)

static _Atomic bool locked;

/* guarded by locked */
static struct held {
    void *p;
    size_t size;
} ring[HELD];
static unsigned in, out; /* counts */
static size_t bytes;

static hal_irq_t lock(void) {
    hal_irq_t was = hal_irq_save();
    /* acquire and release: as any spinlock */
    while (atomic_exchange_explicit(&locked, true, memory_order_acquire)) {
        hal_relax();
    }
    return was;
}

static void unlock(hal_irq_t was) {
    atomic_store_explicit(&locked, false, memory_order_release);
    hal_irq_restore(was);
}

/* What comes in beside one that goes out keeps the number; of the bytes there may then be more for
 * a while. */
bool sanitize_hold(void **p, size_t *size) {
    struct held new = {*p, *size}, oldest = {0};
    sanitize_close(new.p, new.size);
    if (new.size > BYTES / 4) {
        return true; /* it would drive all others out */
    }
    hal_irq_t was = lock();
    bool full = in - out == HELD || bytes + new.size > BYTES;
    if (full) {
        oldest = ring[out++ % HELD];
        bytes -= oldest.size;
    }
    ring[in++ % HELD] = new;
    bytes += new.size;
    unlock(was);
    *p = oldest.p;
    *size = oldest.size;
    return full;
}
