/* hal/aarch64/offsets.h - what assembly knows of C's structures; hal/aarch64/trap.c asserts
 * each. */
#pragma once

/* struct hal_g */
#define G_TLS   0
#define G_SP    8
#define G_PORT  16
#define G_FRAME 24

/* struct hal_core */
#define CORE_STACK_TOP 0
#define CORE_G0        8

/* struct trap: what an exception pushes on the core stack, and the first part of a preemption
 * frame. The first word is not used: in a frame it is the scheduler's link. */
#define TRAP_X0     8
#define TRAP_X30    248
#define TRAP_SP     256 /* SP_EL0 */
#define TRAP_PC     264
#define TRAP_PSTATE 272
#define TRAP_SIZE   288

/* The rest of a frame. */
#define FRAME_Q0   288
#define FRAME_FPSR 800 /* and FPCR */

/* What hal_park() saves on the G's stack. */
#define PARK_SIZE 176

/* Core stacks: linker/aarch64.ld.S. Bit 14 of an address on the core stack is set, below it is
 * clear. */
#define STACK_SLOT  0x8000
#define STACK_BIT   14
#define STACK_EMERG 0x3000 /* top of the emergency stack in the slot */
