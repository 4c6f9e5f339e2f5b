/* hal/aarch64/sysreg.h - system registers by name. */
#pragma once

#include <stdint.h>

#define SYSREG_READ(name)                                                                          \
    ({                                                                                             \
        uint64_t value_;                                                                           \
        __asm__ volatile("mrs %0, " #name : "=r"(value_));                                         \
        value_;                                                                                    \
    })

/* Takes effect for what follows only after an isb. */
#define SYSREG_WRITE(name, value)                                                                  \
    __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")
