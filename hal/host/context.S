/*
 * hal/host/context.S - leaving a stack and entering another; struct host_context in machine.h is
 * its layout.
 *
 *   void host_switch_out(void **sp, void *top, void (*fn)(void *arg), void *arg);
 *   _Noreturn void host_switch_in(void *sp);
 *   void host_start(void);
 *
 * No thread-local variable is touched here: between out and in the thread may have changed (HAZARDS
 * 28). The store to *sp is the last use of the old stack, and fn publishes the G after it.
 */
    .text

#if defined(__x86_64__)

/* The return address is there already: the call has pushed it. */
.macro  save_at_rdi
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    subq    $8, %rsp
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
    movq    %rsp, (%rdi)
.endm

    .globl  host_switch_out
    .type   host_switch_out, @function
host_switch_out:                    /* rdi sp, rsi top, rdx fn, rcx arg */
    save_at_rdi
    movq    %rsi, %rsp
    xorl    %ebp, %ebp              /* with the 0 below the first frame record is {0, 0} */
    movq    %rcx, %rdi
    pushq   $0
    jmp     *%rdx
    .size   host_switch_out, . - host_switch_out

    .globl  host_switch_in
    .type   host_switch_in, @function
host_switch_in:                     /* rdi sp */
    movq    %rdi, %rsp
    ldmxcsr (%rsp)
    fldcw   4(%rsp)
    addq    $8, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    ret
    .size   host_switch_in, . - host_switch_in

    .globl  hal_try
    .type   hal_try, @function
hal_try:                            /* rdi sp, rsi fn, rdx arg; 7 words pushed: the stack is aligned for the call */
    save_at_rdi
    leaq    48(%rsp), %rbp          /* its frame record */
    movq    %rdx, %rdi
    call    *%rsi
    movl    $1, %eax
    addq    $48, %rsp               /* fn has kept the rest */
    popq    %rbp
    ret
    .size   hal_try, . - hal_try

    .globl  hal_throw
    .type   hal_throw, @function
hal_throw:                          /* rdi sp */
    xorl    %eax, %eax
    jmp     host_switch_in          /* the same layout; it leaves eax alone */
    .size   hal_throw, . - hal_throw

    .globl  host_start
    .type   host_start, @function
host_start:                         /* rbx fn, r12 arg, rbp 0; sp is 16-byte aligned */
    movq    %rbx, %rdi
    movq    %r12, %rsi
    pushq   $0
    jmp     host_first
    .size   host_start, . - host_start

#elif defined(__aarch64__)

.macro  save_at_x0
    sub     sp, sp, #176
    stp     x19, x20, [sp]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mrs     x9, fpcr
    str     x9, [sp, #160]
    mov     x9, sp
    str     x9, [x0]
.endm

    .globl  host_switch_out
    .type   host_switch_out, %function
host_switch_out:                    /* x0 sp, x1 top, x2 fn, x3 arg */
    save_at_x0
    mov     sp, x1
    mov     x29, xzr                /* the first frame record is {0, 0} */
    mov     x30, xzr
    mov     x0, x3
    br      x2
    .size   host_switch_out, . - host_switch_out

    .globl  host_switch_in
    .type   host_switch_in, %function
host_switch_in:                     /* x0 sp */
    mov     sp, x0
.Lrestore:                          /* leaves x0 alone */
    ldr     x9, [sp, #160]
    msr     fpcr, x9
    ldp     d14, d15, [sp, #144]
    ldp     d12, d13, [sp, #128]
    ldp     d10, d11, [sp, #112]
    ldp     d8, d9, [sp, #96]
    ldp     x29, x30, [sp, #80]
    ldp     x27, x28, [sp, #64]
    ldp     x25, x26, [sp, #48]
    ldp     x23, x24, [sp, #32]
    ldp     x21, x22, [sp, #16]
    ldp     x19, x20, [sp]
    add     sp, sp, #176
    ret
    .size   host_switch_in, . - host_switch_in

    .globl  hal_try
    .type   hal_try, %function
hal_try:                            /* x0 sp, x1 fn, x2 arg; struct host_context with its frame record at 80 */
    save_at_x0
    add     x29, sp, #80
    mov     x0, x2
    blr     x1
    mov     w0, #1
    ldp     x29, x30, [sp, #80]     /* fn has kept the rest */
    add     sp, sp, #176
    ret
    .size   hal_try, . - hal_try

    .globl  hal_throw
    .type   hal_throw, %function
hal_throw:                          /* x0 sp */
    mov     sp, x0
    mov     w0, #0
    b       .Lrestore
    .size   hal_throw, . - hal_throw

    .globl  host_start
    .type   host_start, %function
host_start:                         /* x19 fn, x20 arg, x29 0 */
    mov     x0, x19
    mov     x1, x20
    mov     x30, xzr
    b       host_first
    .size   host_start, . - host_start

#endif

/*
 * bool hal_peek(uintptr_t va, uint64_t *out); a fault at host_peek_insn goes on at host_peek_failed (fault.c).
 */
    .globl  hal_peek
    .type   hal_peek, @function
    .globl  host_peek_insn
    .globl  host_peek_failed
#if defined(__x86_64__)
hal_peek:
host_peek_insn:
    movq    (%rdi), %rax
    movq    %rax, (%rsi)
    movl    $1, %eax
    ret
host_peek_failed:
    xorl    %eax, %eax
    ret
#elif defined(__aarch64__)
hal_peek:
host_peek_insn:
    ldr     x2, [x0]
    str     x2, [x1]
    mov     w0, #1
    ret
host_peek_failed:
    mov     w0, #0
    ret
#endif
    .size   hal_peek, . - hal_peek

    .section .note.GNU-stack, "", %progbits
