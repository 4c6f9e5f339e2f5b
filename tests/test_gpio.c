/* tests/test_gpio.c - pins as a program has them; what a board's pins do is seen by the example blink. */
#include <bareloom/gpio.h>
#include <errno.h>

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
