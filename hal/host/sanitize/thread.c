/*
 * hal/host/sanitize/thread.c - Gs as fibers of the compiler's thread sanitizer: SAN=race and
 * SAN=scheduler.
 *
 * Each G is a fiber, and g0 of each core is one. With SAN=scheduler a switch orders: what a G did
 * is seen by g0, and by the next G on that core, so that what is left to find are races between
 * cores. With SAN=race a switch orders nothing: two Gs race even where they only ever run in turn
 * on one core, unless a channel, a mutex or the like stands between them (the files of sched/ that
 * make those are instrumented, the scheduler is not).
 *
 * g0 never returns: it starts afresh on an empty stack each time, and the sanitizer's list of calls
 * grows by what was left. So g0's fiber is renewed every so often.
 */
#include <errno.h>

#include "hal/host/fiber.h"
#include "hal/sanitize.h"

/* The sanitizer's own; there is no header for C. */
void *__tsan_create_fiber(unsigned flags);
void __tsan_set_fiber_name(void *fiber, const char *name);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_acquire(void *address);
void __tsan_release(void *address);
void AnnotateBenignRaceSized(const char *file, int line, const volatile void *address,
                             unsigned long size, const char *why);
const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void);

/* Made for a Java machine's heap: memory that an allocator of one's own gives out and takes back. */
void __tsan_java_init(unsigned long begin, unsigned long size);
void __tsan_java_alloc(unsigned long p, unsigned long size);
void __tsan_java_free(unsigned long p, unsigned long size);

#define RENEW_AFTER 512 /* some ten calls each; there is room for 65,536 */

/* The sanitizer dies where there are 8128 threads and fibers. */
#define FIBERS 8000u
static _Atomic uint32_t fibers;

/* What g0 and handlers use of a core stack. */
#define USED 16384

/* The flag of a switch that orders nothing. */
#define NO_ORDER 1u

static struct g0 {
    void *fiber, *old; /* old: to be destroyed once nobody is on it */
    unsigned uses;
} g0[HAL_MAX_CORES]; /* own core only */

/* A G that stops for good leaves its stack and its fiber in the middle of a call: no leak. */
const char *__tsan_default_options(void) {
    return "report_thread_leaks=0:report_destroy_locked=0:report_signal_unsafe=0:history_size=3";
}

/* The clock's own variable: g0's stack is used by one fiber after the other. */
const char *__tsan_default_suppressions(void) {
    return "race:hal_now";
}

static unsigned index_of(const struct host_core *c) {
    return (unsigned)(c - host_core_at(0));
}

static void switch_to(void *fiber) {
    __tsan_switch_to_fiber(fiber, HOST_FIBERS_ORDERED ? 0 : NO_ORDER);
}

/* The new one has seen what the caller has seen. */
static void renew(struct g0 *me) {
    me->old = me->fiber;
    me->fiber = __tsan_create_fiber(0);
    me->uses = 0;
}

/* All that sanitize_open() may be given lies in RAM, windows and core stacks. No more than that: for a report the
 * sanitizer searches downwards for the object that an address is in. */
static void know_memory(void) {
    uintptr_t ram;
    size_t ram_size, last_size, size;
    hal_ram(0, &ram, &ram_size);
    uintptr_t first = hal_window(HAL_WINDOW_STACKS, &size);
    uintptr_t end = hal_window(HAL_WINDOW_TABLES, &last_size) + last_size;
    uintptr_t lo = ram < first ? ram : first;
    uintptr_t hi = ram + ram_size > end ? ram + ram_size : end;
    for (unsigned i = 0; i < hal_core_count(); i++) {
        uintptr_t stack = (uintptr_t)host_core_at(i)->stack_top;
        lo = stack - USED < lo ? stack - USED : lo;
        hi = stack > hi ? stack : hi;
    }
    __tsan_java_init(lo, hi - lo);
}

void host_fiber_to_core(struct host_core *c, struct hal_g *from, bool for_ever) {
    unsigned i = index_of(c);
    (void)for_ever;
    if (i == 0 && from == NULL) { /* power-on */
        know_memory();
    }
    if (g0[i].fiber == NULL) {
        g0[i].fiber = __tsan_create_fiber(0);
        AnnotateBenignRaceSized(__FILE__, __LINE__, &errno, sizeof errno, "each G's own, by turns");
    }
    switch_to(g0[i].fiber);
}

void host_fiber_on_core(struct host_core *c) {
    struct g0 *me = &g0[index_of(c)];
    if (++me->uses >= RENEW_AFTER) {
        renew(me);
        switch_to(me->fiber);
    }
    if (me->old != NULL) {
        sanitize_open(c->stack_top - USED, USED); /* one g0 after the other has its variables there */
        __tsan_destroy_fiber(me->old);
        me->old = NULL;
    }
}

void host_fiber_to_g(struct host_core *c, const struct hal_g *g) {
    (void)c;
    switch_to(g->port);
}

/* What was released to it before it was started, or by who woke it. */
void host_fiber_on_g(const struct hal_g *g) {
    sanitize_acquire(g);
}

/* hal/host is not instrumented: what its atomics order is said here. */
void host_fiber_posts(struct host_core *c) {
    __tsan_release(&c->pending);
}

void host_fiber_takes(struct host_core *c) {
    __tsan_acquire(&c->pending);
}

/* ---- the runtime's calls ---------------------------------------------------------------------- */

bool sanitize_g_begins(struct g *g, const char *name, uintptr_t lo, uintptr_t hi) {
    /* relaxed: a count, orders nothing */
    if (atomic_fetch_add_explicit(&fibers, 1, memory_order_relaxed) >= FIBERS) {
        atomic_fetch_sub_explicit(&fibers, 1, memory_order_relaxed);
        return false;
    }
    sanitize_open((void *)lo, hi - lo);
    void *fiber = __tsan_create_fiber(0); /* it sees what its creator did so far */
    __tsan_set_fiber_name(fiber, name != NULL ? name : "goroutine");
    ((struct hal_g *)g)->port = fiber;
    return true;
}

void sanitize_g_ends(struct g *g, uintptr_t lo, uintptr_t hi) {
    sanitize_close((void *)lo, hi - lo);
    __tsan_destroy_fiber(((struct hal_g *)g)->port);
    atomic_fetch_sub_explicit(&fibers, 1, memory_order_relaxed);
}

void sanitize_release(const void *object) {
    __tsan_release((void *)(uintptr_t)object);
}

/* A fresh g0 that has seen what this G has, and only that: an old one that learned it in addition
 * would tell it to every G whose lock it opens. */
void sanitize_follow(void) {
    if (!HOST_FIBERS_ORDERED) {
        renew(&g0[index_of(host_self())]);
    }
}

void sanitize_acquire(const void *object) {
    __tsan_acquire((void *)(uintptr_t)object);
}

/* Memory that changes hands is new: what was done with it before is no race with what comes. */
void sanitize_open(const void *p, size_t n) {
    __tsan_java_alloc((unsigned long)(uintptr_t)p, (n + 7) & ~7ul);
}

void sanitize_close(const void *p, size_t n) {
    __tsan_java_free((unsigned long)(uintptr_t)p, (n + 7) & ~7ul);
}

void sanitize_alloc(void *p, size_t size, size_t all, uintptr_t back) {
    (void)all;
    (void)back;
    sanitize_open(p, size);
}
