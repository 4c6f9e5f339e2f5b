/* sched/trace_write.c - the record on the console: as lines for tools/trace.py, and its end as text.
 *
 * Lines, since a console is what every board has. Each stands for itself, so that a byte lost on a
 * serial line costs its events and no others:
 *
 *      @trace FROM TO CORES ADDRESS   between these times nothing is missing but what was lost; where
 *                                   sched_core_main() lies
 *      @g ID NAME                   each G that is there
 *      @t I BASE64*SUM              events of core I: the time of the first, then for each the time since
 *                                   the one before, kind and arg, low and high half of the value; numbers
 *                                   of seven bits a byte, the lowest first
 *      @core I EVENTS LOST          how many have come of core I, and how many were overwritten
 *      @end
 *
 * TOUR 15 / read next: sched/panic.c */
#include <bareloom/info.h>

#include "hal/kprint.h"
#include "sched/dump.h"
#include "sched/info.h"

/* Of one line: 32 varying bytes an event at most. */
#define LINE_BYTES 96
#define EVENT_MOST 32

/* Gs of each core that a report ends with. */
#define LAST_RAN 8

_Atomic bool trace_at_end;

static unsigned kind_of(const struct trace_event *e) {
    return e->when_kind & 31;
}

static unsigned arg_of(const struct trace_event *e) {
    return e->when_kind >> 5 & 31;
}

static uint64_t when_of(const struct trace_event *e) {
    return e->when_kind >> 10;
}

/* ---- stretches ------------------------------------------------------------------------------ */

static bool begins(const struct trace_event *e) {
    return kind_of(e) == EV_START || kind_of(e) == EV_IDLE;
}

static bool ends(const struct trace_event *e) {
    unsigned kind = kind_of(e);
    return kind == EV_STOP || kind == EV_BLOCK || kind == EV_END || kind == EV_AWAKE;
}

/* The last event of core i, before end, that begins a stretch no later than since; or the first that is there. What was
 * recorded before trace_stop() may have ended since then, unseen. */
static uint64_t beginning(unsigned i, int64_t since, uint64_t first, uint64_t end) {
    struct trace_event e;
    uint64_t n = end;
    bool begun = false;
    while (!begun && n > first && trace_get(i, n - 1, &e) && (int64_t)when_of(&e) >= trace_began()) {
        n--;
        begun = begins(&e) && (int64_t)when_of(&e) <= since;
    }
    return n;
}

void trace_stretches(unsigned core, ns_t since,
                     void (*fn)(const struct trace_stretch *s, void *arg), void *arg) {
    struct trace_stretch s = {.begin = -1}; /* none is open */
    struct trace_event e;
    uint64_t first, end;
    trace_range(core, &first, &end);
    for (uint64_t n = beginning(core, since, first, end); n < end; n++) {
        if (!trace_get(core, n, &e)) {
            s.begin = -1;
        } else if (begins(&e)) {
            s.begin = (ns_t)when_of(&e);
            s.g = kind_of(&e) == EV_START ? (uint32_t)e.value : 0;
        } else if (ends(&e) && s.begin >= 0) {
            s.end = (ns_t)when_of(&e);
            if (s.end > since) {
                fn(&s, arg);
            }
            s.begin = -1;
        }
    }
    if (s.begin >= 0) {
        s.end = hal_now();
        fn(&s, arg);
    }
}

/* ---- lines ---------------------------------------------------------------------------------- */

struct line {
    unsigned n;
    uint8_t bytes[LINE_BYTES];
};

static void add(struct line *l, uint64_t v) {
    for (; v > 127; v >>= 7) {
        l->bytes[l->n++] = (uint8_t)(v | 128);
    }
    l->bytes[l->n++] = (uint8_t)v;
}

static void print_line(unsigned core, const struct line *l) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[LINE_BYTES / 3 * 4 + 8];
    unsigned at = 0, sum = 0;
    for (unsigned i = 0; i < l->n; i += 3) {
        uint32_t three = 0;
        for (unsigned k = 0; k < 3; k++) {
            uint32_t byte = i + k < l->n ? l->bytes[i + k] : 0;
            three = three << 8 | byte;
            sum += byte;
        }
        for (unsigned k = 0; k < 4; k++) {
            text[at++] = i + k <= l->n ? digits[three >> (18 - 6 * k) & 63] : '=';
        }
    }
    text[at] = '\0';
    kprintf("@t %u %s*%02x\n", core, text, sum & 255);
}

/* Its sum comes last, of what was written: a core whose look at the hooks came just before trace_stop() records one event
 * more at any time, which may overwrite the oldest. */
