/*
 * hal/host/power.c - how everything ends: exit, start again, stopping the others for a report.
 *
 * The stop is a signal, the one way to reach a thread that has its interrupts masked or is in the C
 * library. It may hold a lock there: what reports does not use the C library's.
 */
#include <signal.h>
#include <unistd.h>

#include "hal/host/machine.h"
#include "hal/host/uart.h"

#define STOP_SIGNAL  SIGRTMIN
#define STOP_STEP_NS 1000000
#define STOP_STEPS   100

static char **arguments;

void host_power_init(char **argv) {
    arguments = argv;
}

/* Nothing of the C library's is flushed: machine_exit() says so, and a report may come from the
 * middle of it. When main() returns, exit() has flushed. */
_Noreturn void hal_exit(int status) {
    host_uart_restore();
    _exit(status);
}

_Noreturn void hal_reset(void) {
    host_uart_restore();
    execv("/proc/self/exe", arguments);
    hal_exit(3);
}

_Noreturn static void stop(struct host_core *c, struct host_stop where) {
    c->stop = where;
    /* release: pairs with the acquire below, this core has written its last */
    atomic_store_explicit(&c->stopped, true, memory_order_release);
    for (;;) {
        pause();
    }
}

_Noreturn void hal_stop_self(void) {
    struct host_core *c = host_self();
    const uintptr_t *own = __builtin_frame_address(0);
    bool in_g = !hal_on_core_stack();
    stop(c, (struct host_stop){.g = in_g ? c->self : NULL, .pc = own[1], .fp = own[0]});
}

/* The signal came at any instruction: in the G, or over a G that a handler has stopped; where g0 is
 * about to enter a G there is no telling. */
static struct host_stop where(const struct host_core *c, const struct host_regs *r) {
    const char *sp = (const char *)r->sp;
    if (c->self == c->hal->g0) {
        return (struct host_stop){0};
    }
    if (sp < c->stacks_lo || sp >= c->stack_top) {
        return (struct host_stop){.g = c->self, .pc = r->pc, .fp = r->fp, .lr = r->lr};
    }
    if (!c->hal->in_handler) {
        return (struct host_stop){0};
    }
    const struct host_context *saved = c->interrupted_sp;
    return (struct host_stop){.g = c->self, .pc = saved->pc, .fp = saved->fp};
}

static void on_stop(int sig, siginfo_t *info, void *context) {
    (void)sig;
    (void)info;
    struct host_core *c = host_self();
    struct host_regs r = host_regs_of(context);
    if (!atomic_load_explicit(&c->stopped, memory_order_relaxed)) { /* else it was on its way */
        stop(c, where(c, &r));
    }
}

void host_stop_init(void) {
    host_on_signal(STOP_SIGNAL, on_stop);
}

/* The other cores that have not stopped. */
static unsigned still_going(void) {
    unsigned going = 0;
    for (unsigned i = 0; i < hal_core_count(); i++) {
        struct host_core *c = host_core_at(i);
        if (c != host_self() && !atomic_load_explicit(&c->stopped, memory_order_acquire)) {
            going |= 1u << i;
        }
    }
    return going;
}

unsigned hal_stop_others(void) {
    unsigned going = still_going();
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if ((going & (1u << i)) != 0) {
            pthread_kill(host_core_at(i)->thread, STOP_SIGNAL);
        }
    }
    for (int i = 0; i < STOP_STEPS && (going = still_going()) != 0; i++) {
        hal_delay(STOP_STEP_NS);
    }
    return going;
}
