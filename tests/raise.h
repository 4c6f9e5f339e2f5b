/* tests/raise.h - a device interrupt raised by software, where the machine's controller can: GICs can. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A shared line that no device of these machines uses. */
#define RAISED_LINE 150u

bool can_raise(void);
void set_pending(uint32_t line);
void clear_pending(uint32_t line);

#define NEED_RAISE()                                                                               \
    do {                                                                                           \
        if (!can_raise()) {                                                                        \
            SKIP("this interrupt controller takes no interrupt from software");                    \
        }                                                                                          \
    } while (0)
