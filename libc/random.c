/* libc/random.c - randomness, for programs: the board's generator behind a lock, asked in words.
 *
 * No interrupt: none of a Pi's generators is documented to say when a word is ready (their drivers' heads), and they have one
 * within tens of microseconds. Until then the G sleeps. */
#include <bareloom/irq.h>
#include <bareloom/random.h>
#include <bareloom/sync.h>
#include <bareloom/time.h>
#include <errno.h>
#include <string.h>

#include "hal/board.h"

#define SILENCE SEC(1)
#define PAUSE   US(50)

/* guarded by lock */
static struct {
    struct mutex lock;
    bool started;
    struct dma_buf ring;
} unit;

/* Under the lock. */
static int start(const struct rng *r) {
    int status = 0;
    if (!unit.started && r->wants_ring && unit.ring.cpu == NULL) {
        status = dma_alloc(&unit.ring, BOARD_RING);
    }
    if (status == 0 && !unit.started) {
        unit.started = r->ops->init(r, unit.ring.cpu, unit.ring.device);
        status = unit.started ? 0 : -ENODEV;
    }
    return status;
}

/* Sleeps until there is one. */
static bool word(const struct rng *r, uint32_t *out) {
    ns_t until = go_now() + SILENCE;
    while (!r->ops->word(r, out)) {
        if (go_now() >= until) {
            return false;
        }
        go_sleep(PAUSE);
    }
    return true;
}

int random_bytes(void *p, size_t n) {
    const struct rng *r = board.rng;
    if (r == NULL) {
        return -ENODEV;
    }
    mutex_lock(&unit.lock);
    int status = start(r);
    for (size_t at = 0; at < n && status == 0; at += sizeof(uint32_t)) {
        uint32_t w;
        if (word(r, &w)) {
            memcpy((char *)p + at, &w, n - at < sizeof w ? n - at : sizeof w);
        } else {
            status = -EIO;
        }
    }
    mutex_unlock(&unit.lock);
    return status;
}
