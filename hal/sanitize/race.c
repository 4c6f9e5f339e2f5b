/*
 * hal/sanitize/race.c - data races seen as they happen: SAN=race on a machine.
 *
 * The compiler calls us before each access. Of some we make a watchpoint: the access waits a little
 * while others may run into it, on another core, or on this one after a preemption. Who touches the
 * same bytes meanwhile, and one of the two writes, has raced: nothing orders the two, since one is
 * still under way. So what is reported is true; what is not met in that while is not seen. Whose
 * bytes change although nobody was met has raced with code that is not instrumented.
 *
 * Atomic accesses make no watchpoints, but may run into one: a plain access beside an atomic one is
 * a race as well.
 *
 * A watchpoint is one word, so taking note of it is one compare-and-swap; who it belongs to was
 * written before, and is not changed until the one that hit it has let go.
 */
#include <stdatomic.h>

#include "hal/board.h"
#include "hal/hal.h"
#include "hal/kprint.h"
#include "hal/sanitize/report.h"

#define WATCHES 64u
#define KNOWN   64u /* pairs of places that have been reported */

/* One access in so many is watched, so long: a prime, or a loop would always show the same one. Each
 * eighth where interrupts are open waits longer, so that there may be a preemption meanwhile, and
 * an emulator's other core gets to run. */
#define EVERY    499u
#define WATCH_NS 20000
#define LONG_ONE 8u
#define LONG_NS  2000000

/* A watchpoint's word: address, size and kind; 0: free. */
#define ADDRESS  ((UINT64_C(1) << 48) - 1)
#define SIZE_AT  48
#define WRITES   (UINT64_C(1) << 56)
#define HIT      (UINT64_C(1) << 57) /* somebody reports it */
#define DONE     (UINT64_C(1) << 58) /* and has */
#define VOLATILE (UINT64_C(1) << 59)

static struct watch {
    _Atomic uint64_t word;
    struct sanitize_trace trace; /* written before word, by who sets it */
} watches[WATCHES];

static _Atomic bool on;

/* Accesses until the next watchpoint, and watchpoints so far; own core, and a preemption in between
 * does no harm. */
static struct { uint32_t left, set; } turns[HAL_MAX_CORES];

static int64_t patience(bool masked) {
    uint32_t n = ++turns[((const struct hal_core *)hal_core())->index].set;
    return !masked && n % LONG_ONE == 0 ? LONG_NS : WATCH_NS;
}

static struct watch *watch_of(uintptr_t address) {
    return &watches[(address >> 3) * 0x9e3779b1u >> 7 & (WATCHES - 1)];
}

/* kind: WRITES and VOLATILE, or none of them. */
static uint64_t word_of(uintptr_t address, size_t size, uint64_t kind) {
    return (address & ADDRESS) | (uint64_t)size << SIZE_AT | kind;
}

static bool meets(uint64_t word, uintptr_t address, size_t size) {
    uintptr_t other = word & ADDRESS;
    return address < other + (word >> SIZE_AT & 0xff) && other < address + size;
}

/* ---- reports --------------------------------------------------------------------------------- */

static _Atomic bool reporting; /* one report at a time */

/* guarded by reporting */
static struct { uintptr_t a, b; } known[KNOWN];
static unsigned known_count;
static struct sanitize_trace mine;

static bool is_new(uintptr_t a, uintptr_t b) {
    for (unsigned i = 0; i < known_count; i++) {
        if ((known[i].a == a && known[i].b == b) || (known[i].a == b && known[i].b == a)) {
            return false;
        }
    }
    if (known_count < KNOWN) {
        known[known_count].a = a;
        known[known_count++].b = b;
    }
    return true;
}

static const char *verb(uint64_t kind) {
    return (kind & WRITES) != 0 ? "\nwrite" : "\nread";
}

/* Masked. other: who was met, or NULL. */
static void report(uintptr_t address, size_t size, uint64_t kind, const struct watch *other,
                   uint64_t other_kind, uintptr_t back) {
    while (atomic_exchange_explicit(&reporting, true, memory_order_acquire)) {
        hal_relax();
    }
    sanitize_take_trace(&mine, back);
    if (is_new(mine.pc[0], other != NULL ? other->trace.pc[0] : 0)) {
        sanitize_found();
        kprintf("\nsanitizer: data race on %lu bytes at %p\n", (unsigned long)size, (void *)address);
        sanitize_print_trace(verb(kind), &mine);
        if (other != NULL) {
            sanitize_print_trace(verb(other_kind), &other->trace);
        } else {
            kprintf("\nand a write by code that is not instrumented\n");
        }
    }
    atomic_store_explicit(&reporting, false, memory_order_release);
}

