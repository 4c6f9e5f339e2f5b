/* hal/aarch64/trap.c - what an exception does, once the registers are saved.
 *
 * Interrupts are taken from Gs alone, and are polled by hal_idle(); so a handler never runs over
 * another or over the scheduler, and an interrupt from the core stack is reported like any other
 * fault. */
#include "hal/aarch64/offsets.h"
#include "hal/aarch64/port.h"
#include "hal/aarch64/semihost_call.h"
#include "hal/kprint.h"

_Static_assert(offsetof(struct hal_g, sp) == G_SP, "offsets.h");
_Static_assert(offsetof(struct hal_g, frame) == G_FRAME, "offsets.h");
_Static_assert(offsetof(struct hal_g, tls) == G_TLS, "offsets.h");
_Static_assert(offsetof(struct hal_g, port) == G_PORT, "offsets.h");
_Static_assert(sizeof(struct hal_begin) == HAL_BEGIN, "hal.h");
_Static_assert(sizeof(struct hal_begin) == 16, "context.S takes it in one");
_Static_assert(offsetof(struct hal_core, stack_top) == CORE_STACK_TOP, "offsets.h");
_Static_assert(offsetof(struct hal_core, g0) == CORE_G0, "offsets.h");
_Static_assert(offsetof(struct trap, x) == TRAP_X0, "offsets.h");
_Static_assert(offsetof(struct trap, sp) == TRAP_SP, "offsets.h");
_Static_assert(offsetof(struct trap, pc) == TRAP_PC, "offsets.h");
_Static_assert(offsetof(struct trap, pstate) == TRAP_PSTATE, "offsets.h");
_Static_assert(sizeof(struct trap) == TRAP_SIZE, "offsets.h");
_Static_assert(FRAME_Q0 + 32 * 16 == FRAME_FPSR && FRAME_FPSR + 16 <= HAL_FRAME_SIZE, "offsets.h");

static void handle(uint32_t claim) {
    unsigned line = claim & IRQ_LINE_MASK;
    /* The acknowledge is done before what the sender published is looked at: HAZARDS 33, pairs with
     * the dsb ishst in hal_ipi(). */
    __asm__ volatile("dsb sy" ::: "memory");
    if (line == board_intc->timer_line) {
        sched_timer();
    } else if (line == board_intc->ipi_line) {
        core_check_stop();
        sched_ipi();
    } else {
        sched_irq(line);
    }
}

static inline void take(void) {
    struct hal_core *c = (struct hal_core *)hal_core();
    uint32_t claim = board_intc->ops->claim(board_intc);
    if ((claim & IRQ_LINE_MASK) != IRQ_NONE) {
        c->in_handler = true;
        handle(claim);
        board_intc->ops->done(board_intc, claim);
        c->in_handler = false;
    }
}

/* Apart, or hal_idle() would keep registers for it. */
__attribute__((noinline)) void trap_handler(void) {
    take();
}

void *trap_irq(struct trap *t) {
    (void)t;
    take();
    return sched_irq_exit();
}

void hal_idle(void) {
    struct hal_core *c = (struct hal_core *)hal_core();
    c->in_handler = true; /* now, for what wakes us need not do it then */
    /* dsb: what we announced is out before we sleep. A pending interrupt ends WFI also while it is
     * masked. */
    __asm__ volatile("dsb sy\n\twfi" ::: "memory");
    if (clock_due()) {
        /* The commonest: past the controller, whose line falls as the timer is set anew. If it does not at once, an
         * interrupt comes for nothing. */
        sched_timer_asleep();
    } else {
        trap_handler();
    }
    c->in_handler = false;
}

/* ---- faults --------------------------------------------------------------------------------- */

static bool semihosting_absent(struct trap *t) {
    uint64_t ec = SYSREG_READ(esr_el1) >> 26;
    if (ec != 0 || t->pc != (uintptr_t)semihost_probe_insn) {
        return false;
    }
    t->x[0] = SEMIHOST_ABSENT;
    t->pc += 4;
    return true;
}

extern const char hal_peek_insn[], hal_peek_failed[];

/* hal_peek() met what does not answer. Before all else: it also looks at pages that a stack would
 * commit. */
static bool peek_failed(struct trap *t) {
    if (t->pc != (uintptr_t)hal_peek_insn) {
        return false;
    }
    t->pc = (uintptr_t)hal_peek_failed;
    return true;
}

#define EC_DATA_ABORT_HERE UINT64_C(0x25)
#define ISS_NO_ADDRESS     (1u << 10) /* FAR is not valid */
#define ISS_STATUS_CLASS   0x3cu
#define ISS_TRANSLATION    0x04u /* at whichever level */

bool trap_touched(void) {
    uint64_t esr = SYSREG_READ(esr_el1);
    return (esr >> 26) == EC_DATA_ABORT_HERE &&
           (esr & (ISS_NO_ADDRESS | ISS_STATUS_CLASS)) == ISS_TRANSLATION &&
           SYSREG_READ(elr_el1) != (uintptr_t)hal_peek_insn && /* that commits nothing */
           sched_touched(SYSREG_READ(far_el1), (SYSREG_READ(spsr_el1) & DAIF_I) != 0);
}

