/*
 * hal/host/fault.c - a signal that an instruction caused becomes sched_fault().
 *
 * The handler runs on the core's signal stack, which counts as core stack: a G may have none left.
 * It may be left for good (hal_leave): Linux tells by the stack pointer alone whether the signal
 * stack is in use, and no signal is blocked meanwhile. A fault of the report itself comes in on the
 * same stack, below.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "hal/host/machine.h"
#include "hal/host/uart.h"

static const char *what_segv(int code, bool write) {
    if (code == SEGV_MAPERR) {
        return write ? "segmentation fault: nothing is mapped there (write)"
                     : "segmentation fault: nothing is mapped there (read)";
    }
    if (code == SEGV_ACCERR) {
        return write ? "segmentation fault: no permission (write)"
                     : "segmentation fault: no permission (read)";
    }
    return "segmentation fault: not an address";
}

static const char *what_of(int sig, int code, bool write) {
    if (code <= 0) {
        return strsignal(sig); /* somebody sent it */
    }
    switch (sig) {
    case SIGSEGV:
        return what_segv(code, write);
    case SIGBUS:
        return code == BUS_ADRALN ? "alignment fault" : "bus error: no memory behind the address";
    case SIGFPE:
        return code == FPE_INTDIV ? "integer division by zero" : "arithmetic fault";
    default:
        return "undefined instruction";
    }
}

static struct host_fault decode(int sig, const siginfo_t *info, const struct host_regs *r) {
    const struct host_core *c = host_self();
    const char *sp = (const char *)r->sp;
    uintptr_t address = (uintptr_t)info->si_addr;
    bool memory = sig == SIGSEGV || sig == SIGBUS;
    memory = memory && info->si_code > 0 && info->si_code != SI_KERNEL; /* those have no address */
    return (struct host_fault){
        .fault =
            {
                .what = what_of(sig, info->si_code, r->write),
                .pc = r->pc,
                .sp = r->sp,
                .address = memory ? address : 0,
                .has_address = memory,
                .on_core_stack = sp >= c->stacks_lo && sp < c->stack_top,
                .masked = c->masked,
                /* In a window, "no permission" is a guard. */
                .translation = memory && sig == SIGSEGV &&
                               (info->si_code == SEGV_MAPERR || host_in_window(address)),
                .syndrome = r->syndrome,
                .regs = r->x,
            },
        .fp = r->fp,
        .lr = r->lr,
    };
}

static void on_fault(int sig, siginfo_t *info, void *context) {
    struct host_core *c = host_self();
    if (host_pc(context) == (uintptr_t)host_peek_insn) {
        host_set_pc(context, (uintptr_t)host_peek_failed);
        return;
    }
    if (c == NULL) {
        host_uart_restore(); /* not a core: it faults again, and dies of it */
        signal(sig, SIG_DFL);
        return;
    }
    int e = errno;
    struct host_regs r = host_regs_of(context);
    struct host_fault f = decode(sig, info, &r);
    bool masked = c->masked;
    c->masked = true;
    if (!sched_fault(&f.fault)) {
        host_die("sched_fault: returned false");
    }
    c->masked = masked;
    errno = e;
}

void host_on_signal(int sig, void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction a = {.sa_sigaction = handler};
    a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&a.sa_mask);
    sigaction(sig, &a, NULL);
}

void host_faults_init(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        host_on_signal(signals[i], on_fault);
    }
}

void host_fault_stack(void *lo, size_t size) {
    stack_t s = {.ss_sp = lo, .ss_size = size};
    sigaltstack(&s, NULL);
}
