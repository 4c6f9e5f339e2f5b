/*
 * hal/aarch64/peek.S - bool hal_peek(uintptr_t va, uint64_t *out): a load that may fail.
 *
 * A fault at hal_peek_insn goes on at hal_peek_failed (trap.c), on whichever stack this runs.
 */
    .section .text.hal_peek, "ax"
    .balign 4
    .global hal_peek
    .type   hal_peek, %function
    .global hal_peek_insn
    .global hal_peek_failed
hal_peek:
hal_peek_insn:
    ldr     x2, [x0]
    str     x2, [x1]
    mov     w0, #1
    ret
hal_peek_failed:
    mov     w0, #0
    ret
    .size   hal_peek, . - hal_peek
