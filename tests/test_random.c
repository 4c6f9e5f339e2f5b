/* tests/test_random.c - the generator of randomness, and the watchdog's edges; that a watchdog bites is seen by
 * tests/host/outside.py. */
#include <bareloom/random.h>
#include <bareloom/watchdog.h>
#include <errno.h>
#include <string.h>

#include "tests/test.h"

#define BYTES 1024

static bool is_emulator(const struct board_info *fact, void *arg) {
    *(bool *)arg |= strcmp(fact->name, "emulator") == 0;
    return true;
}

TEST(sched, random_bytes_vary) {
    static uint8_t a[BYTES], b[BYTES];
    bool emulator = false;
    info_board_facts(is_emulator, &emulator);
    if (emulator && strcmp(info_board(), "Raspberry Pi 4") == 0) {
        SKIP("QEMU's Pi 4 has nothing where its generator is");
    }
    int error = random_bytes(a, sizeof a);
    if (error == -ENODEV) {
        SKIP("the board has no generator that we know");
    }
    CHECK_EQ(error, 0);
    CHECK_EQ(random_bytes(b, sizeof b), 0);
    CHECK(memcmp(a, b, sizeof a) != 0);
    uint8_t ones = 0, zeros = 0;
    unsigned same = 0, again = 0;
    for (unsigned i = 0; i < BYTES; i++) {
        ones |= a[i];
        zeros |= (uint8_t)~a[i];
        same += a[i] == b[i];
        again += i >= 4 && a[i] == a[i - 4]; /* the devices give words */
    }
    CHECK_EQ(ones, 0xff);
    CHECK_EQ(zeros, 0xff);
    CHECK(same < BYTES / 8); /* 4 are to be expected, and 4 */
    CHECK(again < BYTES / 8);
    memset(a, 0, sizeof a);
    for (unsigned i = 0; i < 100; i++) { /* an odd number: no byte more */
        CHECK_EQ(random_bytes(a, 7), 0);
        CHECK_EQ(a[7], 0);
    }
}

TEST(sched, watchdog_takes_no_nonsense) {
    int nonsense = watchdog_start(0);
    CHECK(nonsense == -EINVAL || nonsense == -ENODEV);
    CHECK_EQ(watchdog_start(-1), nonsense);
    CHECK_EQ(watchdog_start(SEC(3600)), nonsense);
    watchdog_stop();
}
