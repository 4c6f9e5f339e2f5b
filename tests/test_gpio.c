/* tests/test_gpio.c - pins as a program has them; what a board's pins do is seen by the example blink. */
#include <bareloom/gpio.h>
#include <bareloom/pwm.h>
#include <errno.h>
#include <string.h>

#include "tests/test.h"

#define NO_PIN 31u /* on no board */

TEST(sched, gpio_follows) {
    unsigned pin = 5; /* on every board that has any */
    if (gpio_output(pin, true) == -ENODEV) {
        CHECK(gpio_output(NO_PIN, true) == -ENODEV);
        CHECK(gpio_input(pin, GPIO_FLOATING) == -ENODEV);
        SKIP("the board has no pins that we know");
    }
    CHECK(gpio_read(pin));
    gpio_write(pin, false);
    CHECK(!gpio_read(pin));
    gpio_write(pin, true);
    CHECK(gpio_read(pin));
    CHECK(gpio_output(pin, false) == 0);
    CHECK(!gpio_read(pin));
    CHECK(gpio_input(pin, GPIO_FLOATING) == 0);
    CHECK(gpio_output(NO_PIN, true) == -EINVAL);
    CHECK(gpio_input(NO_PIN, GPIO_FLOATING) == -EINVAL);
}

/* Writes the pin and makes it an input, which keeps the level where nobody drives it: QEMU's PL061 looks at inputs
 * alone, a Pi's pins and the host's at what is written too. */
static void let_go_at(unsigned pin, bool on) {
    CHECK_EQ(gpio_output(pin, on), 0);
    CHECK_EQ(gpio_input(pin, GPIO_FLOATING), 0);
}

static struct gpio_event next(struct chan *c) {
    struct gpio_event e = {0};
    CHECK_EQ(chan_recv(c, &e), 0);
    return e;
}

TEST(sched, gpio_edges_are_events) {
    unsigned pin = 5, other = 6;
    struct chan *c = CHAN(struct gpio_event, 4);
    CHECK_EQ(gpio_watch(NO_PIN, GPIO_RISING, c), gpio_output(NO_PIN, false));
    if (gpio_output(pin, false) == -ENODEV) {
        SKIP("the board has no pins that we know");
    }
    let_go_at(pin, false);
    let_go_at(other, false);
    CHECK_EQ(gpio_watch(pin, GPIO_RISING, NULL), -EINVAL);
    CHECK_EQ(gpio_watch(pin, 4, c), -EINVAL);
    if (gpio_watch(pin, GPIO_RISING, c) == -ENOTSUP) {
        CHECK_EQ(gpio_watch(pin, GPIO_NO_EDGES, NULL), 0);
        SKIP("this device keeps no edges");
    }
    CHECK_EQ(gpio_watch(other, GPIO_BOTH_EDGES, c), 0);
    ns_t before = go_now();
    let_go_at(pin, true);
    struct gpio_event e = next(c);
    CHECK(e.pin == pin && e.on && e.when >= before && e.when <= go_now());
    let_go_at(pin, false); /* not looked for */
    let_go_at(other, true);
    CHECK_EQ(next(c).pin, other);
    let_go_at(other, false);
    e = next(c);
    CHECK(e.pin == other && !e.on);
    CHECK_EQ(gpio_watch(pin, GPIO_FALLING, c), 0);
    let_go_at(pin, true);
    let_go_at(pin, false);
    e = next(c);
    CHECK(e.pin == pin && !e.on);
    CHECK_EQ(gpio_watch(pin, GPIO_NO_EDGES, NULL), 0);
    let_go_at(pin, true);
    let_go_at(pin, false);
    let_go_at(other, true);
    CHECK_EQ(next(c).pin, other);
    CHECK_EQ(gpio_watch(other, GPIO_NO_EDGES, NULL), 0);
    let_go_at(other, false);
    CHECK_EQ(chan_len(c), 0);
    chan_free(c);
}

static struct {
    atomic_bool enough;
    struct wg done;
} neighbor;

static void is_set_again(void *arg) {
    (void)arg;
    while (!atomic_load(&neighbor.enough)) {
        CHECK_EQ(gpio_output(16, true), 0);
    }
    wg_done(&neighbor.done);
}

/* One register says what pins 10 to 19 are: who makes 16 something leaves what 18 is being made. */
TEST(sched, gpio_beside_pulses) {
    if (strcmp(info_board(), "Raspberry Pi 3") != 0) {
        SKIP("looks at a Raspberry Pi 3's registers");
    }
    volatile uint32_t *functions = (volatile uint32_t *)(uintptr_t)0x3f200004;
    wg_add(&neighbor.done, 1);
    go(is_set_again, NULL);
    for (int i = 0; i < 50000; i++) {
        CHECK_EQ(pwm_start(18, MS(1), 0), 0);
        CHECK_EQ(*functions >> 24 & 7, 2);
        CHECK_EQ(gpio_output(18, false), 0);
        CHECK_EQ(*functions >> 24 & 7, 1);
    }
    atomic_store(&neighbor.enough, true);
    wg_wait(&neighbor.done);
    CHECK_EQ(pwm_stop(18), 0);
}

TEST(death, gpio_write_no_pin) {
    expect_status(2);
    expect_text("panic: gpio_write: there is no pin 31");
    gpio_write(NO_PIN, true);
}

TEST(death, gpio_read_no_pin) {
    expect_status(2);
    expect_text("panic: gpio_read: there is no pin 31");
    gpio_read(NO_PIN);
}
