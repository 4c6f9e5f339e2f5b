/* hal/aarch64/backtrace.c - who called whom, and names for it.
 *
 * A G that waits has its frame record where hal_park() put it; one that was preempted or has
 * faulted has registers: first its pc, then, if it was in a function without a frame, the link
 * register, then the chain of x29. Every chain ends in a record of zeros. Nothing is read that is
 * not mapped. */
#include "hal/aarch64/port.h"

#define FRAMES_MAX 32

/* Made by tools/symtab.py. */
extern const uint32_t ksyms_count;
extern const struct { uint32_t offset, name; } ksyms[];
extern const char ksyms_names[];
extern const char __text_start[], __text_end[];

static bool in_text(uintptr_t pc) {
    return pc >= (uintptr_t)__text_start && pc < (uintptr_t)__text_end;
}

const char *hal_symbol(uintptr_t pc, uintptr_t *offset) {
    if (!in_text(pc) || ksyms_count == 0) {
        return NULL;
    }
    uint32_t at = (uint32_t)(pc - (uintptr_t)__text_start);
    uint32_t lo = 0, hi = ksyms_count;
    while (hi - lo > 1) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (ksyms[middle].offset <= at) {
            lo = middle;
        } else {
            hi = middle;
        }
    }
    *offset = at - ksyms[lo].offset;
    return &ksyms_names[ksyms[lo].name];
}

struct walk {
    uintptr_t fp, lo, hi;
    void (*line)(uintptr_t pc);
    int left;
};

static void say(struct walk *w, uintptr_t pc) {
    if (pc != 0 && w->left-- > 0) {
        w->line(pc);
    }
}

/* The frame record {caller's record, return address} at fp; false: there is none. */
static bool record_at(const struct walk *w, uintptr_t fp, uint64_t record[2]) {
    return fp >= w->lo && fp + 16 <= w->hi && (fp & 7) == 0 && hal_peek(fp, &record[0]) &&
           hal_peek(fp + 8, &record[1]);
}

static void chain(struct walk *w) {
    uint64_t record[2];
    while (w->left > 0 && record_at(w, w->fp, record)) {
        if (record[1] == 0) {
            break;
        }
        say(w, record[1] - 4); /* the call, not what follows it: that may be the next function */
        if (record[0] <= w->fp) {
            break; /* callers lie above; anything else is no chain */
        }
        w->fp = record[0];
    }
}

static bool same_function(uintptr_t a, uintptr_t b) {
    uintptr_t into_a, into_b;
    const char *f = hal_symbol(a, &into_a);
    return f != NULL && f == hal_symbol(b, &into_b);
}

/* The link register names the caller as long as pc's function has called nobody; afterwards it
 * points into that function itself, and the caller stands in the frame record. */
static void registers(struct walk *w, uintptr_t pc, const uint64_t *x) {
    say(w, pc);
    w->fp = x[29];
    uint64_t record[2];
    bool record_has_lr = record_at(w, w->fp, record) && record[1] == x[30];
    if (in_text(x[30] - 4) && !record_has_lr && !same_function(pc, x[30] - 4)) {
        say(w, x[30] - 4);
    }
    chain(w);
}

/* What hal_prepare() left: the function has yet to be called. */
static void first(struct walk *w, uintptr_t begin) {
    uint64_t fn;
    if (hal_peek(begin + offsetof(struct hal_begin, fn), &fn)) {
        say(w, fn);
    }
}

void hal_backtrace(const struct g *g, const struct hal_fault *fault, uintptr_t lo, uintptr_t hi,
                   void (*line)(uintptr_t pc)) {
    struct walk w = {.lo = lo, .hi = hi, .line = line, .left = FRAMES_MAX};
    const struct hal_g *hal = (const struct hal_g *)g;
    const struct trap *frame = hal->frame; /* read once: it may be gone; frames are never unmapped */
    const void *begin = hal->port;         /* the same; where it pointed may be unmapped */
    if (fault != NULL && fault->regs != NULL) {
        registers(&w, fault->pc, fault->regs);
    } else if (g == hal_self()) {
        w.fp = (uintptr_t)__builtin_frame_address(0);
        chain(&w);
    } else if (frame != NULL) {
        registers(&w, frame->pc, frame->x);
    } else if (begin != NULL) {
        first(&w, (uintptr_t)begin);
    } else {
        w.fp = (uintptr_t)hal->sp; /* where hal_park() left a frame record */
        chain(&w);
    }
}

void hal_backtrace_interrupted(uintptr_t lo, uintptr_t hi, void (*line)(uintptr_t pc)) {
    struct walk w = {.lo = lo, .hi = hi, .line = line, .left = FRAMES_MAX};
    const struct trap *t = (const struct trap *)((struct hal_core *)hal_core())->stack_top - 1;
    registers(&w, t->pc, t->x);
}

bool hal_backtrace_stopped(const struct g *g, uintptr_t lo, uintptr_t hi, void (*line)(uintptr_t pc)) {
    struct walk w = {.lo = lo, .hi = hi, .line = line, .left = FRAMES_MAX};
    const struct stop *s = core_stop_of(g);
    if (s == NULL) {
        return false;
    }
    if (s->trap != NULL) {
        registers(&w, s->trap->pc, s->trap->x);
    } else {
        w.fp = s->fp;
        chain(&w);
    }
    return true;
}
