/*
 * hal/host/sanitize/address.c - stacks of Gs and objects of the runtime as the compiler's address
 * sanitizer must know them: SAN=address.
 *
 * A G that never returns (go_exit(), or g0 each time) leaves the marks around its variables on the
 * stack, so a stack is wiped clean where it begins anew. The stack of a G that has ended is out of
 * bounds until another G gets it: a pointer to its variables is found.
 */
#include <stdlib.h>

#include "hal/host/fiber.h"
#include "hal/sanitize.h"

/* The sanitizer's own. */
void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *size);
void __asan_poison_memory_region(const volatile void *p, size_t n);
void __asan_unpoison_memory_region(const volatile void *p, size_t n);
const char *__asan_default_options(void);

/* A G's. */
struct fiber {
    void *fake_stack;
    uintptr_t lo, hi;
};

/* Leaks: the stacks of Gs are not searched for pointers. Status 66 as with the other sanitizers. */
const char *__asan_default_options(void) {
    return "detect_leaks=0:exitcode=66:detect_stack_use_after_return=0:handle_segv=0:"
           "allow_user_segv_handler=1:use_sigaltstack=0";
}

static const char *core_lo(const struct host_core *c) {
    return c->stack_top - HOST_CORE_STACK;
}

void host_fiber_to_core(struct host_core *c, struct hal_g *from, bool for_ever) {
    struct fiber *f = from != NULL ? from->port : NULL;
    /* no place to remember it in: the fake stack is given up */
    __sanitizer_start_switch_fiber(f != NULL && !for_ever ? &f->fake_stack : NULL, core_lo(c),
                                   HOST_CORE_STACK);
}

void host_fiber_on_core(struct host_core *c) {
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
    __asan_unpoison_memory_region(core_lo(c), HOST_CORE_STACK);
}

void host_fiber_to_g(struct host_core *c, const struct hal_g *g) {
    const struct fiber *f = g->port;
    (void)c;
    void *unused;
    __sanitizer_start_switch_fiber(&unused, (void *)f->lo, f->hi - f->lo);
}

void host_fiber_on_g(const struct hal_g *g) {
    __sanitizer_finish_switch_fiber(((struct fiber *)g->port)->fake_stack, NULL, NULL);
}

void host_fiber_posts(struct host_core *c) {
    (void)c;
}

void host_fiber_takes(struct host_core *c) {
    (void)c;
}

/* ---- the runtime's calls ---------------------------------------------------------------------- */

bool sanitize_g_begins(struct g *g, const char *name, uintptr_t lo, uintptr_t hi) {
    (void)name;
    struct fiber *f = malloc(sizeof *f);
    if (f == NULL) {
        return false;
    }
    *f = (struct fiber){.lo = lo, .hi = hi};
    ((struct hal_g *)g)->port = f;
    __asan_unpoison_memory_region((void *)lo, hi - lo);
    return true;
}

void sanitize_g_ends(struct g *g, uintptr_t lo, uintptr_t hi) {
    free(((struct hal_g *)g)->port);
    __asan_poison_memory_region((void *)lo, hi - lo);
}

void sanitize_open(const void *p, size_t n) {
    __asan_unpoison_memory_region(p, n);
}

void sanitize_close(const void *p, size_t n) {
    __asan_poison_memory_region(p, n);
}
