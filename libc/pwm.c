/* libc/pwm.c - pulses, for programs: the board's driver behind checks and board_pins. */
#include <bareloom/pwm.h>
#include <bareloom/sync.h>
#include <bareloom/time.h>
#include <errno.h>

#include "hal/board.h"
#include "libc/board.h"

#define SHORTEST US(1)
#define LONGEST  SEC(100)

static bool started; /* guarded by board_pins */

static int set(unsigned pin, ns_t period, ns_t high) {
    const struct pwm *p = board_devices.pwm;
    mutex_lock(&board_pins);
    if (!started) {
        p->ops->init(p);
        started = true;
    }
    bool done = p->ops->set(p, pin, (uint64_t)period, (uint64_t)high);
    mutex_unlock(&board_pins);
    return done ? 0 : -EINVAL;
}

int pwm_start(unsigned pin, ns_t period, ns_t high) {
    if (board_devices.pwm == NULL) {
        return -ENODEV;
    }
    if (period < SHORTEST || period > LONGEST || high < 0 || high > period) {
        return -EINVAL;
    }
    return set(pin, period, high);
}

int pwm_stop(unsigned pin) {
    return board_devices.pwm != NULL ? set(pin, 0, 0) : -ENODEV;
}
