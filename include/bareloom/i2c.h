/* <bareloom/i2c.h> - the I2C bus of the board's header, as its master: on a Raspberry Pi GPIO 2 data and GPIO 3 clock,
 * which become the bus's with the first transfer, at 100,000 bits a second.
 *
 * One transfer at a time, others wait; the caller's G is parked and interrupts move the bytes. All return 0; -ENODEV:
 * the board has no such bus that we know; -EINVAL: address is not in 0x08 to 0x77, or a length not in 1 to 65535;
 * -ENXIO: nobody at this address, or it did not take a byte; -EIO: it has held the clock for too long, or ended too
 * early; -EBUSY: the program has attached the bus's line itself; -ETIMEDOUT: the interrupt did not come. From a G. */
#pragma once

#include <bareloom/base.h>

/* Sends n bytes. */
int i2c_write(unsigned address, const void *p, size_t n);

/* Receives n bytes. */
int i2c_read(unsigned address, void *p, size_t n);

/* The one and then the other, with nobody else's transfer between: a register's number, then what stands in it. The
 * bus is let go between the two: a stop, then a start. */
int i2c_write_read(unsigned address, const void *out, size_t n_out, void *in, size_t n_in);
