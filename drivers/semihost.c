/*
 * drivers/semihost.c - semihosting.
 *
 * Source: Arm semihosting specification (ARM-software/abi-aa, semihosting.rst).
 *
 * A call stops its core until the host is done. The blocks stand on the caller's stack and have
 * just been written, so they are mapped; the host would report success and store nothing into what
 * is not.
 */
#include "drivers/semihost.h"

#include <stdint.h>

#include "hal/aarch64/semihost_call.h"

#define SYS_TIME          0x11u
#define SYS_GET_CMDLINE   0x15u
#define SYS_EXIT_EXTENDED 0x20u

#define ADP_STOPPED_APPLICATION_EXIT 0x20026u

bool semihost_present(void) {
    /* Seconds since 1970: never -1, no block, no effect. */
    return semihost_call(SYS_TIME, NULL) != SEMIHOST_ABSENT;
}

bool semihost_args(char *out, size_t n) {
    uint64_t block[2] = {(uintptr_t)out, n};
    out[0] = '\0';
    if (semihost_call(SYS_GET_CMDLINE, block) != 0 || block[1] >= n) {
        out[0] = '\0';
        return false;
    }
    out[block[1]] = '\0';
    return true;
}

void semihost_exit(int status) {
    const uint64_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, (uint32_t)status};
    semihost_call(SYS_EXIT_EXTENDED, block);
}
