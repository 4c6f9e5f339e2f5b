/*
 * hal/hal.h - the contract between the scheduler and a machine.
 *
 * Two ports implement it, hal/aarch64 and hal/host, chosen by the build. What is one instruction is
 * static inline in the port's hal_arch.h, so that a port which forgets one does not compile.
 *
 * The words used below:
 *   core stack   the stack of exceptions and of the scheduler, one per core (SP_EL1 on AArch64).
 *   g0           the scheduler on the core stack, not running any G. Interrupts are always masked on
 *                g0: they are taken while a G runs, or polled by hal_idle(). So no interrupt ever
 *                nests, and an interrupt from the core stack is a bug that the port reports.
 *   handler      code called from an interrupt: on the core stack, masked, over a stopped G or in
 *                hal_idle().
 *   masked       this core takes no interrupt (PSTATE.I). Only I is ever masked by the runtime.
 *
 * Unless a line says otherwise a function may be called on any stack, masked or not, and neither
 * blocks nor switches.
 *
 * TOUR 3 / read next: sched/sched.h
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct g;
struct core;

#define HAL_PAGE      4096u
#define HAL_MAX_CORES 8u
#define HAL_BEGIN     16u  /* bytes: see hal_prepare() */
#define HAL_LINES     256u /* device interrupt lines are below this */

/* What the port needs to know of a G; the first member of struct g. Offsets are asserted by the
 * port. */
struct hal_g {
    void *tls; /* loaded into the thread pointer at each switch to this G. */
    void *sp; /* saved stack pointer while off a core. NULL: it was preempted, see frame; or a port's of a new one.
                  Writer: the switch. */
    void *port;  /* the port's own. */
    void *frame; /* saved state of a preempted G, HAL_FRAME_SIZE bytes, or NULL. */
};

/* What the port needs to know of a core; the first member of struct core. Set once, at boot. */
struct hal_core {
    void *stack_top; /* top of the core stack: every entry to g0 starts there. */
    struct g *g0;    /* what hal_self() is on g0. */
    unsigned index;  /* dense and logical, 0 is the boot core. */
    union {
        struct {
            /* A handler is running, or this core is in hal_idle() with interrupts masked. Written by the port, this core
             * only. */
            bool in_handler;
            _Atomic uint32_t hooks; /* the scheduler's: what happens at events (sched/trace.h); written by any G */
        };
        _Atomic uint64_t unusual; /* both, for who asks whether it is 0 */
    };
};

/* ---- hal_arch.h: static inline -------------------------------------------------------------- */
/*
 * HAL_ATOMICS_SEEN                        1: a tool looks at atomic operations, so each must be one as C has them
 * HAL_SMALL_STACKS                        1: a G can run on GO_SMALL_STACK bytes, as no exception needs any of them
 * HAL_TRAPS                               1: a G can be left through an exception of its own: hal_trap()
 * typedef ... hal_irq_t;                  saved interrupt mask
 * hal_irq_t hal_irq_save(void);           mask, return what was; a compiler barrier
 * void hal_irq_restore(hal_irq_t);        back to what was; a compiler barrier
 * void hal_irq_mask(void), hal_irq_unmask(void);
 * hal_irq_t hal_irq_open(void);           what hal_irq_save() would have returned where hal_irq_mask() was called
 *                                         with interrupts open
 * bool hal_irq_masked(void);
 * bool hal_irq_pending(void);             an interrupt waits for this core; a hint, for long work while masked
 * void hal_relax(void);                   in every spin loop: lets the other hardware thread, or the
 *                                         emulator's next core, go on
 * struct g *hal_self(void);               the current G, on g0 the core's g0. No preemption race: it is
 *                                         the same G wherever it goes on.
 * struct core *hal_core(void);            the current core. Masked or with preemption off only.
 * bool hal_on_core_stack(void);           g0 or a handler
 * unsigned hal_core_count(void);          how many cores take part; constant once sched_core_main() has been
 *                                         called
 * void hal_prepare(struct g *g, void *top, void (*fn)(void *), void *arg);
 *                                         makes a G that hal_enter() starts at fn(arg), unmasked, with
 *                                         [.., top) as its stack; top is 16-byte aligned. Writes at most
 *                                         256 bytes below top and HAL_BEGIN at it, which must be mapped. When fn returns,
 *                                         sched_returned() comes.
 * uintptr_t hal_call_site(void);          behind the call of the function that says this, first of all and before it calls
 *                                         any
 * void hal_guard(uintptr_t va);           the page of a window at va will never be mapped: only a port whose windows
 *                                         are mapped by a host does anything
 * bool hal_claim(_Atomic uint32_t *p, uint32_t end, uint32_t *at);
 *                                         adds one to *p unless it is end; acquire; *at is what it was. False: it is
 * bool hal_give(_Atomic uint64_t *p, uint64_t n);
 *                                         adds n to *p if that makes it neither negative nor more than INT32_MAX; release.
 *                                         False: not
 * bool hal_replace(_Atomic uint64_t *p, uint64_t is, uint64_t by);
 *                                         by to *p if that is is; acquire. False: it is not
 * HAL_LOAD_TWO(a, b, p, offset)           the word that lies so many bytes behind p to a, and the one behind it to b; relaxed,
 *                                         each by itself
 * uintptr_t hal_take_address(_Atomic uint64_t *p);
 *                                         0 to *p if it is more than its two highest and two lowest bits, and negative; acquire
 *                                         and release. Returns what is there beside those, else 0
 * int64_t hal_now(void);                  nanoseconds since power-on, monotonic, the same on all cores
 * int64_t hal_stamp(void);                the clock in its own unit, read perhaps a few instructions early:
 *                                         for what is stored often and looked at seldom
 * int64_t hal_stamp_now(void);            the same, but not early
 * int64_t hal_stamp_ns(int64_t stamp);    what hal_now() was then; of a difference: how long that is
 * void hal_timer_set(int64_t when);       masked: the timer upcall comes once hal_now() >= when, as soon as interrupts are
 *                                         open; replaces the deadline before. INT64_MAX disarms
 * uintptr_t hal_interrupted_sp(void);     the stack pointer of the G that was interrupted: in a handler over a G, and in
 *                                         sched_irq_exit()
 * uintptr_t hal_interrupted_pc(void);     the instruction at which it was: in a handler over a G
 */

