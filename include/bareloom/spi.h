/* <bareloom/spi.h> - the SPI bus of the board's header: on a Raspberry Pi SPI 0, GPIO 11 clock, 10 data out, 9 data in, 8
 * and 7 chip select 0 and 1. These pins become the bus's with the first transfer. */
#pragma once

#include <bareloom/base.h>

struct spi_chip {
    unsigned select; /* 0 or 1; low while a transfer is on */
    unsigned mode;   /* 0 to 3, as chips' data sheets number them */
    uint32_t hz;     /* of the clock, at most; at least 10,000 */
};

/* Sends n bytes and at the same time receives n, with the chip selected from the first to the last. out NULL sends
 * zeros; in NULL drops what comes; both may be the same memory. One transfer at a time, others wait; the caller's G
 * is parked and interrupts move the bytes, 16 at a time.
 *
 * 0; -ENODEV: the board has no such bus that we know; -EINVAL: chip or n (1 to 2^30) is none; -EBUSY: the program has
 * attached the bus's line itself; -ETIMEDOUT: the interrupt did not come. From a G. */
int spi_transfer(const struct spi_chip *chip, const void *out, void *in, size_t n);