static void write_core(unsigned i) {
    struct trace_event e;
    struct line l = {0};
    uint64_t n, end, when = 0;
    trace_range(i, &n, &end);
    uint64_t lost = n;
    for (; n < end; n++) {
        if (!trace_get(i, n, &e)) {
            lost++;
            continue;
        }
        if (l.n + EVENT_MOST > LINE_BYTES) {
            print_line(i, &l);
            l.n = 0;
        }
        add(&l, l.n == 0 ? when_of(&e) : when_of(&e) - when);
        add(&l, kind_of(&e));
        add(&l, arg_of(&e));
        add(&l, e.value & UINT32_MAX);
        add(&l, e.value >> 32);
        when = when_of(&e);
    }
    if (l.n != 0) {
        print_line(i, &l);
    }
    kprintf("@core %u %lu %lu\n", i, (unsigned long)(end - lost), (unsigned long)lost);
}

static bool write_g(struct g *g, void *arg) {
    char name[48];
    (void)arg;
    if (g_state(g) != G_DEAD) {
        dump_name(g, name, sizeof name);
        kprintf("@g %lu %s\n", (unsigned long)g->id, name);
    }
    return true;
}

void trace_write(void) {
    int64_t began_at = trace_began(); /* somebody may begin another record at once */
    int64_t now = hal_now();          /* what comes after it some cores may record and others not */
    trace_stop();
    kprintf("@trace %lu %lu %u 0x%lx\n", (unsigned long)began_at, (unsigned long)now,
            hal_core_count(), (unsigned long)(uintptr_t)sched_core_main);
    g_each(write_g, NULL);
    for (unsigned i = 0; i < hal_core_count(); i++) {
        write_core(i);
    }
    kprintf("@end\n");
}

void trace_finish(void) {
    static _Atomic bool finished;
    if (atomic_load_explicit(&trace_at_end, memory_order_relaxed) && !atomic_exchange(&finished, true)) {
        trace_write();
    }
}

/* ---- the last words -------------------------------------------------------------------------- */

static const char *const kinds[EV_KINDS] = {
    [EV_CREATE] = "created",      [EV_START] = "starts",       [EV_STOP] = "stops",
    [EV_BLOCK] = "waits",         [EV_UNBLOCK] = "made ready", [EV_END] = "ends",
    [EV_STEAL] = "stolen",        [EV_IPI] = "rings core",     [EV_IRQ_BEGIN] = "interrupt",
    [EV_TIMER] = "a timer fires", [EV_IDLE] = "falls asleep",  [EV_AWAKE] = "awake",
    [EV_SAMPLE] = "sample",
};

static const char *const irqs[] = {[IRQ_TIMER] = "timer", [IRQ_IPI] = "doorbell", [IRQ_DEVICE] = "device"};

static const char *const whys[] = {
    [WHY_WOKEN] = "", [WHY_YIELD] = "yield", [WHY_SLICE] = "preempted", [WHY_DISPLACED] = "displaced"};

static void say_event(unsigned core, const struct trace_event *e) {
    unsigned kind = kind_of(e), arg = arg_of(e);
    unsigned long a = e->value & UINT32_MAX, b = e->value >> 32, us = when_of(e) / 1000;
    kprintf("%6lu.%06lu core %u: ", us / 1000000, us % 1000000, core);
    switch (kind) {
    case EV_IRQ_BEGIN:
        kprintf(arg == IRQ_DEVICE ? "%s %s %lu" : "%s %s", kinds[kind], irqs[arg % 3], b);
        kprintf(a != 0 ? " over goroutine %lu" : " over no goroutine", a);
        break;
    case EV_IPI:
        kprintf("%s %u", kinds[kind], arg);
        break;
    case EV_TIMER:
    case EV_IDLE:
    case EV_AWAKE:
        kprintf("%s", kinds[kind]);
        break;
    case EV_STEAL:
        kprintf("goroutine %lu %s from core %u, of %lu", a, kinds[kind], arg, b);
        break;
    default:
        kprintf("goroutine %lu %s", a, kinds[kind]);
    }
    if (kind == EV_BLOCK) {
        kprintf(" [%s]", reason_text(arg));
    } else if (kind == EV_STOP) {
        kprintf(" [%s]", whys[arg % 4]);
    } else if (kind == EV_UNBLOCK || kind == EV_CREATE) {
        kprintf(kind == EV_UNBLOCK && arg != 0 ? " in a handler over goroutine %lu" : " by goroutine %lu",
                b);
    }
    kprintf("\n");
}

/* Where the last of a core stand: in its ring, or in its flight recorder. */
struct last {
    unsigned core;
    bool in_ring;
    uint64_t at, end;
};

