/* hal/host/rng.c - random numbers of the operating system. */
#include "hal/host/rng.h"

#include <sys/random.h>

static void host_init(const struct rng *r) {
    (void)r;
}

static bool host_word(const struct rng *r, uint32_t *out) {
    (void)r;
    return getrandom(out, sizeof *out, GRND_NONBLOCK) == sizeof *out;
}

const struct rng_ops host_rng_ops = {.init = host_init, .word = host_word};
