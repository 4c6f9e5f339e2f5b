/* drivers/virtio_random.h - QEMU's virtio-rng. An instance: {&virtio_random_ops, base of the first of the machine's 32
 * transports, .wants_ring = true}; the first one among them is it. */
#pragma once

#include "hal/board.h"

extern const struct rng_ops virtio_random_ops;
