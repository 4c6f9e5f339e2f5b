/*
 * hal/host/clock.c - time, and the timer interrupts of all cores.
 *
 * The main thread is the timekeeper: it sleeps until the earliest deadline of any core and posts
 * PENDING_TIMER.
 *
 * The race: a core sets a deadline while the timekeeper falls asleep for a later one. Both write
 * first and look then, seq_cst: either the core sees for how long the timekeeper sleeps and rings,
 * or the timekeeper sees the deadline when it looks again.
 */
#include "hal/host/host.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

static int64_t power_on; /* CLOCK_MONOTONIC then */

static struct {
    _Atomic int64_t until; /* the timekeeper sleeps, or is about to, until then; awake: INT64_MIN */
    _Atomic uint32_t bell; /* changed to wake it */
} keeper;

static int64_t monotonic(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void host_clock_init(void) {
    power_on = monotonic();
    atomic_store(&keeper.until, INT64_MIN);
}

int64_t hal_now(void) {
    return monotonic() - power_on;
}

void hal_delay(int64_t ns) {
    int64_t end = monotonic() + ns;
    struct timespec t = {.tv_sec = end / NS_PER_S, .tv_nsec = end % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
}

/* ---- a core's timer ------------------------------------------------------------------------- */

void hal_timer_set(int64_t when) {
    struct host_core *c = host_self();
    c->armed = when;
    if (when <= hal_now()) {
        atomic_store(&c->deadline, INT64_MAX);
        host_post(c, PENDING_TIMER);
        return;
    }
    atomic_store(&c->deadline, when);
    if (when < atomic_load(&keeper.until)) {
        atomic_fetch_add(&keeper.bell, 1);
        syscall(SYS_futex, &keeper.bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
}

void host_timer_interrupt(struct host_core *c) {
    int64_t when = c->armed;
    if (when <= hal_now()) {
        c->armed = INT64_MAX;
        sched_timer();
    } else {
        hal_timer_set(when); /* the bit was for a deadline that has been replaced since */
    }
}

/* ---- the timekeeper ------------------------------------------------------------------------- */

/* Posts what is due; the earliest deadline that is not. */
static int64_t look(unsigned n) {
    int64_t next = INT64_MAX;
    int64_t now = hal_now();
    for (unsigned i = 0; i < n; i++) {
        struct host_core *c = host_core_at(i);
        int64_t when = atomic_load(&c->deadline);
        if (when > now) {
            next = when < next ? when : next;
        } else if (atomic_compare_exchange_strong(&c->deadline, &when, INT64_MAX)) {
            host_post(c, PENDING_TIMER);
        } else {
            next = now; /* the core has just set another */
        }
    }
    return next;
}

static void sleep_until(int64_t when, uint32_t bell) {
    bool ever = when != INT64_MAX;
    int64_t at = ever ? when + power_on : 0;
    struct timespec t = {.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
    /* BITSET: the form of FUTEX_WAIT whose time is absolute */
    syscall(SYS_futex, &keeper.bell, FUTEX_WAIT_BITSET_PRIVATE, bell, ever ? &t : NULL, NULL,
            FUTEX_BITSET_MATCH_ANY);
}

_Noreturn void host_timekeeper(unsigned n) {
    prctl(PR_SET_TIMERSLACK, 1L); /* Linux adds 50 us to a thread's sleeps otherwise */
    for (;;) {
        uint32_t bell = atomic_load(&keeper.bell);
        int64_t next = look(n);
        atomic_store(&keeper.until, next);
        if (look(n) >= next) {
            sleep_until(next, bell);
        }
        atomic_store(&keeper.until, INT64_MIN);
    }
}
