/* libc/spi.c - SPI, for programs. */
#include <bareloom/spi.h>
#include <errno.h>

#include "libc/job.h"

#define CORE_HZ  250000000u /* where the firmware does not say: the slowest that there is */
#define SLOWEST  10000u
#define MOST     ((size_t)1 << 30)
#define PATIENCE SEC(1)

/* Even, and no faster than asked for. */
static uint32_t divisor(uint32_t clock, uint32_t hz) {
    uint32_t half = (uint32_t)(((uint64_t)clock + 2 * (uint64_t)hz - 1) / (2 * (uint64_t)hz));
    return half < 1 ? 2 : half > 32768 ? 65536 : 2 * half;
}

int spi_transfer(const struct spi_chip *chip, const void *out, void *in, size_t n) {
    static struct job_place place;
    if (chip->select > 1 || chip->mode > 3 || chip->hz < SLOWEST || n == 0 || n > MOST) {
        return board_devices.spi != NULL ? -EINVAL : -ENODEV;
    }
    int status = job_begin(&place, board_devices.spi);
    if (status == 0) {
        struct spi_job job = {.chip = chip->select,
                              .mode = chip->mode,
                              .divisor = divisor(place.clock != 0 ? place.clock : CORE_HZ, chip->hz),
                              .out = out,
                              .in = in,
                              .n = n};
        status = job_do(&place, &job, PATIENCE + (ns_t)n * (SEC(16) / chip->hz));
        job_end(&place);
    }
    return status;
}