/* ---- switching ------------------------------------------------------------------------------ */

/* Bytes of a preemption frame, a multiple of its alignment of 64; aarch64: x0-x30, sp, pc, pstate,
 * q0-q31, fpsr, fpcr. The port leaves the first 8 bytes alone, always: the scheduler links free
 * frames through them, and frees a frame just before the port reads it. */
#define HAL_FRAME_SIZE 832u

/* On a G, masked. Saves what a function call must keep on the G's stack, writes g->hal.sp, moves to
 * the empty core stack as g0 and calls then(g, arg), which returns the G to be entered now as
 * hal_enter() does. hal_park itself returns, unmasked, when somebody has entered the G again, perhaps on
 * another core. The store of g->hal.sp precedes the call of then: publish the G from there, never
 * before. */
typedef struct g *hal_then(struct g *g, void *arg);
void hal_park(struct g *g, hal_then *then, void *arg);

/* The short way where the next G is known; only in a port and a build in which nobody looks at atomic
 * operations. On a G, masked. As hal_park with a then() that stores value to *word with release and
 * returns next, but from stack to stack: the store, which publishes g, is behind the last access to g's
 * stack. Where g0 has to do something in between it does: for a G that was preempted; and with look,
 * where after a full fence behind the store the first word of machine, idle_mask, is not 0:
 * sched_published() is called, on the core stack. */
void hal_switch(_Atomic uint64_t *word, struct g *next, struct g *g, uint64_t value);
void hal_switch_look(struct g *g, struct g *next, _Atomic uint32_t *word, uint32_t value);

/* As hal_park, but saves nothing: the G is never entered again. Also from sched_fault(), for the G
 * that faulted. */
_Noreturn void hal_leave(struct g *g, hal_then *then, void *arg);

/* The same for one that ends where next is known: on the G, masked; becomes next. It and sched_returned() do not come
 * back either, but compilers make a frame around the call of a function that says so, even if it is called last. */
void hal_leave_for(struct g *next);

/* On g0. Becomes g: sets hal_self() and the thread pointer, returns into its hal_park, or
 * into its first function, unmasked, with the core stack empty. If it was preempted all of its registers
 * come back from the frame that sched_resumes() gives, and it goes on at the interrupted instruction,
 * unmasked. */
_Noreturn void hal_enter(struct g *g);

/* Only where HAL_TRAPS is 1. hal_park() through an exception, as a system call is one: all registers are in frame,
 * HAL_FRAME_SIZE bytes, and before then() is called the G is as one that was preempted, with that frame. frame NULL:
 * hal_leave(). */
void hal_trap(struct g *g, void *frame, hal_then *then, void *arg);

