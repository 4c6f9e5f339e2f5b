/* hal/host/rng.c - random numbers of the operating system. */
#include "hal/host/rng.h"

#include <sys/random.h>

static bool host_init(const struct rng *r, uint8_t *ring, uint64_t ring_device) {
    (void)ring;
    (void)ring_device;
    (void)r;
    return true;
}

static bool host_word(const struct rng *r, uint32_t *out) {
    (void)r;
    return getrandom(out, sizeof *out, GRND_NONBLOCK) == sizeof *out;
}

const struct rng_ops host_rng_ops = {.init = host_init, .word = host_word};
