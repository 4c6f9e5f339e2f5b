/* <bareloom/pwm.h> - pulses: a pin that is high for a part of each period, which dims an LED, drives a heater, turns a
 * servo. On a Raspberry Pi at GPIO 12 and 18 (channel 1), 13 and 19 (channel 2); two pins of one channel show the
 * same. The firmware's sound at the headphone socket uses the same channels. */
#pragma once

#include <bareloom/base.h>

/* From now on the pin is high for the first `high` of each period. 0; -ENODEV: the board has no pulses that we know;
 * -EINVAL: not at this pin, or not 0 <= high <= period, or a period that is not in US(1) to SEC(100). It goes on
 * without the program. From a G. */
int pwm_start(unsigned pin, ns_t period, ns_t high);

/* Ends it; the pin stays low. As pwm_start(). From a G. */
int pwm_stop(unsigned pin);
