/* drivers/virtio.h - devices of QEMU's kind behind the virtio-mmio transport, with one queue of one request. Driven by
 * virtio_disk.c and the like. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first device of this kind among n transports, step bytes apart, from base on; 0: none. */
uintptr_t virtio_find(uintptr_t base, unsigned n, unsigned step, uint32_t kind);

/* The queue's memory: two pages, aligned, at ring for us and at device for the device. The last kilobyte of the
 * first one is left to the caller. */
#define VIRTIO_OWN 3072u

/* Resets the device and makes its first queue. False: it does not take our terms. */
bool virtio_start(uintptr_t base, uint8_t *ring, uint64_t device);

/* A piece of memory of a request. */
struct virtio_piece {
    uint64_t device;
    uint32_t size;
    bool to_us; /* the device writes it */
};

/* Hands over one request, of 1 to 4 pieces. One at a time. */
void virtio_send(uintptr_t base, uint8_t *ring, const struct virtio_piece *pieces, unsigned n);

/* Quietens the line; whether the request is over, and how many bytes the device has written. */
bool virtio_done(uintptr_t base, const uint8_t *ring, uint32_t *bytes);

#define VIRTIO_CONFIG 0x100u /* the kind's own registers */