/* Only where HAL_TRAPS is 1. Fills frame from the parked or new G g, for who makes it one that was preempted. Masked. */
void hal_unpark(struct g *g, void *frame);

/* On a G, unmasked. Calls fn(arg) and returns true; or false, when fn or what it called said
 * hal_throw() with what was stored to *sp: then all that a call must keep is as it was before, on
 * whichever core the G runs by then. */
bool hal_try(void **sp, void (*fn)(void *arg), void *arg);

/* On the same G, unmasked, before that hal_try() has returned. */
_Noreturn void hal_throw(void *sp);

/* ---- interrupts, time, other cores ---------------------------------------------------------- */

/* g0. Sleeps until an interrupt is pending for this core, then runs its handler, and returns. An
 * interrupt that was pending before the call is not slept through. */
void hal_idle(void);

/* How often this core's clock has ticked since the first call on it; it may stand still while the core sleeps. 0: nobody
 * counts. */
uint64_t hal_cycles(void);

/* How far the machine's i-th core has come at boot: "runs", or a word for where it is; NULL: the machine has fewer. These
 * numbers are the board's: where a core is missing those behind it run under smaller ones. Any context. */
const char *hal_core_stage(unsigned i);

/* Makes core's ipi upcall happen soon. A kick, never a count: several may become one. Every store
 * before it is visible to that core before the upcall (the port does the DSB before the doorbell,
 * and after the acknowledge the DSB before the upcall looks). Any context. */
void hal_ipi(unsigned core);

/* Line's interrupts on, to core where the machine can route them, else to core 0; and off. Where it can
 * route only all of them together they all go there: a handler may still run where it was. Masked. */
void hal_irq_enable(unsigned line, unsigned core);
void hal_irq_disable(unsigned line);

/* Cache maintenance to the point of coherency over [p, p + n), whole lines. Any context. */
void hal_dma_clean(const void *p, size_t n);
void hal_dma_invalidate(void *p, size_t n);

/* Waits about ns nanoseconds by the counter. For reports only. */
void hal_delay(int64_t ns);

/* ---- memory --------------------------------------------------------------------------------- */

/* RAM that is the runtime's to give out: range i, page aligned, not yet handed out and of unknown
 * content. False when there is none. Called at boot only. */
bool hal_ram(unsigned i, uintptr_t *base, size_t *size);

/* Windows of address space in which nothing is mapped until hal_map(). */
enum hal_window { HAL_WINDOW_STACKS, HAL_WINDOW_HEAP, HAL_WINDOW_TABLES };
uintptr_t hal_window(enum hal_window w, size_t *size);

/* Makes the translation tables for [va, va + size) exist. page() gives one page or NULL. False when
 * it gave NULL. May be called again for the same range; calls for one window are serialized by the
 * caller. */
bool hal_map_tables(uintptr_t va, size_t size, void *(*page)(void));

/* Backs the page at va, whose tables exist and which is not mapped, with page: readable, writable,
 * never executable. One writer per page of va. Takes no lock: the stack-fault path uses it. */
void hal_map(uintptr_t va, void *page);

/* The same for n pages: at va, at va + stride and so on. */
void hal_map_row(uintptr_t va, size_t stride, void *const *pages, unsigned n);

/* Undoes hal_map on every core and returns the page, or NULL if none was mapped there. When it
 * returns no core holds a translation. */
void *hal_unmap(uintptr_t va);

/* Maps [base, base + size), a device's memory that holds no RAM of ours, onto itself: for data, past the caches.
 * Whole pages. Tables come from page. False: no page, or something is mapped there already, or this machine has
 * no devices. One caller at a time, hal_map_tables() being another. */
bool hal_map_uncached(uintptr_t base, size_t size, void *(*page)(void));

/* Sets a page of RAM to zero, in a tenth of the instructions that stores would take where the machine can. */
void hal_clear_page(void *page);

/* Loads 8 bytes at va into *out, or says false where a load would fault; for reports, which must not
 * fault, and for what may be gone by now. One load: what another core unmaps meanwhile is either
 * still read or false. */
bool hal_peek(uintptr_t va, uint64_t *out);

/* ---- reports -------------------------------------------------------------------------------- */

/* The name of the function that holds pc, and pc's offset in it; NULL if unknown. */
const char *hal_symbol(uintptr_t pc, uintptr_t *offset);

/* Calls line(pc) for each frame, innermost first, of g, which must not be running on another core;
 * of the caller if g is hal_self(); of the faulting code if fault is not NULL. Reads memory only
 * by hal_peek() and stops at [lo, hi) of the stack. At most 32 frames. */
