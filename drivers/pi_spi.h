/* drivers/pi_spi.h - SPI 0, of a Raspberry Pi. An instance: {&pi_spi_ops, base, .line = ..., .prepare = ...}, for struct spi_job. */
#pragma once

#include "hal/board.h"

extern const struct job_ops pi_spi_ops;
