/* boards/virt/disks.c - virtio disks. Addresses: QEMU, hw/arm/virt.c. */
#include "drivers/virtio_disk.h"
#include "hal/board.h"

#define VIRTIO 0x0a000000u /* the first of 32 */

static const struct disk disk = {&virtio_disk_ops, VIRTIO, .line = 48};
const struct disk *const board_disks[] = {&disk, NULL};
