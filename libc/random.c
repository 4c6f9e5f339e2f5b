/* libc/random.c - randomness, for programs: the board's generator behind a lock, asked in words.
 *
 * No interrupt: a Pi's generators raise none that is documented, and have a word ready within tens of microseconds. */
#include <bareloom/random.h>
#include <bareloom/sync.h>
#include <bareloom/time.h>
#include <errno.h>
#include <string.h>

#include "hal/board.h"

#define SILENCE SEC(1)
#define PAUSE   US(50)

static struct mutex lock;
static bool started; /* guarded by lock */

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
    mutex_lock(&lock);
    if (!started) {
        r->ops->init(r);
        started = true;
    }
    bool alive = true;
    for (size_t at = 0; at < n && alive; at += sizeof(uint32_t)) {
        uint32_t w;
        alive = word(r, &w);
        if (alive) {
            memcpy((char *)p + at, &w, n - at < sizeof w ? n - at : sizeof w);
        }
    }
    mutex_unlock(&lock);
    return alive ? 0 : -EIO;
}
