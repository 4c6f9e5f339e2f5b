/*
 * drivers/virtio_random.c - random numbers of QEMU's.
 *
 * Source: Virtual I/O Device (VIRTIO) Version 1.1, 5.4 Entropy Device; the transports' places: QEMU, hw/arm/virt.c.
 */
#include "drivers/virtio_random.h"

#include "drivers/virtio.h"

#define TRANSPORTS  32u
#define STEP        0x200u
#define KIND_RANDOM 4u

#define WORDS 64u

/* Whoever the floor above lets call us. */
static struct {
    uintptr_t base;
    uint8_t *ring;
    uint64_t ring_device;
    unsigned left; /* words of the latest answer */
} unit;

static void ask(void) {
    const struct virtio_piece piece = {unit.ring_device + VIRTIO_OWN, WORDS * 4, true};
    virtio_send(unit.base, unit.ring, &piece, 1);
}

static bool virtio_random_init(const struct rng *r, uint8_t *ring, uint64_t ring_device) {
    unit.base = virtio_find(r->base, TRANSPORTS, STEP, KIND_RANDOM);
    unit.ring = ring;
    unit.ring_device = ring_device;
    if (unit.base == 0 || !virtio_start(unit.base, ring, ring_device)) {
        return false;
    }
    ask();
    return true;
}

static bool virtio_random_word(const struct rng *r, uint32_t *out) {
    (void)r;
    if (unit.left == 0) {
        uint32_t bytes;
        if (!virtio_done(unit.base, unit.ring, &bytes)) {
            return false;
        }
        unit.left = bytes / 4;
        if (unit.left == 0) {
            ask();
            return false;
        }
    }
    *out = ((const volatile uint32_t *)(const void *)(unit.ring + VIRTIO_OWN))[--unit.left];
    if (unit.left == 0) {
        ask();
    }
    return true;
}

const struct rng_ops virtio_random_ops = {.init = virtio_random_init, .word = virtio_random_word};