struct hal_fault;
void hal_backtrace(const struct g *g, const struct hal_fault *fault, uintptr_t lo, uintptr_t hi,
                   void (*line)(uintptr_t pc));

/* The same for g, which ran on another core when hal_stop_others() stopped that: from where it was.
 * False: no core that has stopped ran g, so nothing is known. */
bool hal_backtrace_stopped(const struct g *g, uintptr_t lo, uintptr_t hi, void (*line)(uintptr_t pc));

/* The same for the G over which the caller runs, a handler: from the instruction at which it was interrupted. */
void hal_backtrace_interrupted(uintptr_t lo, uintptr_t hi, void (*line)(uintptr_t pc));

/* Whether core waits for something that is no part of the machine, where no interrupt finds it: on the
 * host, in a call of the C library. */
bool hal_waits_outside(unsigned core);

/* Sends every other core into a stop that ends only with the machine, and waits up to 100 ms.
 * Returns the set of cores that did not answer. Polled; any context. */
unsigned hal_stop_others(void);

/* This core is out of the game for ever: it counts as one that answered hal_stop_others(), and keeps
 * where it was for hal_backtrace_stopped(). Any context. */
_Noreturn void hal_stop_self(void);

/* A fault as the port decoded it. */
struct hal_fault {
    const char *what;  /* "data abort: translation fault, level 3 (write)" and so on */
    uintptr_t pc;      /* the faulting instruction */
    uintptr_t sp;      /* the stack pointer then */
    uintptr_t address; /* what was accessed; 0 if the fault has none */
    bool has_address;
    bool on_core_stack;   /* the runtime's own fault, on g0 or in a handler */
    bool masked;          /* interrupts were masked: a spinlock may be held */
    bool translation;     /* nothing is mapped at address (a lazily committed page, a guard) */
    uint64_t syndrome;    /* raw, for the report */
    const uint64_t *regs; /* x0..x30, or NULL */
};

/* Ends the program: exit status to whoever started the machine, power off, or halt, in this order
 * of preference. Halted it still answers DUMP_KEY (board.h), by sched_dump(). Any context. */
_Noreturn void hal_exit(int status);

/* Starts the machine again from power-on; where it cannot, hal_exit(3). */
_Noreturn void hal_reset(void);

/* ---- upcalls: the scheduler implements these ------------------------------------------------ */

/* On every core, on g0, masked, after its MMU, vectors, interrupt controller and timer are set up
 * and hal_core() is what sched_core() gave for it. Core 0 first; the others enter once core 0
 * has. */
_Noreturn void sched_core_main(void);

/* Core i's struct core, with index and stack_top filled in by the scheduler from what the port
 * passes. Before sched_core_main, on that core, one core at a time. */
struct core *sched_core(unsigned i, void *stack_top);

/* In a handler. hal_idle() may call the second in the place of the first: it knows that it is on g0. */
void sched_timer(void);
void sched_timer_asleep(void);
void sched_ipi(void);
/* line may be in its handler on another core, from which it was moved here; then it comes again, as it is
 * level-triggered, if that handler leaves anything. */
void sched_irq(unsigned line);

/* At the end of each interrupt that was taken from a G, in the handler's context. NULL: go on with
 * the G. Otherwise HAL_FRAME_SIZE bytes, aligned to 64, in which the port saves the whole state of
 * the G; then it calls sched_preempted() as g0 on the core stack. */
void *sched_irq_exit(void);
_Noreturn void sched_preempted(struct g *g, void *frame);

/* On g0. g, whose sp is NULL, is entered now; the frame from which. The port has read it before this core can
 * be interrupted again, when the frame may be given to another G. */
void *sched_resumes(struct g *g);

/* Masked, on the core stack: hal_switch_look() has seen a core that idles. */
void sched_published(void);

/* On a G, unmasked: its first function has returned. */
void sched_returned(void);

/* The commonest fault: a G, masked or not, has touched address, where nothing is mapped; on the core
 * stack, masked. Must not fault itself. True: it was mended; false: sched_fault() comes. */
bool sched_touched(uintptr_t address, bool masked);

/* Reports on all Gs, after the end of the program. Masked. */
void sched_dump(void);

/* A synchronous fault, masked, on the core stack. True: it was mended, go on at the same
 * instruction. It does not return at all when the G, or the machine, ends here. */
bool sched_fault(const struct hal_fault *f);

#include "hal/hal_select.h"
