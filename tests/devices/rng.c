/* tests/devices/rng.c - both generators. Sources: as drivers/bcm2835_rng.c and drivers/rng200.c. */
#include "drivers/bcm2835_rng.h"
#include "drivers/rng200.h"

#include "tests/devices/model.h"

#define BASE 0x104000u

static const struct rng old = {.ops = &bcm2835_rng_ops, .base = BASE},
                        new = {.ops = &rng200_ops, .base = BASE};

static uint32_t ctrl, status, warm_up, mask, words, next;
static uint32_t rng_reset, rbg_reset, resets; /* of both */

static uint32_t take(void) {
    WANT(words > 0); /* an empty FIFO gives rubbish */
    words--;
    return next++;
}

static uint32_t old_read(uint32_t offset) {
    switch (offset) {
    case 0x00:
        return ctrl;
    case 0x04:
        return words << 24;
    case 0x08:
        return take();
    default:
        WANT(offset == 0x10);
        return mask;
    }
}

static void old_write(uint32_t offset, uint32_t value) {
    switch (offset) {
    case 0x00:
        WANT(warm_up != 0 || value == 0); /* first, what is to be thrown away */
        ctrl = value;
        break;
    case 0x04:
        WANT(value < 1u << 20);
        warm_up = value;
        break;
    default:
        WANT(offset == 0x10);
        mask = value;
    }
}

static const struct model old_model = {"RNG", BASE, 0x14, old_read, old_write, NULL};

void rng_of_bcm2835(void) {
    model_use(&old_model);
    uint32_t word = 0;
    bool ready;
    next = 0x1234;
    mask = 0xf0;
    CALL(old.ops->init(&old, NULL, 0));
    WANT(ctrl == 1 && warm_up == 0x40000 && mask == 0xf1);
    CALL(ready = old.ops->word(&old, &word));
    WANT(!ready && word == 0);
    words = 1;
    CALL(ready = old.ops->word(&old, &word));
    WANT(ready && word == 0x1234 && words == 0);
}

static uint32_t new_read(uint32_t offset) {
    switch (offset) {
    case 0x00:
        return ctrl;
    case 0x18:
        return status;
    case 0x20:
        return take();
    default:
        WANT(offset == 0x24);
        return words | 0xab00;
    }
}

static void new_write(uint32_t offset, uint32_t value) {
    switch (offset) {
    case 0x00:
        ctrl = value;
        break;
    case 0x04:
        WANT((ctrl & 1) == 0 && rbg_reset == 1); /* off, and inside of the source's reset */
        resets += rng_reset == 1 && value == 0;
        rng_reset = value;
        break;
    case 0x08:
        WANT((ctrl & 1) == 0 && rng_reset == 0);
        resets += rbg_reset == 1 && value == 0;
        rbg_reset = value;
        break;
    default:
        WANT(offset == 0x18);
        status &= ~value;
    }
}

static const struct model new_model = {"RNG200", BASE, 0x28, new_read, new_write, NULL};

void rng_of_bcm2711(void) {
    model_use(&new_model);
    uint32_t word = 0;
    bool ready;
    ctrl = 0xffff1ffe;
    CALL(new.ops->init(&new, NULL, 0));
    WANT(ctrl == 0xffff0001);
    words = 0;
    CALL(ready = new.ops->word(&new, &word));
    WANT(!ready);
    words = 2;
    next = 77;
    CALL(ready = new.ops->word(&new, &word));
    WANT(ready && word == 77);
    status = 1u << 5; /* its own test failed: what waits is not to be used */
    CALL(ready = new.ops->word(&new, &word));
    WANT(!ready && words == 1 && resets == 2 && status == 0 && (ctrl & 1) != 0);
    CALL(ready = new.ops->word(&new, &word));
    WANT(ready && word == 78);
}
