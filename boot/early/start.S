/*
 * boot/early/start.S - the first instructions of every core.
 *
 * Any core may come here at EL3, EL2 or EL1, with MMU and caches off, alone or all at once. Each finds out which one
 * it is (by MPIDR, from the board's table), drops to EL1h, and then the boot core clears BSS, makes the tables and goes
 * on to boot_main(); the others wait for their line, turn their MMU on and go on to boot_secondary().
 *
 * With caches off a core touches text, the tables (its walker does), and its own boot line; the boot core also BSS.
 * No exclusive access stands here: without caches it may never succeed.
 *
 * Register use:  x19 what x0 held at entry   x20 entry level (1, 2, 3)   x21 boot line   x22 core
 *                x23 how far we lie from where we are linked to, 0 if all is well
 * TOUR 1 / read next: boot/init.c
 */
#include "hal/aarch64/boot_line.h"

#define SCR_EL3_VALUE   0x5b1        /* RW, HCE, SMD, NS, RES1 */
#define HCR_EL2_RW      (1 << 31)
#define CPTR_EL2_RES1   0x33ff
#define SPSR_EL2H       0x3c9        /* DAIF masked */
#define SPSR_EL1H       0x3c5
#define SCTLR_RES1      0x30d00800
#define SCTLR_ON        0x0008101d   /* WXN, I, SA0, SA, C, M */
#define CPACR_FP        (3 << 20)
#define MIDR_A53        0xd03
#define MIDR_A72        0xd08
#define SMPEN           (1 << 6)
#define GICD_TYPER      4
#define GICD_TYPER_SEC  10           /* version 2: has two security states */
#define GICD_IGROUPR    0x80
#define GICC_PMR        4
#define GICD_CTLR_DS    (1 << 6)     /* version 3: make do with one security state */

    .section .text.boot, "ax"
    .global _start
_start:
    b       start                   /* the arm64 Image header of Linux, Documentation/arch/arm64/booting.rst */
    .long   0
    .quad   IMGHDR_TEXT_OFFSET
    .quad   __image_size
    .quad   0xa                     /* little endian, 4 KiB pages, anywhere */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