/* ---- accesses -------------------------------------------------------------------------------- */

/* A handler meets the G that it has interrupted, and both accesses are volatile: what they are that
 * for. Masked; the watchpoint is hit. */
static bool is_own_handler(const struct watch *w, uint64_t kind, uint64_t other_kind) {
    struct sanitize_who who;
    sched_who(&who);
    return (kind & other_kind & VOLATILE) != 0 && who.id == w->trace.who.id &&
           who.core == w->trace.who.core;
}

/* Whether the access ran into a watchpoint. */
static bool look(uintptr_t address, size_t size, uint64_t kind, uintptr_t back) {
    struct watch *w = watch_of(address);
    /* relaxed: a look; the swap decides */
    uint64_t word = atomic_load_explicit(&w->word, memory_order_relaxed);
    if (word == 0 || !meets(word, address, size) || ((kind | word) & WRITES) == 0 ||
        (word & (HIT | DONE)) != 0) {
        return false;
    }
    hal_irq_t was = hal_irq_save();
    /* acquire: pairs with the release in watch(), its trace is there */
    if (atomic_compare_exchange_strong_explicit(&w->word, &word, word | HIT, memory_order_acquire,
                                                memory_order_relaxed)) {
        if (!is_own_handler(w, kind, word)) {
            report(address, size, kind, w, word, back);
        }
        /* release: pairs with the acquire in let_go(), the trace has been read */
        atomic_store_explicit(&w->word, word | HIT | DONE, memory_order_release);
    }
    hal_irq_restore(was);
    return true;
}

/* True: somebody has hit and reported it. */
static bool let_go(struct watch *w, uint64_t word) {
    uint64_t expected = word;
    if (atomic_compare_exchange_strong_explicit(&w->word, &expected, 0, memory_order_relaxed,
                                                memory_order_relaxed)) {
        return false;
    }
    while ((atomic_load_explicit(&w->word, memory_order_acquire) & DONE) == 0) {
        hal_relax();
    }
    atomic_store_explicit(&w->word, 0, memory_order_relaxed);
    return true;
}

/* The compiler aligns what it reads in one piece, and reading is what the access itself may do. */
static uint64_t value(uintptr_t address, size_t size) {
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)address;
    case 2:
        return *(const volatile uint16_t *)address;
    case 4:
        return *(const volatile uint32_t *)address;
    case 8:
        return *(const volatile uint64_t *)address;
    default:
        return 0;
    }
}

static void watch(uintptr_t address, size_t size, uint64_t kind, uintptr_t back) {
    struct watch *w = watch_of(address);
    /* keeps others off while the trace is written */
    const uint64_t setting = HIT;
    uint64_t none = 0, word = word_of(address, size, kind);
    bool masked = hal_irq_masked();
    hal_irq_t was = hal_irq_save();
    if (!atomic_compare_exchange_strong_explicit(&w->word, &none, setting, memory_order_relaxed,
                                                 memory_order_relaxed)) {
        hal_irq_restore(was);
        return;
    }
    sanitize_take_trace(&w->trace, back);
    uint64_t before = value(address, size);
    atomic_store_explicit(&w->word, word, memory_order_release); /* pairs with look() */
    int64_t until = hal_now() + patience(masked);
    hal_irq_restore(was);
    while (hal_now() < until && (atomic_load_explicit(&w->word, memory_order_relaxed) & HIT) == 0) {
        hal_relax();
    }
    uint64_t after = value(address, size);
    if (!let_go(w, word) && before != after) {
        was = hal_irq_save();
        report(address, size, kind, NULL, WRITES, back);
        hal_irq_restore(was);
    }
}

/* Registers change by themselves, and a read may do something. */
static bool is_device(uintptr_t address) {
    for (unsigned i = 0; i < BOARD_RANGES; i++) {
        if (address - board.devices[i].base < board.devices[i].size) {
            return true;
        }
    }
    return false;
}

static void access(const void *p, size_t size, uint64_t kind, uintptr_t back) {
    uintptr_t address = (uintptr_t)p;
    if (!atomic_load_explicit(&on, memory_order_relaxed) || look(address, size, kind, back)) {
        return;
    }
    uint32_t *n = &turns[((const struct hal_core *)hal_core())->index].left;
    if (*n != 0) {
        --*n;
        return;
    }
    *n = EVERY;
    if (!is_device(address)) {
        watch(address, size, kind, back);
    }
}

