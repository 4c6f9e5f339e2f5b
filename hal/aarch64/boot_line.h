/* hal/aarch64/boot_line.h - what a core that has no caches yet and the boot core tell each other.
 *
 * One cache line per core of the board. The boot core fills it, cleans it to memory and never
 * writes it again; the core writes its stage past the caches; the boot core drops its copy before
 * each look (HAZARDS 34). */
#pragma once

#define LINE_SIZE    64
#define LINE_RELEASE 0
#define LINE_STAGE   8
#define LINE_STACK   16

/* No RAM comes up with this by chance: "go, core" */
#define LINE_GO 0x676f2c20636f7265

#define STAGE_NONE    0
#define STAGE_ENTERED 1
#define STAGE_EL1     2
#define STAGE_GO      3
#define STAGE_MMU     4

/* struct board */
#define BOARD_MAX_CORES 8
#define BOARD_CORE_IDS  16
#define BOARD_INTC      88

/* struct intc */
#define INTC_BASE 8
#define INTC_GIC  40

#ifndef __ASSEMBLER__
#include <stdint.h>

struct boot_line {
    uint64_t release, stage, stack, unused[5];
};
extern struct boot_line boot_lines[8];
#endif
