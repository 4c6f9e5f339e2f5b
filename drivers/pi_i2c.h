/* drivers/pi_i2c.h - I2C, the master BSC 1, of a Raspberry Pi. An instance: {&pi_i2c_ops, base, .line = ..., .prepare = ...}, for struct i2c_job. */
#pragma once

#include "hal/board.h"

extern const struct job_ops pi_i2c_ops;