start:
    msr     daifset, #0xf
    mov     x19, x0
    adr     x9, _start
    ldr     x10, =_start
    sub     x23, x9, x10

    /* which core: x22 */
    mrs     x9, mpidr_el1
    mov     x10, #0xffffff
    orr     x10, x10, #(0xff << 32)
    and     x9, x9, x10
    adrp    x10, board
    add     x10, x10, :lo12:board
    ldr     w11, [x10, #BOARD_MAX_CORES]
    add     x10, x10, #BOARD_CORE_IDS
    mov     x22, #0
1:  cmp     x22, x11
    b.hs    stranger
    ldr     x12, [x10, x22, lsl #3]
    cmp     x12, x9
    b.eq    2f
    add     x22, x22, #1
    b       1b
2:  adrp    x21, boot_lines
    add     x21, x21, :lo12:boot_lines
    add     x21, x21, x22, lsl #6
    cbz     x22, 3f
    mov     x9, #STAGE_ENTERED
    str     x9, [x21, #LINE_STAGE]

3:  mrs     x20, CurrentEL
    lsr     x20, x20, #2
    cmp     x20, #2
    b.eq    at_el2
    b.lo    at_el1

/* ---- EL3: only where no firmware was before us -------------------------------------------------------------- */
    mrs     x9, midr_el1            /* coherency between the cores, before any cache is on */
    ubfx    x9, x9, #4, #12
    cmp     x9, #MIDR_A53
    mov     x10, #MIDR_A72
    ccmp    x9, x10, #4, ne
    b.ne    1f
    mrs     x9, s3_1_c15_c2_1       /* CPUECTLR_EL1 */
    orr     x9, x9, #SMPEN
    msr     s3_1_c15_c2_1, x9
    isb
1:  mov     x9, #SCR_EL3_VALUE
    msr     scr_el3, x9
    msr     cptr_el3, xzr
    mrs     x9, id_aa64pfr0_el1
    ubfx    x10, x9, #24, #4        /* GICv3 registers */
    mov     w11, #2
    cbz     x10, 2f
    mov     w11, #3
    mov     x10, #0xf
    msr     s3_6_c12_c12_5, x10     /* ICC_SRE_EL3 */
    isb
2:  cbnz    x23, 4f
    bl      open_gic
4:  mov     x10, #SPSR_EL2H
    adr     x11, at_el2
    ubfx    x9, x9, #8, #4          /* EL2 */
    cbnz    x9, 3f
    ldr     x9, =SCTLR_RES1
    msr     sctlr_el1, x9
    mov     x10, #SPSR_EL1H
    adr     x11, at_el1
3:  msr     spsr_el3, x10
    msr     elr_el3, x11
    eret

/* Gives the interrupt controller, a GIC of version w11, to the non-secure world: this core's part and, on the boot
 * core, what is shared. Else no interrupt would ever reach EL1. x10-x15 are lost. */
open_gic:
    adrp    x12, board
    add     x12, x12, :lo12:board
    ldr     x12, [x12, #BOARD_INTC]
1:  ldr     x13, [x12], #8
    cbz     x13, 9f                 /* none, or of another make */
    ldr     w14, [x13, #INTC_GIC]
    cmp     w14, w11
    b.ne    1b
    ldp     x12, x13, [x13, #INTC_BASE]
    cmp     w11, #3
    b.eq    3f
    ldr     w14, [x12, #GICD_TYPER]
    tbz     w14, #GICD_TYPER_SEC, 9f
    mov     w15, #-1
    str     w15, [x12, #GICD_IGROUPR]   /* lines 0 to 31 are each core's own */
    mov     w10, #0xff
    str     w10, [x13, #GICC_PMR]   /* a lower mask of ours would bind EL1 too */
    cbnz    x22, 9f
    and     w14, w14, #31           /* words that follow */
    add     x12, x12, #GICD_IGROUPR
2:  cbz     w14, 9f
    str     w15, [x12, #4]!
    sub     w14, w14, #1
    b       2b
3:  cbnz    x22, 9f
    ldr     w14, [x12]
    orr     w14, w14, #GICD_CTLR_DS
    str     w14, [x12]
9:  ret

/* ---- EL2 -------------------------------------------------------------------------------------------------------- */
at_el2:
    mov     x9, #HCR_EL2_RW
    msr     hcr_el2, x9
    mov     x9, #CPTR_EL2_RES1
    msr     cptr_el2, x9
    msr     hstr_el2, xzr
    mrs     x9, cnthctl_el2
    orr     x9, x9, #3              /* EL1 uses the physical counter and timer */
    msr     cnthctl_el2, x9
    msr     cntvoff_el2, xzr
    mrs     x9, midr_el1
    msr     vpidr_el2, x9
    mrs     x9, mpidr_el1
    msr     vmpidr_el2, x9
    msr     vttbr_el2, xzr
    mrs     x9, pmcr_el0            /* all event counters to EL1 */
    ubfx    x9, x9, #11, #5
    msr     mdcr_el2, x9
    mrs     x9, id_aa64pfr0_el1
    ubfx    x9, x9, #24, #4
    cbz     x9, 1f
    mov     x9, #0xf
    msr     s3_4_c12_c9_5, x9       /* ICC_SRE_EL2 */
    isb
1:  ldr     x9, =SCTLR_RES1
    msr     sctlr_el1, x9
    mov     x9, #SPSR_EL1H
    msr     spsr_el2, x9
    adr     x9, at_el1
    msr     elr_el2, x9
    eret

/* ---- EL1 -------------------------------------------------------------------------------------------------------- */
at_el1:
    msr     spsel, #1
    mov     x9, #CPACR_FP
    msr     cpacr_el1, x9
    adrp    x9, trap_vectors
    add     x9, x9, :lo12:trap_vectors
    msr     vbar_el1, x9
    msr     tpidr_el1, xzr
    msr     tpidrro_el0, xzr
    isb
    cbz     x22, boot_core
    cbnz    x23, stranger
    mov     x9, #STAGE_EL1
    str     x9, [x21, #LINE_STAGE]
    ldr     x10, =LINE_GO
1:  ldr     x9, [x21, #LINE_RELEASE]
    cmp     x9, x10
    b.eq    2f
    wfe
    b       1b
2:  mov     x9, #STAGE_GO
    str     x9, [x21, #LINE_STAGE]
    bl      mmu_on
    mov     x9, #STAGE_MMU
    str     x9, [x21, #LINE_STAGE]
    ldr     x9, [x21, #LINE_STACK]
    mov     sp, x9
    mov     x0, x22
    mov     x29, xzr
    mov     x30, xzr
    bl      boot_secondary
stranger:
    wfe
    b       stranger

boot_core:
    cbnz    x23, astray
    adrp    x9, __bss_start         /* these begin and end at pages */
    adrp    x10, __stacks_start
1:  .rept   8
    stp     xzr, xzr, [x9], #16
    .endr
    cmp     x9, x10
    b.lo    1b
    add     x9, x10, #0x8000
    mov     sp, x9
    mov     x0, x19
    mov     x29, xzr
    mov     x30, xzr
    bl      early_tables_make
    /* Whatever lines lie over what was just written, tables, BSS and our stack, are older than it: away with them,
     * unwritten. Over what nobody has written yet they do no harm. */
    dsb     sy
    mrs     x11, ctr_el0
    ubfx    x11, x11, #16, #4
    mov     x12, #4
    lsl     x11, x12, x11
    adrp    x9, __tables_start
    adrp    x10, __stacks_start
    add     x10, x10, #0x8000
2:  .rept   4                       /* all is whole pages, and a line is at most the fourth of one */
    dc      ivac, x9
    add     x9, x9, x11
    .endr
    cmp     x9, x10
    b.lo    2b
    dsb     sy
    bl      mmu_on
    mov     x0, x19
    mov     x1, x20
    mov     x29, xzr
    mov     x30, xzr
    bl      boot_main
    b       stranger

/* We are not where we are linked to. What is reached relative to the PC works, if the pages fall together: enough to
 * say so. */
astray:
    tst     x23, #0xfff
    b.ne    stranger
    adrp    x9, __stacks_start
    add     x9, x9, :lo12:__stacks_start
    add     x9, x9, #0x8000
    mov     sp, x9
    mov     x0, x23
    mov     x29, xzr
    bl      early_astray
    b       stranger

/* Turns MMU and caches on; x9-x12 are lost. */
mmu_on:
    ldr     x9, =0x44ff00           /* MAIR_VALUE, pagetable.h */
    msr     mair_el1, x9
    ldr     x9, =0x00803519         /* TCR_VALUE, pagetable.h */
    mrs     x10, id_aa64mmfr0_el1   /* physical addresses as large as the core has, 40 bits at most */
    and     x10, x10, #0xf
    mov     x11, #2
    cmp     x10, x11
    csel    x10, x10, x11, lo
    bfi     x9, x10, #32, #3
    msr     tcr_el1, x9
    adrp    x9, early_tables
    add     x9, x9, :lo12:early_tables
    msr     ttbr0_el1, x9
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    ldr     x9, =(SCTLR_RES1 | SCTLR_ON)
    msr     sctlr_el1, x9
    isb
    ret

    .ltorg

/* In .data, so that it comes zeroed with the image: cores may be looking before BSS is cleared. */
    .section .data.boot_lines, "aw"
    .balign 64
    .global boot_lines
boot_lines:
    .space  8 * LINE_SIZE
