/*
 * hal/aarch64/vectors.S - exception entry.
 *
 * From a G (EL1t) the core stack is empty and its top is known good: the registers are pushed without a look.
 * From EL1h (g0, or a handler that faulted) the stack may be what is wrong: one bit of the address tells (offsets.h),
 * and then the emergency stack of the core is used.
 */
#include "hal/aarch64/offsets.h"

    .text

/* All but x0, x1 and the frame itself: what a function may lose, and the rest. */
    .macro  PUSH_LOW
    stp     x2, x3, [sp, #TRAP_X0 + 16]
    stp     x4, x5, [sp, #TRAP_X0 + 32]
    stp     x6, x7, [sp, #TRAP_X0 + 48]
    stp     x8, x9, [sp, #TRAP_X0 + 64]
    stp     x10, x11, [sp, #TRAP_X0 + 80]
    stp     x12, x13, [sp, #TRAP_X0 + 96]
    stp     x14, x15, [sp, #TRAP_X0 + 112]
    stp     x16, x17, [sp, #TRAP_X0 + 128]
    stp     x18, x19, [sp, #TRAP_X0 + 144]
    str     x30, [sp, #TRAP_X30]
    .endm

    .macro  PUSH_HIGH
    stp     x20, x21, [sp, #TRAP_X0 + 160]
    stp     x22, x23, [sp, #TRAP_X0 + 176]
    stp     x24, x25, [sp, #TRAP_X0 + 192]
    stp     x26, x27, [sp, #TRAP_X0 + 208]
    stp     x28, x29, [sp, #TRAP_X0 + 224]
    mrs     x0, sp_el0
    mrs     x1, elr_el1
    mrs     x2, spsr_el1
    stp     x0, x1, [sp, #TRAP_SP]
    str     x2, [sp, #TRAP_PSTATE]
    .endm

    .macro  PUSH
    PUSH_LOW
    PUSH_HIGH
    .endm

/* SError and FIQ stay open, as everywhere but here: the scheduler may go on from this exception to a G that it enters
 * without an exception return. Only now: ELR and SPSR are in memory. */
    .macro  OPEN
    msr     daifclr, #5
    .endm

/* From a G. */
    .macro  FROM_G to
    .balign 0x80
    sub     sp, sp, #TRAP_SIZE
    stp     x0, x1, [sp, #TRAP_X0]
    b       \to
    .endm

/* From the core stack: kind is told to trap_core_stack(). The bit test needs a register and there is none to spare:
 * sum and difference exchange sp and x0 without memory. */
    .macro  FROM_CORE kind
    .balign 0x80
    sub     sp, sp, #TRAP_SIZE
    add     sp, sp, x0
    sub     x0, sp, x0
    tbz     x0, #STACK_BIT, 1f
    sub     x0, sp, x0
    sub     sp, sp, x0
    stp     x0, x1, [sp, #TRAP_X0]
    mov     x1, #\kind
    b       from_core
1:  b       overflowed
    .endm

    .balign 0x800
    .global trap_vectors
trap_vectors:
    FROM_G  sync_from_g
    FROM_G  irq_from_g
    FROM_G  fiq_from_g
    FROM_G  serror_from_g
    FROM_CORE 0
    FROM_CORE 1
    FROM_CORE 2
    FROM_CORE 3
    .rept   8                       /* from EL0: nobody is there */
    FROM_CORE 4
    .endr

irq_from_g:
    PUSH
    OPEN
    mov     x0, sp
    bl      trap_irq                /* NULL, or a frame to save the G into */
    cbnz    x0, preempt
return_to_g:
    mov     x30, sp
    add     sp, sp, #TRAP_SIZE
    b       trap_return

/* FP and SIMD go into the frame at x0, and then, through them, the general registers from the core stack; then as g0 on
 * an empty stack: x0 is the G, x1 the frame. */
    .macro  SAVE_G
    mov     x19, x0
    bl      hal_save_fp
    ldr     x12, [sp, #8]
    str     x12, [x0, #8]           /* the first word is not ours */
    ldr     q0, [sp, #16]
    str     q0, [x0, #16]
    .set    at, 32
    .rept   (TRAP_SIZE - 32) / 32
    ldp     q0, q1, [sp, #at]
    stp     q0, q1, [x0, #at]
    .set    at, at + 32
    .endr
    dsb     sy                      /* a cache operation or device access that the G was amid is done here, since the
                                       barrier which it goes on to may stand on another core */
    mrs     x0, tpidr_el1
    mov     x1, x19
    mrs     x9, tpidrro_el0
    ldp     x10, x11, [x9, #CORE_STACK_TOP]
    mov     sp, x10
    msr     tpidr_el1, x11
    mov     x29, xzr
    mov     x30, xzr
    .endm

preempt:
    SAVE_G
    bl      sched_preempted
    brk     #3

/* Nearly always a stack page that is touched for the first time. Nothing there faults, so ELR and SPSR stay where they
 * are. */
sync_from_g:
    PUSH_LOW
    bl      trap_touched
    cbz     w0, 1f
    ldp     x2, x3, [sp, #TRAP_X0 + 16]
    ldp     x4, x5, [sp, #TRAP_X0 + 32]
    ldp     x6, x7, [sp, #TRAP_X0 + 48]
    ldp     x8, x9, [sp, #TRAP_X0 + 64]
    ldp     x10, x11, [sp, #TRAP_X0 + 80]
    ldp     x12, x13, [sp, #TRAP_X0 + 96]
    ldp     x14, x15, [sp, #TRAP_X0 + 112]
    ldp     x16, x17, [sp, #TRAP_X0 + 128]
    ldr     x18, [sp, #TRAP_X0 + 144]
    ldr     x30, [sp, #TRAP_X30]
    ldp     x0, x1, [sp, #TRAP_X0]
    add     sp, sp, #TRAP_SIZE
    eret
1:  PUSH_HIGH
    OPEN
    mov     x0, sp
    bl      trap_sync               /* NULL: it was mended; or the frame that hal_trap() has brought */
    cbz     x0, return_to_g
    SAVE_G
    str     xzr, [x0, #G_SP]
    str     x1, [x0, #G_FRAME]
    ldp     x10, x2, [x1, #TRAP_X0 + 16] /* hal_trap()'s then and arg */
    mov     x1, x10
    b       hal_call_then

fiq_from_g:
    PUSH
    mov     x0, sp
    mov     x1, #2
    bl      trap_unexpected
serror_from_g:
    PUSH
    mov     x0, sp
    mov     x1, #3
    bl      trap_unexpected

/* x0 and x1 are saved, x1 is the kind. A failed hal_peek() and an emulator's missing semihosting come back from here. */
from_core:
    str     x1, [sp]
    PUSH
    mov     x0, sp
    ldr     x1, [sp]
    bl      trap_core_stack
    b       return_to_g

/* sp was (sp + x0), x0 is the bad sp: both are given up for the report. */
overflowed:
    mrs     x0, tpidrro_el0
    ldr     x0, [x0, #CORE_STACK_TOP]
    sub     x0, x0, #STACK_SLOT
    add     sp, x0, #STACK_EMERG
    sub     sp, sp, #TRAP_SIZE
    stp     xzr, xzr, [sp, #TRAP_X0]
    PUSH
    mov     x0, sp
    mov     x1, #5
    bl      trap_core_stack
    brk     #4
