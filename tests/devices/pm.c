/* tests/devices/pm.c - the watchdog, whose time QEMU ignores, and the system timer. Sources: as drivers/pi_pm.c and
 * drivers/pi_systimer.c. */
#include "drivers/pi_pm.h"
#include "drivers/pi_soc.h"
#include "drivers/pi_systimer.h"

#include "tests/devices/model.h"

#include <string.h>

#define PM       0x100000u
#define SYSTIMER 0x3000u

static uint32_t rstc, rsts, wdog;

static uint32_t read_(uint32_t offset) {
    WANT(offset == 0x1c || offset == 0x20 || offset == 0x24);
    return offset == 0x1c ? rstc : offset == 0x20 ? rsts : wdog;
}

static void write_(uint32_t offset, uint32_t value) {
    WANT(offset == 0x1c || offset == 0x20 || offset == 0x24);
    WANT(value >> 24 == 0x5a); /* the password, or it is ignored */
    value &= 0xffffff;
    if (offset == 0x1c) {
        WANT((value & 0x20) == 0 || wdog != 0); /* armed after its time is set */
        rstc = value;
    } else if (offset == 0x20) {
        rsts = value;
    } else {
        WANT(value < 1u << 20);
        wdog = value;
    }
}

static const struct model pm = {"PM", PM, 0x28, read_, write_, NULL};

void watchdog(void) {
    model_use(&pm);
    rstc = 0x102;
    CALL(pi_pm_watchdog(PM, 15000000));
    WANT(wdog == 15u << 16 && (rstc & 0x30) == 0x20);
    CALL(pi_pm_watchdog(PM, 16));
    WANT(wdog == 1);
    CALL(pi_pm_watchdog(PM, 0));
    WANT((rstc & 0x30) == 0);
    rsts = 0x1000;
    const char *last;
    CALL(last = pi_pm_last_reset(PM));
    WANT(strcmp(last, "power") == 0);
    rsts = 0x1020; /* both: the power came first */
    CALL(last = pi_pm_last_reset(PM));
    WANT(strcmp(last, "watchdog") == 0);
    rsts = 0x20;
    CALL(last = pi_pm_last_reset(PM));
    WANT(strcmp(last, "watchdog") == 0);
    rsts = 0x10002aaa; /* bits of other meaning stay */
    CALL(pi_pm_off(PM));
    WANT(rsts == 0x2fff && (rstc & 0x30) == 0x20 && wdog != 0);
    CALL(pi_pm_reset(PM));
    WANT(rsts == 0x2aaa && (rstc & 0x30) == 0x20);
}

/* Twice as slow as the cores' counter, of which MODEL_HZ is said and wrong; its low half runs over. */
static uint32_t now(void) {
    return (uint32_t)(0xffffff00u + model_ticks / 2);
}

/* Compare register 1; 0 and 2 are the GPU's. */
static uint32_t compare;
static bool set, matched;

static uint32_t timer_read(uint32_t offset) {
    WANT(offset == 0 || offset == 4);
    if (offset == 4) {
        return now();
    }
    matched = matched || (set && (int32_t)(now() - compare) >= 0);
    return matched ? 0xf : 0xd; /* the others' are theirs */
}

static void timer_write(uint32_t offset, uint32_t value) {
    if (offset == 0) {
        WANT(value == 2);
        matched = set = false;
    } else {
        WANT(offset == 0x10 && !matched);
        compare = value;
        set = true;
    }
}

static const struct model timer = {"system timer", SYSTIMER, 0x1c, timer_read, timer_write, NULL};

job_park *pi_soc_park;
static unsigned parked;

static bool park(const struct job_device *d, void *job) {
    parked++;
    d->ops->begin(d, job);
    WANT(set && compare - now() > 9000 && compare - now() <= 10000);
    WANT(d->ops->step(d, job) == JOB_BUSY);
    if (parked == 2) { /* it did not come in time */
        d->ops->abort(d);
        return false;
    }
    model_ticks += 2 * 10000;
    WANT(d->ops->step(d, job) == JOB_DONE && !matched);
    return true;
}

void system_timer(void) {
    static const struct job_device d = {&pi_systimer_ops, SYSTIMER, .line = 1};
    model_use(&timer);
    uint64_t hz;
    CALL(hz = pi_systimer_counter_hz(&d));
    WANT(hz > 1999000 && hz < 2001000);
    pi_soc_park = park;
    matched = true; /* of earlier */
    for (unsigned i = 1; i <= 2; i++) {
        CALL(hz = pi_systimer_counter_hz(&d));
        WANT(hz > 1990000 && hz < 2010000 && parked == i);
    }
    pi_soc_park = NULL;
}