/* Cores know who they are from the first goroutine on. */
bool sanitize_g_begins(struct g *g, const char *name, uintptr_t lo, uintptr_t hi) {
    (void)g;
    (void)name;
    (void)lo;
    (void)hi;
    atomic_store_explicit(&on, true, memory_order_relaxed);
    return true;
}

/* ---- what the compiler calls: the names are its own, there is no header ---------------------- */

#define BACK ((uintptr_t)__builtin_return_address(0))

#define ACCESS(name, size, kind)                                                                   \
    void __tsan_##name(const void *p);                                                             \
    void __tsan_##name(const void *p) {                                                            \
        access(p, size, kind, BACK);                                                               \
    }

#define ACCESSES(size)                                                                             \
    ACCESS(read##size, size, 0)                                                                    \
    ACCESS(write##size, size, WRITES)                                                              \
    ACCESS(unaligned_read##size, size, 0)                                                          \
    ACCESS(unaligned_write##size, size, WRITES)                                                    \
    ACCESS(volatile_read##size, size, VOLATILE)                                                    \
    ACCESS(volatile_write##size, size, VOLATILE | WRITES)

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __tsan_read_range(const void *p, size_t n);
void __tsan_read_range(const void *p, size_t n) {
    access(p, n < 255 ? n : 255, 0, BACK);
}

void __tsan_write_range(const void *p, size_t n);
void __tsan_write_range(const void *p, size_t n) {
    access(p, n < 255 ? n : 255, WRITES, BACK);
}

void __tsan_init(void);
void __tsan_init(void) {
}

/* An atomic access only looks. Its order is the strongest whatever was asked for: what a weaker one
 * allows is not what this build is for. */
static void looks(const volatile void *p, size_t size, uint64_t kind, uintptr_t back) {
    if (atomic_load_explicit(&on, memory_order_relaxed)) {
        look((uintptr_t)p, size, kind, back);
    }
}

#define MODIFY(bits, type, name)                                                                   \
    type __tsan_atomic##bits##_##name(volatile type *p, type v, int order);                        \
    type __tsan_atomic##bits##_##name(volatile type *p, type v, int order) {                       \
        (void)order;                                                                               \
        looks(p, sizeof(type), WRITES, BACK);                                                      \
        return __atomic_##name(p, v, __ATOMIC_SEQ_CST);                                            \
    }

#define COMPARE(bits, type, name, weak)                                                               \
    int __tsan_atomic##bits##_compare_exchange_##name(volatile type *p, type *expected, type v,       \
                                                      int order, int failed);                         \
    int __tsan_atomic##bits##_compare_exchange_##name(volatile type *p, type *expected, type v,       \
                                                      int order, int failed) {                        \
        (void)order;                                                                                  \
        (void)failed;                                                                                 \
        looks(p, sizeof(type), WRITES, BACK);                                                         \
        return __atomic_compare_exchange_n(p, expected, v, weak, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    }

#define ATOMIC(bits, type)                                                                         \
    type __tsan_atomic##bits##_load(const volatile type *p, int order);                            \
    type __tsan_atomic##bits##_load(const volatile type *p, int order) {                           \
        (void)order;                                                                               \
        looks(p, sizeof(type), 0, BACK);                                                           \
        return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                               \
    }                                                                                              \
    void __tsan_atomic##bits##_store(volatile type *p, type v, int order);                         \
    void __tsan_atomic##bits##_store(volatile type *p, type v, int order) {                        \
        (void)order;                                                                               \
        looks(p, sizeof(type), WRITES, BACK);                                                      \
        __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                  \
    }                                                                                              \
    type __tsan_atomic##bits##_exchange(volatile type *p, type v, int order);                      \
    type __tsan_atomic##bits##_exchange(volatile type *p, type v, int order) {                     \
        (void)order;                                                                               \
        looks(p, sizeof(type), WRITES, BACK);                                                      \
        return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                        \
    }                                                                                              \
    MODIFY(bits, type, fetch_add)                                                                  \
    MODIFY(bits, type, fetch_sub)                                                                  \
    MODIFY(bits, type, fetch_or)                                                                   \
    MODIFY(bits, type, fetch_and)                                                                  \
    MODIFY(bits, type, fetch_xor)                                                                  \
    COMPARE(bits, type, strong, false)                                                             \
    COMPARE(bits, type, weak, true)

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order) {
    (void)order;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order) {
    (void)order;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
