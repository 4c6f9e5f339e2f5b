/*
 * hal/sanitize/address.c - accesses to what is not, or no longer, an object: SAN=address on a machine.
 *
 * Each 8 bytes of address space have a byte of shadow: 0 says that all 8 may be touched, 1 to 7 that
 * so many of the first may, and one of the values below that none may, and why. The compiler calls
 * us before each access, so that we look; around the variables of a function it writes the shadow by
 * itself. Shadow is made where memory is (image and RAM at boot, a window's with its tables), and
 * what has none is looked at by hal_peek(): it may be touched, as far as we know. So the check needs
 * neither a list of what there is nor to be switched on.
 *
 * The first report ends the machine: what comes after it has been overwritten, or was read from
 * nowhere.
 *
 * An object is followed by who asked for it (struct born), which nobody may touch. A G that never
 * returns leaves the marks around its variables on the stack: g0 each time, and a throw. So before
 * each call that does not return the stack is opened above it.
 */
#include <stdatomic.h>

#include "hal/hal.h"
#include "hal/kprint.h"
#include "hal/sanitize/address.h"

/* The compiler's. */
#define STACK_LEFT   0xf1u
#define STACK_MIDDLE 0xf2u
#define STACK_RIGHT  0xf3u
#define STACK_SCOPE  0xf8u
#define ALLOCA_LEFT  0xcau
#define ALLOCA_RIGHT 0xcbu
/* Ours. */
#define STACK_DEAD 0xf5u
#define GLOBAL     0xf9u
#define AROUND     0xfau
#define GIVEN_BACK 0xfdu

#define GRAIN ((uintptr_t)8)
#define BLOCK (8 * GRAIN) /* of 8 bytes of shadow */

#define BACK ((uintptr_t)__builtin_return_address(0))

static uintptr_t shadow_of(uintptr_t address) {
    return SANITIZE_SHADOW + address / GRAIN;
}

static uintptr_t up(uintptr_t a, uintptr_t to) {
    return (a + to - 1) & ~(to - 1);
}

bool sanitize_map(uintptr_t va, size_t size, void *(*page)(void)) {
    if (va >= SANITIZE_SHADOW) {
        return true; /* it is shadow, which has none */
    }
    uintptr_t from = shadow_of(va) & ~(uintptr_t)(HAL_PAGE - 1), to = shadow_of(va + size - 1) + 1;
    if (!hal_map_tables(from, to - from, page)) {
        return false;
    }
    for (uintptr_t at = from; at < to; at += HAL_PAGE) {
        uint64_t unused;
        if (hal_peek(at, &unused)) {
            continue;
        }
        uint64_t *fresh = page();
        if (fresh == NULL) {
            return false;
        }
        for (unsigned i = 0; i < HAL_PAGE / sizeof *fresh; i++) {
            fresh[i] = 0;
        }
        hal_map(at, fresh);
    }
    return true;
}

/* ---- marking --------------------------------------------------------------------------------- */

/* [p, p + n), p a multiple of 8, and what is left of the last 8 bytes. */
static void mark(uintptr_t p, size_t n, uint8_t value) {
    uint8_t *at = (uint8_t *)shadow_of(p), *end = (uint8_t *)shadow_of(up(p + n, GRAIN));
    for (; at < end && ((uintptr_t)at & 7) != 0; at++) {
        *at = value;
    }
    for (; end - at >= 8; at += 8) {
        *(uint64_t *)(void *)at = value * UINT64_C(0x0101010101010101);
    }
    for (; at < end; at++) {
        *at = value;
    }
}

void sanitize_open(const void *p, size_t n) {
    mark((uintptr_t)p, n & ~(GRAIN - 1), 0);
    if (n % GRAIN != 0) {
        *(uint8_t *)shadow_of((uintptr_t)p + n) = (uint8_t)(n % GRAIN);
    }
}

void sanitize_close(const void *p, size_t n) {
    mark((uintptr_t)p, n, GIVEN_BACK);
}

bool sanitize_g_begins(struct g *g, const char *name, uintptr_t lo, uintptr_t hi) {
    (void)g;
    (void)name;
    mark(lo, hi - lo, 0);
    return true;
}

void sanitize_g_ends(struct g *g, uintptr_t lo, uintptr_t hi) {
    (void)g;
    mark(lo, hi - lo, STACK_DEAD);
}

/* ---- objects --------------------------------------------------------------------------------- */

#define BORN 0x626f726eu /* "born" */

/* Behind an object, at the next 8 bytes: whose it is. */
struct born {
    uint32_t magic;
    uint32_t unused;
    uint64_t size;
    struct sanitize_note by;
};
_Static_assert(sizeof(struct born) + GRAIN <= SANITIZE_REDZONE_BYTES, "it fits behind any object");

