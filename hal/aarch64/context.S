/*
 * hal/aarch64/context.S - leaving and entering a G. Contracts: hal/hal.h.
 *
 * A G runs at EL1t on SP_EL0, g0 at EL1h on SP_EL1, the core stack. While a G runs, SP_EL1 is exactly
 * the top of the core stack. Interrupts are masked in all of this file, until the G that was entered goes on.
 *
 * What hal_park leaves on the G's stack, lowest address first, a frame record so that backtraces go on:
 *      x29 x30 | x19 .. x28 | d8 .. d15 | fpcr fpsr
 * FPCR and FPSR are no callee-saved registers, but C's floating-point environment belongs to the thread: a G's
 * rounding mode and its exception flags must not become another's.
 */
#include "hal/aarch64/offsets.h"

    .cfi_sections .debug_frame
    .text

/* Identity of g0, on the core stack; x9, x10 are lost. */
    .macro  BECOME_G0
    mrs     x9, tpidrro_el0
    ldr     x10, [x9, #CORE_G0]
    msr     spsel, #1
    msr     tpidr_el1, x10
    .endm

/* The core stack is empty; x9 is lost. */
    .macro  EMPTY_CORE_STACK
    mrs     x9, tpidrro_el0
    ldr     x9, [x9, #CORE_STACK_TOP]
    mov     sp, x9
    .endm

/* All that a call must keep goes to the stack of the G in x0, and where it is into the G; x9, x10 are lost. */
    .macro  SAVE g=x0
    stp     x29, x30, [sp, #-PARK_SIZE]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mrs     x9, fpcr
    mrs     x10, fpsr
    stp     x9, x10, [sp, #160]
    mov     x9, sp
    str     x9, [\g, #G_SP]         /* before what publishes the G */
    .endm

    .macro  RESTORE
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    ldp     x9, x10, [sp, #160]
    msr     fpcr, x9
    msr     fpsr, x10
    ldp     x29, x30, [sp], #PARK_SIZE
    msr     daifclr, #2
    ret
    .endm

/* void hal_park(struct g *g, hal_then *then, void *arg) */
    .global hal_park
    .type   hal_park, %function
    .balign 64
hal_park:
    SAVE
    BECOME_G0                       /* its stack is empty: it always is while a G runs */
    .global hal_call_then
hal_call_then:                      /* as g0, its stack empty: x1(x0, x2) */
    mov     x9, x1
    mov     x1, x2
    mov     x29, xzr                /* g0's first frame */
    blr     x9
enter:                              /* x0 is the next one, the core stack is empty */
    ldp     x10, x9, [x0, #G_TLS]    /* and G_SP */
    cbz     x9, 1f
    msr     tpidr_el1, x0
    msr     tpidr_el0, x10
    msr     spsel, #0
    mov     sp, x9
    RESTORE
1:  ldr     x11, [x0, #G_PORT]
    cbz     x11, preempted
    msr     spsel, #0
    b       begins
    .size   hal_park, . - hal_park

/* The G in x0 was preempted; as g0, on the empty core stack. */
preempted:
    mov     x19, x0
    bl      sched_resumes
    mov     x1, x0
    mov     x0, x19
    b       resume

/* void hal_switch(_Atomic uint64_t *word, struct g *next, struct g *g, uint64_t value): on SP_EL0 but for one that
 * was preempted. The store is behind the last access to g's stack. */
    .global hal_switch
    .type   hal_switch, %function
    .balign 64
hal_switch:
    SAVE    x2
    ldp     x10, x9, [x1, #G_TLS]
    cbz     x9, 1f
    mov     sp, x9
    msr     tpidr_el1, x1
    msr     tpidr_el0, x10
    stlr    x3, [x0]
    RESTORE
1:  ldr     x11, [x1, #G_PORT]
    cbz     x11, 2f
    stlr    x3, [x0]
    msr     tpidr_el1, x1
    str     xzr, [x1, #G_PORT]
    b       begins_as
2:  BECOME_G0
    stlr    x3, [x0]
    mov     x0, x1
    b       preempted
    .size   hal_switch, . - hal_switch

/* Sets w9 to machine.idle_mask, the first word there. */
    .macro  LOOK
    adrp    x9, machine
    ldr     w9, [x9, #:lo12:machine]
    .endm

/* void hal_switch_look(struct g *g, struct g *next, _Atomic uint32_t *word, uint32_t value) */
    .global hal_switch_look
    .type   hal_switch_look, %function
    .balign 64
hal_switch_look:
    SAVE
    ldp     x10, x9, [x1, #G_TLS]
    cbz     x9, 2f
    mov     sp, x9
    msr     tpidr_el1, x1
    msr     tpidr_el0, x10
    stlr    w3, [x2]
    dmb     ish
    LOOK
    cbnz    w9, 1f
    RESTORE
1:  msr     spsel, #1               /* the core stack is empty */
    bl      sched_published
    msr     spsel, #0
    RESTORE
2:  mov     x0, x1
    stlr    w3, [x2]
    dmb     ish
    LOOK
    cbnz    w9, 3f
    ldr     x11, [x0, #G_PORT]
    cbnz    x11, begins
    BECOME_G0
    b       preempted
3:  mov     x19, x0
    BECOME_G0
    bl      sched_published
    mov     x0, x19
    b       enter
    .size   hal_switch_look, . - hal_switch_look

/* void hal_leave(struct g *g, hal_then *then, void *arg); from a G or its fault */
    .global hal_leave
    .type   hal_leave, %function
hal_leave:
    mrs     x9, tpidrro_el0
    ldp     x11, x10, [x9, #CORE_STACK_TOP] /* and CORE_G0 */
    msr     spsel, #1
    mov     sp, x11
    msr     tpidr_el1, x10
    b       hal_call_then
    .size   hal_leave, . - hal_leave

/* void hal_leave_for(struct g *next) */
    .global hal_leave_for
    .type   hal_leave_for, %function
hal_leave_for:
    ldp     x10, x9, [x0, #G_TLS]
    cbz     x9, 1f
    mov     sp, x9
    msr     tpidr_el1, x0
    msr     tpidr_el0, x10
    RESTORE
1:  ldr     x11, [x0, #G_PORT]
    cbnz    x11, begins
    BECOME_G0
    b       preempted
    .size   hal_leave_for, . - hal_leave_for

/* void hal_trap(struct g *g, void *frame, hal_then *then, void *arg) */
    .global hal_trap, hal_trapped
    .type   hal_trap, %function
hal_trap:
    stp     x29, x30, [sp, #-16]!
    mov     x29, sp
    svc     #0
hal_trapped:
    ldp     x29, x30, [sp], #16
    msr     daifclr, #2
    ret
    .size   hal_trap, . - hal_trap

/* void hal_enter(struct g *g) */
    .global hal_enter
    .type   hal_enter, %function
hal_enter:
    EMPTY_CORE_STACK
    b       enter
    .size   hal_enter, . - hal_enter

/* bool hal_try(void **sp, void (*fn)(void *), void *arg): what hal_park leaves, as a frame of the caller's stack. */
    .global hal_try
    .type   hal_try, %function
hal_try:
    stp     x29, x30, [sp, #-PARK_SIZE]!
    stp     x19, x20, [sp, #16]
    stp     x21, x22, [sp, #32]
    stp     x23, x24, [sp, #48]
    stp     x25, x26, [sp, #64]
    stp     x27, x28, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mrs     x9, fpcr
    str     x9, [sp, #160]
    mov     x29, sp
    str     x29, [x0]
    mov     x9, x1
    mov     x0, x2
    blr     x9
    mov     w0, #1
    ldp     x29, x30, [sp], #PARK_SIZE /* fn has kept the rest */
    ret
    .size   hal_try, . - hal_try

/* void hal_throw(void *sp) */
    .global hal_throw
    .type   hal_throw, %function
hal_throw:
    mov     sp, x0
    ldp     x19, x20, [sp, #16]
    ldp     x21, x22, [sp, #32]
    ldp     x23, x24, [sp, #48]
    ldp     x25, x26, [sp, #64]
    ldp     x27, x28, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    ldr     x9, [sp, #160]
    msr     fpcr, x9
    mov     w0, #0
    ldp     x29, x30, [sp], #PARK_SIZE
    ret
    .size   hal_throw, . - hal_throw

/* Becomes the G in x0, which has yet to begin, with x10 as its thread pointer; on SP_EL0. What hal_prepare() left is
 * at x11, no register matters, and its floating-point environment is as at power-on. */
begins:
    msr     tpidr_el1, x0
    str     xzr, [x0, #G_PORT]
begins_as:                          /* it has its name already, and nothing is left at port */
    msr     tpidr_el0, x10
    mov     sp, x11
    msr     fpcr, xzr
    msr     fpsr, xzr
    ldp     x9, x0, [sp]            /* they lie above what is its stack */
    msr     daifclr, #2

/* A G's first frame: x9(x0), with interrupts open. */
    .global hal_first
    .type   hal_first, %function
hal_first:
    .cfi_startproc
    .cfi_undefined x30              /* nobody called it: debuggers stop here */
    mov     x29, xzr
    blr     x9
    bl      sched_returned
    .cfi_endproc
    .size   hal_first, . - hal_first

/* void hal_save_fp(void *frame): q0-q31, FPSR, FPCR. x9, x10 are lost. */
    .global hal_save_fp
    .type   hal_save_fp, %function
hal_save_fp:
    add     x9, x0, #FRAME_Q0
    stp     q0, q1, [x9], #32
    stp     q2, q3, [x9], #32
    stp     q4, q5, [x9], #32
    stp     q6, q7, [x9], #32
    stp     q8, q9, [x9], #32
    stp     q10, q11, [x9], #32
    stp     q12, q13, [x9], #32
    stp     q14, q15, [x9], #32
    stp     q16, q17, [x9], #32
    stp     q18, q19, [x9], #32
    stp     q20, q21, [x9], #32
    stp     q22, q23, [x9], #32
    stp     q24, q25, [x9], #32
    stp     q26, q27, [x9], #32
    stp     q28, q29, [x9], #32
    stp     q30, q31, [x9], #32
    mrs     x10, fpsr
    str     x10, [x0, #FRAME_FPSR]
    mrs     x10, fpcr
    str     x10, [x0, #FRAME_FPSR + 8]
    ret
    .size   hal_save_fp, . - hal_save_fp

/* Becomes the G in x0, which was preempted, from the frame at x1; as g0. */
    .balign 64
resume:
    EMPTY_CORE_STACK
    ldr     x10, [x0, #G_TLS]
    msr     tpidr_el1, x0
    msr     tpidr_el0, x10
    ldr     x9, [x1, #FRAME_FPSR]
    msr     fpsr, x9
    ldr     x9, [x1, #FRAME_FPSR + 8]
    msr     fpcr, x9
    add     x9, x1, #FRAME_Q0
    ldp     q0, q1, [x9], #32
    ldp     q2, q3, [x9], #32
    ldp     q4, q5, [x9], #32
    ldp     q6, q7, [x9], #32
    ldp     q8, q9, [x9], #32
    ldp     q10, q11, [x9], #32
    ldp     q12, q13, [x9], #32
    ldp     q14, q15, [x9], #32
    ldp     q16, q17, [x9], #32
    ldp     q18, q19, [x9], #32
    ldp     q20, q21, [x9], #32
    ldp     q22, q23, [x9], #32
    ldp     q24, q25, [x9], #32
    ldp     q26, q27, [x9], #32
    ldp     q28, q29, [x9], #32
    ldp     q30, q31, [x9], #32
    mov     x30, x1
    b       trap_return

/*
 * Goes back to what struct trap at x30 says, with SP_EL1 set already. ELR and SPSR are loaded last of all that
 * could fault: from then on nothing may (HAZARDS 45).
 */
    .global trap_return
    .type   trap_return, %function
trap_return:
    ldp     x0, x1, [x30, #TRAP_SP]
    ldr     x2, [x30, #TRAP_PSTATE]
    msr     sp_el0, x0
    msr     elr_el1, x1
    msr     spsr_el1, x2
    ldp     x0, x1, [x30, #TRAP_X0]
    ldp     x2, x3, [x30, #TRAP_X0 + 16]
    ldp     x4, x5, [x30, #TRAP_X0 + 32]
    ldp     x6, x7, [x30, #TRAP_X0 + 48]
    ldp     x8, x9, [x30, #TRAP_X0 + 64]
    ldp     x10, x11, [x30, #TRAP_X0 + 80]
    ldp     x12, x13, [x30, #TRAP_X0 + 96]
    ldp     x14, x15, [x30, #TRAP_X0 + 112]
    ldp     x16, x17, [x30, #TRAP_X0 + 128]
    ldp     x18, x19, [x30, #TRAP_X0 + 144]
    ldp     x20, x21, [x30, #TRAP_X0 + 160]
    ldp     x22, x23, [x30, #TRAP_X0 + 176]
    ldp     x24, x25, [x30, #TRAP_X0 + 192]
    ldp     x26, x27, [x30, #TRAP_X0 + 208]
    ldp     x28, x29, [x30, #TRAP_X0 + 224]
    ldr     x30, [x30, #TRAP_X30]
    eret
    .size   trap_return, . - trap_return
