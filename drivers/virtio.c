/*
 * drivers/virtio.c - the virtio-mmio transport, old (version 1) and new.
 *
 * Source: Virtual I/O Device (VIRTIO) Version 1.1, 2.6 Split Virtqueues, 4.2 Virtio Over MMIO, 4.2.4 Legacy interface.
 *
 * The device is another observer of memory, coherent with us: a DMB before the index that makes a request its own, one
 * between its index and what it has written.
 */
#include "drivers/virtio.h"

#include "hal/aarch64/insn.h"
#include "hal/mmio.h"

#define MAGIC          0x00u
#define MAGIC_VALUE    0x74726976u
#define VERSION        0x04u /* 1: legacy */
#define KIND           0x08u
#define FEATURES_OURS  0x20u
#define FEATURES_WHICH 0x24u /* which 32 of them */
#define LEGACY_PAGE    0x28u
#define QUEUE_WHICH    0x30u
#define QUEUE_LARGEST  0x34u
#define QUEUE_SIZE     0x38u
#define LEGACY_ALIGN   0x3cu
#define LEGACY_QUEUE   0x40u /* the number of its page */
#define QUEUE_READY    0x44u
#define NOTIFY         0x50u
#define INTERRUPT      0x60u
#define INTERRUPT_ACK  0x64u
#define STATUS         0x70u
#define DESCRIPTORS    0x80u /* 64-bit addresses, low word first */
#define AVAILABLE      0x90u
#define USED           0xa0u

#define ACKNOWLEDGED 1u
#define WITH_DRIVER  2u
#define RUNNING      4u
#define FEATURES_OK  8u

#define VERSION_1_BIT 1u /* of the features from 32 on: not legacy */

#define ENTRIES 8u
#define PAGE    4096u

/* Where legacy devices want it: descriptors and available ring from the first page's start, used ring in the second. */
struct descriptor {
    uint64_t address;
    uint32_t size;
    uint16_t flags, next;
};
#define NEXT    1u
#define WRITTEN 2u /* by the device */

struct queue {
    struct descriptor descriptors[ENTRIES];
    uint16_t available_flags, available, available_ring[ENTRIES];
};
struct used {
    uint16_t flags, index;
    struct {
        uint32_t descriptor, bytes;
    } ring[ENTRIES];
};

static volatile struct queue *queue_of(uint8_t *ring) {
    return (volatile struct queue *)(void *)ring;
}

uintptr_t virtio_find(uintptr_t base, unsigned n, unsigned step, uint32_t kind) {
    for (unsigned i = 0; i < n; i++, base += step) {
        if (mmio_read32(base + MAGIC) == MAGIC_VALUE && mmio_read32(base + KIND) == kind) {
            return base;
        }
    }
    return 0;
}

static void add_status(uintptr_t base, uint32_t bit) {
    mmio_write32(base + STATUS, mmio_read32(base + STATUS) | bit);
}

static void put_address(uintptr_t at, uint64_t address) {
    mmio_write32(at, (uint32_t)address);
    mmio_write32(at + 4, (uint32_t)(address >> 32));
}

static bool agree(uintptr_t base, bool legacy) {
    mmio_write32(base + FEATURES_WHICH, 0);
    mmio_write32(base + FEATURES_OURS, 0);
    if (legacy) {
        return true;
    }
    mmio_write32(base + FEATURES_WHICH, 1);
    mmio_write32(base + FEATURES_OURS, VERSION_1_BIT);
    add_status(base, FEATURES_OK);
    return (mmio_read32(base + STATUS) & FEATURES_OK) != 0;
}

static bool make_queue(uintptr_t base, uint64_t device, bool legacy) {
    mmio_write32(base + QUEUE_WHICH, 0);
    if (mmio_read32(base + QUEUE_LARGEST) < ENTRIES) {
        return false;
    }
    mmio_write32(base + QUEUE_SIZE, ENTRIES);
    if (legacy) {
        mmio_write32(base + LEGACY_PAGE, PAGE);
        mmio_write32(base + LEGACY_ALIGN, PAGE);
        mmio_write32(base + LEGACY_QUEUE, (uint32_t)(device / PAGE));
    } else {
        put_address(base + DESCRIPTORS, device);
        put_address(base + AVAILABLE, device + offsetof(struct queue, available_flags));
        put_address(base + USED, device + PAGE);
        mmio_write32(base + QUEUE_READY, 1);
    }
    return true;
}

bool virtio_start(uintptr_t base, uint8_t *ring, uint64_t device) {
    bool legacy = mmio_read32(base + VERSION) == 1;
    mmio_write32(base + STATUS, 0);
    for (unsigned i = 0; i < 2 * PAGE; i++) {
        *(volatile uint8_t *)(ring + i) = 0;
    }
    add_status(base, ACKNOWLEDGED);
    add_status(base, WITH_DRIVER);
    if (!agree(base, legacy) || !make_queue(base, device, legacy)) {
        return false;
    }
    insn_dmb_sy();
    add_status(base, RUNNING);
    return true;
}

void virtio_send(uintptr_t base, uint8_t *ring, const struct virtio_piece *pieces, unsigned n) {
    volatile struct queue *q = queue_of(ring);
    for (unsigned i = 0; i < n; i++) {
        q->descriptors[i].address = pieces[i].device;
        q->descriptors[i].size = pieces[i].size;
        q->descriptors[i].flags = (uint16_t)((pieces[i].to_us ? WRITTEN : 0) | (i + 1 < n ? NEXT : 0));
        q->descriptors[i].next = (uint16_t)(i + 1);
    }
    q->available_ring[q->available % ENTRIES] = 0;
    insn_dmb_sy();
    q->available = (uint16_t)(q->available + 1);
    insn_dsb_sy(); /* the device is told when it can be seen */
    mmio_write32(base + NOTIFY, 0);
}

bool virtio_done(uintptr_t base, const uint8_t *ring, uint32_t *bytes) {
    mmio_write32(base + INTERRUPT_ACK, mmio_read32(base + INTERRUPT));
    insn_dmb_sy();
    const volatile struct used *u = (const volatile struct used *)(const void *)(ring + PAGE);
    const volatile struct queue *q = (const volatile struct queue *)(const void *)ring;
    bool done = u->index == q->available;
    insn_dmb_sy();
    *bytes = done ? u->ring[(uint16_t)(u->index - 1) % ENTRIES].bytes : 0;
    return done;
}