void sanitize_alloc(void *p, size_t size, size_t all, uintptr_t back) {
    uintptr_t end = up((uintptr_t)p + size, GRAIN);
    struct born *b = (struct born *)end;
    sanitize_open(p, all); /* the copies of structures look, too */
    sanitize_note_caller(&b->by, back);
    b->magic = BORN;
    b->size = size;
    sanitize_open(p, size);
    mark(end, (uintptr_t)p + all - end, AROUND);
}

void sanitize_before(const void *p, size_t n) {
    mark((uintptr_t)p, n, AROUND);
}

/* The object that address lies in or behind, or not far before; NULL: none. */
static const struct born *born_near(uintptr_t address) {
    enum { FAR = 4096 };
    uintptr_t down = address & ~(GRAIN - 1), way[] = {down, down};
    for (unsigned i = 0; i < FAR / GRAIN; i++, way[0] -= GRAIN, way[1] += GRAIN) {
        for (unsigned k = 0; k < 2; k++) {
            const struct born *b = (const struct born *)way[k];
            uint64_t first, size;
            if (hal_peek(way[k], &first) && (uint32_t)first == BORN &&
                hal_peek((uintptr_t)&b->size, &size) && size <= way[k] &&
                up(way[k] - size, GRAIN) <= way[k]) {
                return b;
            }
        }
    }
    return NULL;
}

/* ---- globals --------------------------------------------------------------------------------- */

/* As the compiler lays it out. */
struct sanitize_global {
    uintptr_t at;
    size_t size, with_redzone;
    const char *name, *file;
    uintptr_t dynamic;
    const void *place;
    uintptr_t odr;
};

/* One array for each object file; set by constructors, which one G runs. */
#define ARRAYS 512u
static struct {
    const struct sanitize_global *all;
    size_t n;
} globals[ARRAYS];
static unsigned arrays;

void __asan_register_globals(const struct sanitize_global *all, size_t n);
void __asan_register_globals(const struct sanitize_global *all, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uintptr_t end = up(all[i].at + all[i].size, GRAIN);
        sanitize_open((const void *)all[i].at, all[i].size); /* open it is: other cores use what is theirs */
        mark(end, all[i].at + all[i].with_redzone - end, GLOBAL);
    }
    if (arrays < ARRAYS) {
        globals[arrays].all = all;
        globals[arrays++].n = n;
    }
}

void __asan_unregister_globals(const struct sanitize_global *all, size_t n);
void __asan_unregister_globals(const struct sanitize_global *all, size_t n) {
    (void)all; /* the program has come to its end */
    (void)n;
}

static const struct sanitize_global *global_at(uintptr_t address) {
    for (unsigned i = 0; i < arrays; i++) {
        for (size_t k = 0; k < globals[i].n; k++) {
            const struct sanitize_global *g = &globals[i].all[k];
            if (address - g->at < g->with_redzone) {
                return g;
            }
        }
    }
    return NULL;
}

/* ---- reports --------------------------------------------------------------------------------- */

static const char *meaning(uint8_t value) {
    switch (value) {
    case STACK_LEFT:
    case STACK_MIDDLE:
    case STACK_RIGHT:
    case ALLOCA_LEFT:
    case ALLOCA_RIGHT:
        return "outside of a variable on the stack";
    case STACK_SCOPE:
        return "a variable whose block has ended";
    case STACK_DEAD:
        return "the stack of a goroutine that has ended";
    case GLOBAL:
        return "outside of a global";
    case GIVEN_BACK:
        return "what was given back";
    default:
        return "outside of an object";
    }
}

static void tell_object(uintptr_t address, uintptr_t p, size_t size) {
    bool before = address < p;
    uintptr_t far = before ? p - address : address - p;
    kprintf("%lu bytes %s an object of %lu bytes at %p\n",
            (unsigned long)(before || far < size ? far : far - size),
            before       ? "before"
            : far < size ? "into"
                         : "behind",
            (unsigned long)size, (void *)p);
}

static void tell_what(uintptr_t address, uint8_t value) {
    const struct sanitize_global *g = value == GLOBAL ? global_at(address) : NULL;
    if (g != NULL) {
        kprintf("%lu bytes behind %s of %lu bytes (%s)\n",
                (unsigned long)(address - g->at - g->size), g->name, (unsigned long)g->size, g->file);
        return;
    }
    bool of_object = value == AROUND || value == GIVEN_BACK;
    const struct sanitize_held *held = of_object ? sanitize_held_at(address) : NULL;
    const struct born *b =
        of_object && (held != NULL || value != GIVEN_BACK) ? born_near(address) : NULL;
    if (b != NULL) {
        tell_object(address, (uintptr_t)b - up(b->size, GRAIN), b->size);
        sanitize_print_note("allocated", &b->by);
    }
    if (held != NULL) {
        sanitize_print_note("freed", &held->by);
    }
}

/* A report is on its way, by the only core that runs: what it touches itself is not told. */
static _Atomic bool telling;

static void tell_alone(void) {
    sanitize_alone();
    atomic_store_explicit(&telling, true, memory_order_relaxed);
}

