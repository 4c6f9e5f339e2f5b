/*
 * hal/host/switch.c - leaving and entering Gs.
 *
 * The race: another core enters the G before its registers are saved. host_switch_out() stores the
 * stack pointer when nothing more is written to the old stack, and only then runs what publishes
 * the G.
 */
#include <errno.h>

#include "hal/host/fiber.h"
#include "hal/host/machine.h"

#if defined(__aarch64__)
_Static_assert(offsetof(struct host_context, fp) == 80, "context.S");
_Static_assert(offsetof(struct host_context, d) == 96, "context.S");
_Static_assert(offsetof(struct host_context, fpcr) == 160, "context.S");
_Static_assert(sizeof(struct host_context) == 176, "context.S");
#else
_Static_assert(offsetof(struct host_context, fp) == 48, "context.S");
_Static_assert(offsetof(struct host_context, pc) == 56, "context.S");
#endif

/* The C library's headers promise the compiler that errno's address never changes in a function;
 * each of these is a function of its own, so that it is found in the thread that runs it. */
__attribute__((noinline)) int host_errno(void) {
    int e = errno;
    __asm__ volatile("" : "+r"(e) : : "memory");
    return e;
}

__attribute__((noinline)) void host_set_errno(int e) {
    errno = e;
    __asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) int *host_errno_location(void) {
    int *e = &errno;
    __asm__ volatile("" : "+r"(e) : : "memory");
    return e;
}

struct leaving {
    struct g *g;
    hal_then *then;
    void *arg;
};

/* On the core stack. */
static void left(void *arg) {
    struct leaving l = *(struct leaving *)arg; /* on the G's stack, which then() may give away */
    struct host_core *c = host_self();
    host_fiber_on_core(c);
    c->self = c->hal->g0;
    hal_enter(l.then(l.g, l.arg));
}

void hal_park(struct g *g, hal_then *then, void *arg) {
    struct leaving l = {.g = g, .then = then, .arg = arg};
    struct host_core *c = host_self();
    int e = host_errno();
    host_fiber_to_core(c, (struct hal_g *)g, false);
    host_switch_out(&((struct hal_g *)g)->sp, c->stack_top, left, &l);
    host_fiber_on_g((struct hal_g *)g);
    host_set_errno(e);
    hal_irq_unmask();
}

_Noreturn void hal_leave(struct g *g, hal_then *then, void *arg) {
    struct leaving l = {.g = g, .then = then, .arg = arg};
    struct host_core *c = host_self();
    void *never;
    host_fiber_to_core(c, (struct hal_g *)g, true);
    host_switch_out(&never, c->stack_top, left, &l);
    host_die("hal_leave: a goroutine that had ended was entered");
}

_Noreturn void hal_enter(struct g *g) {
    struct host_core *c = host_self();
    void *sp = ((struct hal_g *)g)->sp;
    if (sp == NULL) {
        sp = host_frame_sp(sched_resumes(g));
    }
    c->self = g;
    host_fiber_to_g(c, (struct hal_g *)g);
    host_switch_in(sp);
}

void hal_prepare(struct g *g, void *top, void (*fn)(void *), void *arg) {
    struct host_context *c = (struct host_context *)top - 1;
    host_context_init(c, fn, arg);
    ((struct hal_g *)g)->sp = c;
}

_Noreturn void host_first(void (*fn)(void *arg), void *arg) {
    host_fiber_on_g((struct hal_g *)hal_self());
    host_set_errno(0);
    hal_irq_unmask();
    fn(arg);
    sched_returned();
    host_die("sched_returned: it came back");
}
