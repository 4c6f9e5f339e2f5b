/* drivers/pi_pwm.h - PWM 0 of a Raspberry Pi. An instance: {&pi_pwm_ops, {base, the clock manager's, the GPIO
 * block's}, .clock = the crystal's}. */
#pragma once

#include "hal/board.h"

extern const struct pwm_ops pi_pwm_ops;