static bool get(const struct last *l, uint64_t n, struct trace_event *e) {
    if (l->in_ring) {
        return trace_get(l->core, n, e);
    }
    *e = cores[l->core].flight[n % FLIGHT]; /* one that did not stop may write it, and the line is nonsense */
    e->when_kind = trace_in_ns(e->when_kind);
    return true;
}

static bool is_said(const struct trace_event *e) {
    return kind_of(e) < EV_KINDS && kinds[kind_of(e)] != NULL;
}

/* While events are recorded the ring has all since they began; what is older may be of another record. How many are wanted
 * still. */
static unsigned last_of_ring(struct last *l, unsigned wanted) {
    struct trace_event e;
    uint64_t first;
    trace_range(l->core, &first, &l->end);
    for (l->at = l->end; wanted != 0 && l->at > first && get(l, l->at - 1, &e) &&
                         (int64_t)when_of(&e) >= trace_began();
         l->at--) {
        wanted -= is_said(&e);
    }
    return wanted;
}

/* Those before that. */
static void last_of_flight(struct last *l, unsigned wanted, int64_t before) {
    struct trace_event e;
    l->end = cores[l->core].flights;
    l->at = l->end > FLIGHT ? l->end - FLIGHT : 0;
    while (l->end > l->at && get(l, l->end - 1, &e) && (int64_t)when_of(&e) >= before) {
        l->end--;
    }
    l->at = l->end - l->at > wanted ? l->end - wanted : l->at;
}

/* The next one that is said. A core that did not stop may have overwritten some. */
static bool head(struct last *l, struct trace_event *e) {
    while (l->at < l->end && !(get(l, l->at, e) && is_said(e))) {
        l->at++;
    }
    return l->at < l->end;
}

/* The last of all cores, in the order of their times. */
static void say_last(void) {
    static struct last lasts[2 * HAL_MAX_CORES]; /* a panic's stack may be a small one */
    struct trace_event e, best = {0};
    bool recorded = (trace_what() & TRACE_EVENTS) != 0;
    for (unsigned i = 0; i < hal_core_count(); i++) {
        struct last *ring = &lasts[2 * i], *flight = ring + 1;
        ring->core = flight->core = i;
        ring->in_ring = true;
        unsigned wanted = recorded ? last_of_ring(ring, FLIGHT) : FLIGHT;
        last_of_flight(flight, wanted, recorded ? trace_began() : INT64_MAX);
    }
    for (;;) {
        struct last *first = NULL;
        for (unsigned i = 0; i < 2 * hal_core_count(); i++) {
            if (head(&lasts[i], &e) && (first == NULL || when_of(&e) < when_of(&best))) {
                best = e;
                first = &lasts[i];
            }
        }
        if (first == NULL) {
            return;
        }
        first->at++;
        say_event(first->core, &best);
    }
}

/* Of the Gs that core entered, those with the latest entries. */
struct ran {
    unsigned core, n;
    struct g *gs[LAST_RAN];
};

static bool ran_here(struct g *g, void *arg) {
    struct ran *r = arg;
    uint64_t entry = relaxed_load(&g->entry);
    if (g->id == 0 || entry == 0 || g_core(g) != r->core) {
        return true;
    }
    unsigned at = r->n < LAST_RAN ? r->n++ : LAST_RAN;
    for (; at > 0 && relaxed_load(&r->gs[at - 1]->entry) < entry; at--) {
        if (at < LAST_RAN) {
            r->gs[at] = r->gs[at - 1];
        }
    }
    if (at < LAST_RAN) {
        r->gs[at] = g;
    }
    return true;
}

static void say_g(const struct g *g) {
    char name[48];
    dump_name(g, name, sizeof name);
    kprintf(name[0] != '\0' ? "%lu \"%s\" [%s]" : "%lu%s [%s]", (unsigned long)g->id, name,
            dump_status(g));
}

/* What each G's last entry tells, which costs nothing while the machine runs. One that has not begun yet has that of
 * whoever had its memory before. */
static void say_ran(void) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        struct ran r = {.core = i};
        g_each(ran_here, &r);
        if (r.n != 0) {
            kprintf("core %u: goroutine ", i);
            for (unsigned k = 0; k < r.n; k++) {
                say_g(r.gs[k]);
                kprintf(k + 1 < r.n ? ", " : "\n");
            }
        }
    }
}

void trace_last_words(void) {
    if (CONFIG_TRACE) {
        kprintf("\nthe last events of each core\n");
        say_last();
        kprintf("\nwhom each core ran, the latest first\n");
        say_ran();
    }
    trace_finish();
}
