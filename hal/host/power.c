/*
 * hal/host/power.c - how everything ends: exit, start again, stopping the others for a report.
 *
 * The stop is a signal, the one way to reach a thread that has its interrupts masked or is in the C
 * library. It may hold a lock there: what reports does not use the C library's.
 */
#include "hal/host/host.h"

#include <signal.h>
#include <unistd.h>

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

_Noreturn void hal_stop_self(void) {
    /* release: pairs with the acquire below, this core has written its last */
    atomic_store_explicit(&host_self()->stopped, true, memory_order_release);
    for (;;) {
        pause();
    }
}

static void on_stop(int sig, siginfo_t *info, void *context) {
    (void)sig;
    (void)info;
    (void)context;
    hal_stop_self();
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
