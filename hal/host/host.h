/*
 * hal/host/host.h - what the files of this port share: a core as a thread.
 *
 * A core is a pthread that has left its own stack for the core stack and the stacks of Gs.
 * Interrupts are bits in `pending`, which anyone may set; the core takes them itself, where it
 * looks: at control-flow edges of programs, when it opens its mask, and in hal_idle()
 * (interrupt.c).
 */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "hal/hal.h"

/* Bits of host_core.pending. */
#define PENDING_IPI    1u
#define PENDING_LINES  2u
#define PENDING_ASLEEP 4u /* no interrupt: the core waits in the kernel; who sets a bit wakes it */

/* Bytes of a core stack: handlers and the scheduler never nest, but a handler may be a program's. */
#define HOST_CORE_STACK (256u << 10)

struct host_core {
    /* anyone sets bits, the owner takes them all */
    _Atomic uint32_t pending;

    /* owner only */
    bool masked;
    struct g *self;       /* the G that runs, or g0 */
    void *interrupted_sp; /* of the G that a handler runs over */
    const void *edge;     /* of the program, where it was interrupted */
    int64_t armed;        /* when the timer upcall is due; INT64_MAX: never */
    int64_t seen;         /* the latest time that the core has read */
    uint32_t edges;       /* looks for interrupts since then */
    uint32_t relaxed;     /* calls of hal_relax() */

    _Atomic bool stopped;     /* set by the owner, for hal_stop_others() */
    struct host_stop {        /* where it was then; before stopped */
        const struct g *g;    /* NULL: not known, or no G */
        uintptr_t pc, fp, lr; /* as in hal_fault and host_fault */
    } stop;

    /* set once before the core enters the scheduler */
    struct core *core;
    struct hal_core *hal; /* the head of core */
    char *stacks_lo;      /* signal stack, guard, core stack: everything that is not a G's */
    char *stack_top;
    pthread_t thread;
    pid_t tid; /* the same thread, as the kernel calls it */
};

/* ---- core.c ---------------------------------------------------------------------------------- */

/* The calling thread's core, NULL in a thread that is none. A call, so that it is right after every
 * switch. */
struct host_core *host_self(void);

struct host_core *host_core_at(unsigned i);

/* Makes n cores: a thread for each, the caller's for core 0. */
_Noreturn void host_cores_start(unsigned n);

/* The port found a broken contract or cannot go on: says so on standard error, ends with status 2.
 * Any thread. */
_Noreturn void host_die(const char *why);

/* ---- interrupt.c ----------------------------------------------------------------------------- */

/* Sets bits in c's pending and wakes it if it sleeps. What the caller stored before, the handler
 * sees. */
void host_post(struct host_core *c, uint32_t bits);

/* A device has something to say: its line's handler runs if it is on, or once it is put on. line is
 * below IRQ_LINES. Any thread. */
void host_raise(unsigned line);

/* Where the state of a G that was preempted lies on its stack. */
void *host_frame_sp(const void *frame);

/* What compilers call at each edge of code built with -fsanitize-coverage=trace-pc. */
void __sanitizer_cov_trace_pc(void);

/* ---- context.S ------------------------------------------------------------------------------- */

/* Saves what a call must keep on this stack, stores the stack pointer to *sp, and calls fn(arg) at
 * top, which must not return. Returns when somebody gives *sp to host_switch_in(), perhaps in
 * another thread. */
void host_switch_out(void **sp, void *top, void (*fn)(void *arg), void *arg);

/* Restores what host_switch_out() saved at sp, or host_context_init() made there. */
_Noreturn void host_switch_in(void *sp);

/* Where a new G starts; calls host_first(). Not to be called. */
void host_start(void);

/* The load in hal_peek(), and where it goes on when it faults. */
extern const char host_peek_insn[], host_peek_failed[];

/* ---- switch.c -------------------------------------------------------------------------------- */

/* The first C function of a G. */
_Noreturn void host_first(void (*fn)(void *arg), void *arg);

/* errno follows the G: read before it leaves a thread, written in the thread where it goes on. */
int host_errno(void);
void host_set_errno(int e);

/* Where errno is in the calling thread: what errno is made of in programs (include/errno.h). */
int *host_errno_location(void);

/* ---- clock.c --------------------------------------------------------------------------------- */

/* Time starts here. */
void host_clock_init(unsigned cores);

/* False: time is the computer's, or when is never. Else it is counted, and is when now. */
bool host_clock_skip(int64_t when);

/* Whether the timer upcall is due, as far as c knows: it reads the clock at some of the calls. */
bool host_timer_due(struct host_core *c);

/* A time of hal_now() as the kernel knows it. */
struct timespec host_timespec(int64_t when);

/* ---- memory.c, fault.c, symbol.c, power.c ---------------------------------------------------- */

/* Maps RAM and windows. */
void host_memory_init(void);

/* Whether address is in a window. */
bool host_in_window(uintptr_t address);

/* size bytes, readable and writable, committed as they are touched; NULL when the host refuses. */
void *host_reserve(size_t size);

/* Faults become calls of sched_fault(): once for the process, and for each core its signal
 * stack. */
void host_faults_init(void);
void host_fault_stack(void *lo, size_t size);

/* Installs handler for a signal, on the core's signal stack. */
void host_on_signal(int sig, void (*handler)(int, siginfo_t *, void *));

/* What hal_fault leaves out and hal_backtrace() needs. */
struct host_fault {
    struct hal_fault fault; /* first member: hal_backtrace() is given its address */
    uintptr_t fp;
    uintptr_t lr; /* the caller, if pc is not in code with frame records */
};

/* Finds the program's own symbol table. */
void host_symbols_init(void);

/* Remembers how to start this program again. */
void host_power_init(char **argv);

/* hal_stop_others()' signal. */
void host_stop_init(void);
