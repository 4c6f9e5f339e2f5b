/* drivers/pi_dma.h - one channel of DMA, from memory to memory, of a Raspberry Pi. An instance: {&pi_dma_ops, the channel's base, .line = ...}, for struct dma_job. */
#pragma once

#include "hal/board.h"

extern const struct job_ops pi_dma_ops;
