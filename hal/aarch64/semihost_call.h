/*
 * hal/aarch64/semihost_call.h - the one instruction of semihosting: a call to the debugger or
 * emulator.
 *
 * Where nobody listens, HLT is an undefined instruction. So that it can be tried, there is exactly
 * one in the image, at the label semihost_probe_insn, and the trap code keeps this contract: for a
 * synchronous exception from the current EL with EC 0 (unknown reason) and ELR ==
 * semihost_probe_insn it sets x0 = ~0, adds 4 to ELR and returns. Before the vectors are set no
 * call may be made.
 */
#pragma once

#include <stdint.h>

#define SEMIHOST_ABSENT UINT64_MAX

/* op and its argument block as the semihosting specification has them. The block and all it points
 * to must be mapped. SEMIHOST_ABSENT: nobody listens (or the operation failed with -1). */
uint64_t semihost_call(uint64_t op, const void *block);

extern const char semihost_probe_insn[];
