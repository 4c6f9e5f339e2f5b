/*
 * drivers/virtio_disk.c - a disk of QEMU's.
 *
 * Source: Virtual I/O Device (VIRTIO) Version 1.1, 5.2 Block Device; the transports' places: QEMU, hw/arm/virt.c.
 */
#include "drivers/virtio_disk.h"

#include "drivers/virtio.h"
#include "hal/mmio.h"

#define TRANSPORTS 32u
#define STEP       0x200u
#define KIND_DISK  2u

#define READ  0u
#define WRITE 1u
#define GOOD  0u

/* In the queue's page, from VIRTIO_OWN on. */
struct request {
    uint32_t kind, reserved;
    uint64_t sector;
    uint8_t status; /* the device's answer */
};

/* Whoever the floor above lets call us. */
static struct {
    uintptr_t base;
    struct disk_memory memory;
} unit;

static volatile struct request *request(void) {
    return (volatile struct request *)(void *)(unit.memory.ring + VIRTIO_OWN);
}

static enum disk_result virtio_disk_init(const struct disk *d, const struct disk_memory *m,
                                         struct disk_found *out) {
    unit.base = virtio_find(d->base, TRANSPORTS, STEP, KIND_DISK);
    unit.memory = *m;
    if (unit.base == 0) {
        return DISK_NONE;
    }
    if (!virtio_start(unit.base, m->ring, m->ring_device)) {
        return DISK_FAILED;
    }
    out->sectors = mmio_read32(unit.base + VIRTIO_CONFIG) |
                   (uint64_t)mmio_read32(unit.base + VIRTIO_CONFIG + 4) << 32;
    out->line = d->line + (unsigned)((unit.base - d->base) / STEP);
    return DISK_DONE;
}

static void virtio_disk_begin(const struct disk *d, bool write, uint64_t sector, unsigned n) {
    (void)d;
    uint64_t own = unit.memory.ring_device + VIRTIO_OWN;
    const struct virtio_piece pieces[] = {
        {own, offsetof(struct request, status), false},
        {unit.memory.data_device, n * DISK_SECTOR, !write},
        {own + offsetof(struct request, status), 1, true},
    };
    request()->kind = write ? WRITE : READ;
    request()->reserved = 0;
    request()->sector = sector;
    request()->status = (uint8_t)~GOOD;
    virtio_send(unit.base, unit.memory.ring, pieces, 3);
}

static enum disk_result virtio_disk_step(const struct disk *d) {
    (void)d;
    uint32_t bytes;
    if (!virtio_done(unit.base, unit.memory.ring, &bytes)) {
        return DISK_BUSY;
    }
    return request()->status == GOOD ? DISK_DONE : DISK_FAILED;
}

static void virtio_disk_abort(const struct disk *d) {
    (void)d;
    (void)virtio_start(unit.base, unit.memory.ring,
                       unit.memory.ring_device); /* the reset takes the request back */
}

const struct disk_ops virtio_disk_ops = {.init = virtio_disk_init,
                                         .begin = virtio_disk_begin,
                                         .step = virtio_disk_step,
                                         .abort = virtio_disk_abort};
