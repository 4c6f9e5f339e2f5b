/* sharing.c - counters, each of one core: on one cache line, or on one each. */
#include "work.h"

#include <stdatomic.h>

#define LINE 64u
#define MOST 8u

static struct wg over;
static unsigned long times;
static _Alignas(LINE) unsigned char bytes[MOST * 2 * LINE];

static void counts(void *arg) {
    volatile uint64_t *n = arg; /* its core's alone: no other writes it */
    for (unsigned long i = 0; i < times; i++) {
        *n = *n + 1;
    }
    wg_done(&over);
}

WORK(
    sharing,
    "each core adds 1 to its own counter --times=20000 times; counters are --apart=8 bytes apart") {
    unsigned cores = go_cores(), apart = (unsigned)option("apart", 8);
    if (apart < 8 || apart > 2 * LINE || apart % 8 != 0 || cores > MOST) {
        PANIC("--apart= wants 8, 16, ... 128; on at most 8 cores");
    }
    times = (unsigned long)many("times", 20000);
    wg_add(&over, (int)cores);
    ns_t began = go_now();
    for (unsigned i = 0; i < cores; i++) {
        start_on(i, counts, bytes + i * (size_t)apart);
    }
    wg_wait(&over);
    tell("ns", go_now() - began);
    tell("lines", ((cores - 1) * apart + 8 + LINE - 1) / LINE);
    tell("times", (int64_t)times);
}
