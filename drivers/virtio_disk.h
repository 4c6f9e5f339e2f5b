/* drivers/virtio_disk.h - QEMU's virtio-blk. An instance: {&virtio_disk_ops, base and line of the first of the
 * machine's 32 transports}; the first disk among them is it. */
#pragma once

#include "hal/board.h"

extern const struct disk_ops virtio_disk_ops;