#define EC_SVC      UINT64_C(0x15)
#define PSTATE_EL1T UINT64_C(4)

extern const char hal_trapped[];
void hal_first(void);

/* In C what a syscall's entry does for a thread that waits or ends. The frame for it; NULL: it is none. */
static void *leaves_by_trap(const struct trap *t) {
    if (t->pc != (uintptr_t)hal_trapped || SYSREG_READ(esr_el1) >> 26 != EC_SVC) {
        return NULL;
    }
    if (t->x[1] == 0) {
        hal_leave((struct g *)t->x[0], (hal_then *)t->x[2], (void *)t->x[3]);
    }
    return (void *)t->x[1];
}

/* As if it had been preempted before the first instruction of hal_first(). */
static void unpark_first(struct trap *t, const struct hal_begin *b) {
    t->x[0] = (uintptr_t)b->arg;
    t->x[9] = (uintptr_t)b->fn;
    t->sp = (uintptr_t)b;
    t->pc = (uintptr_t)hal_first;
}

static void unpark(struct trap *t, uint64_t *q, uint64_t *fpsr, const uint64_t *s) {
    for (unsigned i = 19; i < 31; i++) {
        t->x[i] = i < 29 ? s[i - 17] : s[i - 29];
    }
    for (unsigned i = 8; i < 16; i++) {
        q[2 * i] = s[i + 4];
    }
    fpsr[0] = s[21];
    fpsr[1] = s[20]; /* FPCR */
    t->sp = (uintptr_t)s + PARK_SIZE;
    t->pc = t->x[30];
}

void hal_unpark(struct g *g, void *frame) {
    struct hal_g *hal = (struct hal_g *)g;
    struct trap *t = frame;
    uint64_t *q = (uint64_t *)((uintptr_t)frame + FRAME_Q0),
             *fpsr = (uint64_t *)((uintptr_t)frame + FRAME_FPSR);
    for (uint64_t *at = t->x; at < fpsr + 2; at++) {
        *at = 0;
    }
    if (hal->port != NULL) {
        unpark_first(t, hal->port);
        hal->port = NULL;
    } else {
        unpark(t, q, fpsr, hal->sp);
    }
    t->pstate = (SYSREG_READ(daif) & ~DAIF_I) | PSTATE_EL1T;
}

void *trap_sync(struct trap *t) {
    char text[96];
    struct hal_fault f;
    if (peek_failed(t) || semihosting_absent(t)) {
        return NULL;
    }
    void *frame = leaves_by_trap(t);
    if (frame != NULL) {
        return frame;
    }
    syndrome_decode(&f, t, text, sizeof text);
    f.sp = t->sp;
    f.on_core_stack = false;
    if (f.translation && mmu_descriptor(f.address) != 0) {
        return NULL; /* spurious: it has been mapped in the meantime (HAZARDS 19) */
    }
    sched_fault(&f);
    return NULL;
}

static const char *const kinds[] = {
    "fault of the runtime", "interrupt while the scheduler ran",
    "fast interrupt",       "asynchronous external abort (SError): noticed here, caused earlier",
    "exception from EL0",   "overflow of the core stack",
};

/* Exceptions of this core while it reports one: the second gets a line, the third nothing. */
static unsigned depth_of(unsigned core) {
    static unsigned depth[HAL_MAX_CORES]; /* own core only */
    return ++depth[core % HAL_MAX_CORES];
}

static void report(struct trap *t, uint64_t kind, bool on_core_stack) {
    char text[96];
    struct hal_fault f;
    const struct hal_core *c = (const struct hal_core *)hal_core();
    unsigned depth = depth_of(c != NULL ? c->index : 0);
    if (depth >= 2) {
        kprint_panic();
        if (depth == 2) {
            kprintf("\nfault in the report of a fault: pc %p, address %p\n", (void *)t->pc,
                    (void *)SYSREG_READ(far_el1));
        }
        hal_exit(2);
    }
    syndrome_decode(&f, t, text, sizeof text);
    if (kind != 0) {
        f.what = kinds[kind];
        f.has_address = false;
        f.translation = false;
        f.masked = true; /* not this G's own doing: ending it would mend nothing */
    }
    f.sp = on_core_stack ? (uintptr_t)t + sizeof *t : t->sp;
    f.on_core_stack = on_core_stack;
    if (c == NULL) {
        kprintf("\nfatal error: %s before the scheduler: syndrome 0x%lx, pc %p, address %p\n",
                f.what, (unsigned long)f.syndrome, (void *)f.pc, (void *)SYSREG_READ(far_el1));
        hal_exit(2);
    }
    sched_fault(&f);
}

_Noreturn void trap_unexpected(struct trap *t, uint64_t kind) {
    report(t, kind, false);
    hal_exit(2);
}

void trap_core_stack(struct trap *t, uint64_t kind) {
    if (kind == 0 && (peek_failed(t) || semihosting_absent(t))) {
        return;
    }
    report(t, kind, true);
    hal_exit(2);
}
