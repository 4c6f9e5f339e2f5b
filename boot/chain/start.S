/*
 * boot/chain/start.S - the loader's first instructions and its last.
 *
 * It is loaded where every image is loaded, so the boot core first copies it to where it is linked, far above. MMU and
 * data cache stay off, whatever the exception level, which is left as it is for the image: the firmware's contract with
 * a kernel is what the image finds.
 *
 * The other cores are in the firmware's pen and stay there. Where there was no firmware (an ELF under QEMU) they come
 * here together with the boot core, and get a pen of the same kind, which is in the copy: the image will lie over us.
 */

#define SPIN_TABLE  0xd8        /* armstub8: a word of 8 bytes for each core */
#define SCTLR_I     (1 << 12)
#define CORES       4

    .section .text.chain, "ax"
    .global _start
_start:
    msr     daifset, #0xf
    mrs     x9, mpidr_el1
    and     x9, x9, #0xff
    cbnz    x9, other_core

    adr     x9, _start
    ldr     x10, =__chain_start
    ldr     x11, =__chain_end
1:  ldp     x12, x13, [x9], #16
    stp     x12, x13, [x10], #16
    cmp     x10, x11
    b.lo    1b
    ldr     x11, =__chain_bss_end
2:  cmp     x10, x11
    b.hs    3f
    stp     xzr, xzr, [x10], #16
    b       2b
3:  mov     x9, #SPIN_TABLE     /* nobody is called yet: what an earlier image wrote is void */
    mov     x10, #1
4:  str     xzr, [x9, x10, lsl #3]
    add     x10, x10, #1
    cmp     x10, #CORES
    b.lo    4b
    dsb     sy
    ic      iallu
    dsb     sy
    isb
    ldr     x9, =in_the_copy
    br      x9

in_the_copy:
    ldr     x9, =__chain_stack
    mov     sp, x9
    mov     x29, xzr
    mov     x30, xzr
    mov     x20, #SCTLR_I
    bl      set_sctlr           /* else a block's CRC would take longer than the block */
    ldr     x9, =copied
    ldr     x10, =COPIED
    str     x10, [x9]
    dsb     sy
    sev
    bl      chain_main
    b       .

other_core:
    ldr     x10, =copied
    ldr     x11, =COPIED
1:  ldr     x12, [x10]
    cmp     x12, x11
    b.eq    2f
    wfe
    b       1b
2:  ic      iallu
    dsb     sy
    isb
    ldr     x10, =pen
    br      x10
pen:
    mov     x10, #SPIN_TABLE
3:  wfe
    ldr     x11, [x10, x9, lsl #3]
    cbz     x11, 3b
    mov     x0, xzr
    br      x11

/* Sets I of this level's SCTLR to x20. x21 is lost. */
set_sctlr:
    mrs     x21, CurrentEL
    cmp     x21, #(2 << 2)
    b.hi    3f
    b.eq    2f
    mrs     x21, sctlr_el1
    bic     x21, x21, #SCTLR_I
    orr     x21, x21, x20
    msr     sctlr_el1, x21
    b       4f
2:  mrs     x21, sctlr_el2
    bic     x21, x21, #SCTLR_I
    orr     x21, x21, x20
    msr     sctlr_el2, x21
    b       4f
3:  mrs     x21, sctlr_el3
    bic     x21, x21, #SCTLR_I
    orr     x21, x21, x20
    msr     sctlr_el3, x21
4:  isb
    ret

/* _Noreturn void chain_jump(const void *tags, uintptr_t image): as the firmware would enter it. */
    .global chain_jump
chain_jump:
    mov     x22, x1
    mov     x20, #0
    bl      set_sctlr
    dsb     sy
    ic      iallu
    dsb     sy
    isb
    mov     x1, xzr
    mov     x2, xzr
    mov     x3, xzr
    br      x22

    .ltorg

    .set    COPIED, 0x626172656c6f6f6d

    .section .data.copied, "aw"
    .balign 8
copied:
    .quad   0
