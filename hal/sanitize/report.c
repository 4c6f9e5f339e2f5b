/* hal/sanitize/report.c - see report.h. Not instrumented: it is called by what the instrumentation
 * calls. */
#include "hal/sanitize/report.h"

#include <stdatomic.h>

#include "hal/hal.h"
#include "hal/kprint.h"

#define STATUS 66

static _Atomic bool found;

/* hal_backtrace() tells a function without an argument; own core, masked. */
static struct {
    struct sanitize_trace *trace;
    uintptr_t first; /* frames inside of it are the sanitizer's own */
} taking[HAL_MAX_CORES];

static unsigned me(void) {
    return ((const struct hal_core *)hal_core())->index;
}

static void take_frame(uintptr_t pc) {
    struct sanitize_trace *t = taking[me()].trace;
    if (t->n == 0 && pc != taking[me()].first) {
        return;
    }
    if (t->n < SANITIZE_FRAMES) {
        t->pc[t->n++] = pc;
    }
}

void sanitize_take_trace(struct sanitize_trace *t, uintptr_t back) {
    t->n = 0;
    sched_who(&t->who);
    taking[me()].trace = t;
    taking[me()].first = back - 4;
    hal_backtrace(hal_self(), NULL, t->who.lo, t->who.hi, take_frame);
    if (t->n == 0) { /* no chain of frames leads there */
        t->pc[t->n++] = back - 4;
    }
}

void sanitize_print_trace(const char *prefix, const struct sanitize_trace *t) {
    kprintf("%s by goroutine %lu \"%s\" on core %u:\n", prefix, (unsigned long)t->who.id,
            t->who.name != NULL ? t->who.name : "", t->who.core);
    for (unsigned i = 0; i < t->n; i++) {
        uintptr_t offset;
        const char *name = hal_symbol(t->pc[i], &offset);
        kprintf("\t%s+0x%lx (%p)\n", name != NULL ? name : "?", name != NULL ? offset : 0,
                (void *)t->pc[i]);
    }
}

void sanitize_found(void) {
    atomic_store_explicit(&found, true, memory_order_relaxed); /* orders nothing: read at the end */
}

int sanitize_status(int status) {
    return status == 0 && atomic_load_explicit(&found, memory_order_relaxed) ? STATUS : status;
}

void sanitize_alone(void) {
    static _Atomic bool taken;
    hal_irq_mask();
    if (atomic_exchange(&taken, true)) {
        hal_stop_self();
    }
    kprint_panic();
    hal_stop_others();
}

_Noreturn void sanitize_stop(void) {
    hal_exit(STATUS);
}
