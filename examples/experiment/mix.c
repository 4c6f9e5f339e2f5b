/* mix.c - Gs that compute and sleep, piece by piece: what sleeps stands for a disk or a network that answers later. */
#include "work.h"

static struct {
    struct wg over;
    unsigned long pieces, cpu;
    ns_t io;
} mix;

static void piece_by_piece(void *arg) {
    (void)arg;
    for (unsigned long i = 0; i < mix.pieces; i++) {
        compute(mix.cpu);
        if (mix.io != 0) {
            go_sleep(mix.io);
        }
    }
    wg_done(&mix.over);
}

WORK(mix, "--gs=8 do --pieces=16 of --cpu=10000 instructions and --io=0 ns of sleep") {
    unsigned gs = (unsigned)many("gs", 8);
    mix.pieces = (unsigned long)many("pieces", 16) / gs;
    mix.cpu = (unsigned long)option("cpu", 10000);
    mix.io = option("io", 0);
    struct sums before = sums_now();
    ns_t began = go_now();
    wg_add(&mix.over, (int)gs);
    for (unsigned i = 0; i < gs; i++) {
        start(piece_by_piece, NULL);
    }
    wg_wait(&mix.over);
    ns_t took = go_now() - began;
    tell("ns", took);
    tell("pieces", (int64_t)(mix.pieces * gs));
    tell("switches", (int64_t)(sums_now().switches - before.switches));
}
