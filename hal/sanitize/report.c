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

static void print_frame(uintptr_t pc) {
    uintptr_t offset;
    const char *name = hal_symbol(pc, &offset);
    kprintf("\t%s+0x%lx (%p)\n", name != NULL ? name : "?", name != NULL ? offset : 0, (void *)pc);
}

void sanitize_print_trace(const char *prefix, const struct sanitize_trace *t) {
    kprintf("%s by goroutine %lu \"%s\" on core %u:\n", prefix, (unsigned long)t->who.id,
            t->who.name != NULL ? t->who.name : "", t->who.core);
    for (unsigned i = 0; i < t->n; i++) {
        print_frame(t->pc[i]);
    }
}

void sanitize_note_caller(struct sanitize_note *note, uintptr_t back) {
    struct sanitize_trace t;
    hal_irq_t was = hal_irq_save();
    sanitize_take_trace(&t, back);
    *note = (struct sanitize_note){.id = t.who.id};
    for (unsigned i = 0; t.who.name != NULL && i < sizeof note->name - 1 && t.who.name[i] != '\0'; i++) {
        note->name[i] = t.who.name[i];
    }
    for (; note->n < t.n && note->n < SANITIZE_NOTE_FRAMES; note->n++) {
        note->pc[note->n] = (uint32_t)t.pc[note->n];
    }
    hal_irq_restore(was);
}

void sanitize_print_note(const char *prefix, const struct sanitize_note *note) {
    kprintf("\n%s by goroutine %lu \"%s\":\n", prefix, (unsigned long)note->id, note->name);
    for (unsigned i = 0; i < note->n && i < SANITIZE_NOTE_FRAMES; i++) {
        print_frame(note->pc[i]);
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
