/* tests/raise.h - a device interrupt, raised by software where the machine's controller can: GICs can; on the Raspberry
 * Pi 3 by its system timer, some microseconds later. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A shared line that no device of these machines uses; the second compare register's of the system timer. */
unsigned raised_line(void);
#define RAISED_LINE raised_line()

bool can_raise(void);
void set_pending(uint32_t line);

/* In the handler, first. False: the line does not ask, and the handler has been called for nothing, as it may be. */
bool clear_pending(uint32_t line);

#define NEED_RAISE()                                                                               \
    do {                                                                                           \
        if (!can_raise()) {                                                                        \
            SKIP("this interrupt controller takes no interrupt from software");                    \
        }                                                                                          \
    } while (0)