_Noreturn static void report(const char *what, size_t n, uintptr_t address, uintptr_t bad,
                             uintptr_t back) {
    static struct sanitize_trace trace; /* of the one core that goes on */
    uint8_t value = *(const uint8_t *)shadow_of(bad);
    uint64_t behind;
    if (value < GRAIN && hal_peek((shadow_of(bad) + 1) & ~(uintptr_t)7, &behind)) {
        value = (uint8_t)(behind >> (shadow_of(bad) + 1) % 8 * 8); /* what is behind the first of 8 bytes */
    }
    tell_alone();
    kprintf("\nsanitizer: %s of %lu bytes at %p: %s\n", what, (unsigned long)n, (void *)address,
            meaning(value));
    sanitize_take_trace(&trace, back);
    sanitize_print_trace("\ndone", &trace);
    kprintf("\n");
    tell_what(bad, value);
    sanitize_stop();
}

_Noreturn void sanitize_bad_free(const void *p, const char *why, uintptr_t back) {
    static struct sanitize_trace trace;
    tell_alone();
    kprintf("\nsanitizer: free of %p: %s\n", p, why);
    sanitize_take_trace(&trace, back);
    sanitize_print_trace("\ndone", &trace);
    kprintf("\n");
    tell_what((uintptr_t)p, AROUND);
    sanitize_stop();
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* The first byte of [a, a + n) that may not be touched, or 0. */
static uintptr_t bad_byte(uintptr_t a, size_t n) {
    for (uintptr_t block = a & ~(BLOCK - 1); block < a + n; block += BLOCK) {
        uint64_t word;
        if (!hal_peek(shadow_of(block), &word) || word == 0) {
            continue;
        }
        for (uintptr_t at = block; at < block + BLOCK; at += GRAIN, word >>= 8) {
            uint8_t k = (uint8_t)word;
            uintptr_t open = at + (k < GRAIN ? k : 0); /* the end of what is */
            uintptr_t first = a > open ? a : open;
            if (k != 0 && first < at + GRAIN && first < a + n) {
                return first;
            }
        }
    }
    return 0;
}

void sanitize_check(const volatile void *p, size_t n, bool writes, uintptr_t back) {
    uintptr_t bad = n != 0 ? bad_byte((uintptr_t)p, n) : 0;
    /* relaxed: set by this core, or by one that stops us */
    if (bad != 0 && !atomic_load_explicit(&telling, memory_order_relaxed)) {
        report(writes ? "write" : "read", n, (uintptr_t)p, bad, back);
    }
}

/* The compiler knows these names; there is no header. */
#define ACCESS(name, size, writes)                                                                 \
    void __asan_##name##size##_noabort(const volatile void *p);                                    \
    void __asan_##name##size##_noabort(const volatile void *p) {                                   \
        sanitize_check(p, size, writes, BACK);                                                     \
    }

#define ACCESSES(size)                                                                             \
    ACCESS(load, size, false)                                                                      \
    ACCESS(store, size, true)

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __asan_loadN_noabort(const volatile void *p, size_t n);
void __asan_loadN_noabort(const volatile void *p, size_t n) {
    sanitize_check(p, n, false, BACK);
}

void __asan_storeN_noabort(const volatile void *p, size_t n);
void __asan_storeN_noabort(const volatile void *p, size_t n) {
    sanitize_check(p, n, true, BACK);
}

/* A variable's block ends, and begins. */
void __asan_poison_stack_memory(uintptr_t p, size_t n);
void __asan_poison_stack_memory(uintptr_t p, size_t n) {
    mark(p, n, STACK_SCOPE);
}

void __asan_unpoison_stack_memory(const void *p, size_t n);
void __asan_unpoison_stack_memory(const void *p, size_t n) {
    sanitize_open(p, n);
}

/* An array of n bytes at p, which is a multiple of 32, with 32 bytes before and behind. */
void __asan_alloca_poison(uintptr_t p, size_t n);
void __asan_alloca_poison(uintptr_t p, size_t n) {
    mark(p - 32, 32, ALLOCA_LEFT);
    mark(up(p + n, GRAIN), up(p + n, 32) + 32 - up(p + n, GRAIN), ALLOCA_RIGHT);
    sanitize_open((const void *)p, n);
}

void __asan_allocas_unpoison(uintptr_t from, uintptr_t to);
void __asan_allocas_unpoison(uintptr_t from, uintptr_t to) {
    if (from != 0 && from < to) {
        mark(from, to - from, 0);
    }
}

void __asan_handle_no_return(void);
void __asan_handle_no_return(void) {
    hal_irq_t was = hal_irq_save();
    if (hal_core() != NULL) { /* else it is the boot, before the first G */
        struct sanitize_who who;
        sched_who(&who);
        uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
        if (sp >= who.lo && sp < who.hi) { /* not on the emergency stack */
            mark(sp, who.hi - sp, 0);
        }
    }
    hal_irq_restore(was);
}
