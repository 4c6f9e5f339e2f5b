/* tests/devices/dma.c - a DMA channel that sees of memory what was cleaned before it started. Sources: as
 * drivers/pi_dma.c. */
#include "drivers/pi_dma.h"

#include "tests/devices/model.h"

#include <string.h>

#define DMA     0x7500u
#define CHANNEL (DMA - 0x7000u)
#define ENABLE  0xff0u

static uint32_t cs, errors, enabled;
static unsigned resetting; /* how often it will still be seen in its reset */
static uint32_t cleaned[8],
    seen[8]; /* the control block: as it stands in memory; as the channel has read it */
static uintptr_t cleaned_at, block;
static bool fails, left; /* left: it was stopped amid a block, and would go on with that */

static void clean(const void *p, size_t size) {
    WANT(size >= 32 && (uintptr_t)p % 32 == 0);
    cleaned_at = (uintptr_t)p;
    memcpy(cleaned, p, sizeof cleaned);
}

static uint32_t read_(uint32_t offset) {
    if (offset == ENABLE) {
        return enabled;
    }
    WANT(offset == CHANNEL);
    if (resetting != 0) {
        resetting--;
        return 1u << 31;
    }
    return cs;
}

static void write_(uint32_t offset, uint32_t value) {
    if (offset == ENABLE) {
        WANT((value & enabled) == enabled); /* the firmware's channels, and its pages */
        enabled = value;
        return;
    }
    WANT(resetting == 0 && (enabled & 1u << 5) != 0); /* or it is lost */
    switch (offset - CHANNEL) {
    case 0x00:
        if ((value & 1u << 31) != 0) {
            cs &= 6;
            block = 0;
            left = false;
            resetting = 3;
            break;
        }
        WANT((value & 1) == 0 || ((cs & 7) == 0 && block != 0 && errors == 0 && !left)); /* nothing of earlier */
        cs = (cs & ~(value & 6) & ~1u) | (value & 1) | (value & 0x10ff0000);
        left = left || (value & 1) != 0;
        if ((value & 1) != 0) {
            WANT((cleaned_at & 0x3fffffff) == block);
            memcpy(seen, cleaned, sizeof seen);
            memset(cleaned, 0xa5, sizeof cleaned); /* of the next one it sees what is cleaned anew */
        }
        break;
    case 0x04:
        WANT((cs & 1) == 0 && value >> 30 == 3 && (value & 31) == 0); /* past the GPU's cache */
        block = value & 0x3fffffff;
        break;
    default:
        WANT(offset == CHANNEL + 0x20);
        errors &= ~value;
    }
}

/* It carries out its block. */
static void run(void) {
    WANT((cs & 1) != 0);
    WANT((seen[0] & 0x111) == 0x111 && seen[4] == 0 && seen[5] == 0);
    WANT(seen[1] == 0xc0001000 && seen[2] == 0xc0002000 && seen[3] == 64);
    errors = fails ? 1 : 0;
    left = fails;
    cs = (cs & ~1u) | (fails ? 1u << 8 : 1u << 1) | 1u << 2;
}

static const struct model model = {"DMA", DMA - CHANNEL, 0x1000, read_, write_, clean};

void dma_copies(void) {
    static const struct job_device d = {&pi_dma_ops, DMA, .line = 21};
    struct dma_job job = {.to = 0x2000, .from = 0x1000, .n = 64};
    enum job_result result;
    model_use(&model);
    cs = 6; /* of earlier, as these */
    errors = 7;
    enabled = 0xf000000f;
    left = true;
    CALL(d.ops->begin(&d, &job));
    WANT((cs & 1u << 28) != 0);           /* the end comes after the last write */
    CALL(result = d.ops->step(&d, &job)); /* for nothing */
    WANT(result == JOB_BUSY && (cs & 1) != 0);
    run();
    CALL(result = d.ops->step(&d, &job));
    WANT(result == JOB_DONE && (cs & 4) == 0); /* the line has fallen */
    fails = true;
    CALL(d.ops->begin(&d, &job));
    run();
    CALL(result = d.ops->step(&d, &job));
    WANT(result == JOB_FAILED && (cs & 4) == 0);
    CALL(d.ops->begin(&d, &job));
    CALL(d.ops->abort(&d));
    WANT((cs & 7) == 0 && !left);
    CALL(d.ops->begin(&d, &job));
    run(); /* as somebody gives up */
    CALL(d.ops->abort(&d));
    WANT((cs & 7) == 0 && !left);
}
