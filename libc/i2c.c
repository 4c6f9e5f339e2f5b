/* libc/i2c.c - I2C, for programs. */
#include <bareloom/i2c.h>
#include <errno.h>

#include "libc/job.h"

#define CORE_HZ  250000000u /* where the firmware does not say */
#define BITS     100000u    /* a second */
#define MOST     65535u
#define PATIENCE SEC(1)

static struct job_place place;

/* Under the lock. */
static int transfer(unsigned address, bool read, void *p, size_t n) {
    uint32_t clock = place.clock != 0 ? place.clock : CORE_HZ;
    struct i2c_job job = {
        .address = address, .divisor = (clock / BITS + 1) & 0xfffeu, .read = read, .data = p, .n = n};
    return job_do(&place, &job, PATIENCE + (ns_t)n * (SEC(100) / BITS));
}

static int begin(unsigned address, size_t n_out, size_t n_in) {
    bool valid = address >= 0x08 && address <= 0x77 && n_out <= MOST && n_in <= MOST;
    return board_devices.i2c != NULL && !valid ? -EINVAL : job_begin(&place, board_devices.i2c);
}

/* Either is left out where its length is 0. */
static int both(unsigned address, const void *out, size_t n_out, void *in, size_t n_in) {
    int status = begin(address, n_out, n_in);
    if (status == 0) {
        if (n_out != 0) {
            status = transfer(address, false, (void *)(uintptr_t)out, n_out);
        }
        if (status == 0 && n_in != 0) {
            status = transfer(address, true, in, n_in);
        }
        job_end(&place);
    }
    return status;
}

int i2c_write(unsigned address, const void *p, size_t n) {
    return both(n != 0 ? address : 0, p, n, NULL, 0);
}

int i2c_read(unsigned address, void *p, size_t n) {
    return both(n != 0 ? address : 0, NULL, 0, p, n);
}

int i2c_write_read(unsigned address, const void *out, size_t n_out, void *in, size_t n_in) {
    return both(n_out != 0 && n_in != 0 ? address : 0, out, n_out, in, n_in);
}
