/*
 * hal/aarch64/semihost_call.S - uint64_t semihost_call(uint64_t op, const void *block); see
 * semihost_call.h. Operation in w0, block in x1, result in x0; no other register changes.
 */
    .section .text.semihost_call, "ax"
    .balign 4
    .global semihost_call
    .type   semihost_call, %function
    .global semihost_probe_insn
semihost_call:
semihost_probe_insn:
    hlt     #0xf000
    ret
    .size   semihost_call, . - semihost_call
