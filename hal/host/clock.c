/*
 * hal/host/clock.c - time, and the timer of a core.
 *
 * There is no timer device: a core that runs looks at the clock itself, at every CLOCK_EDGES-th
 * look for interrupts (interrupt.c), and a core that sleeps does so until its deadline. So the timer
 * is as late as its own core, never as late as another thread that would have to wake it on a busy
 * computer. And a program that has seen its core's deadline pass is interrupted at its next edge.
 */
#include "hal/host/host.h"

#include <errno.h>
#include <time.h>

#define NS_PER_S 1000000000

/* Reading the clock costs as much as some twenty edges. */
#define CLOCK_EDGES 128u

static int64_t power_on; /* CLOCK_MONOTONIC then */

static int64_t monotonic(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void host_clock_init(void) {
    power_on = monotonic();
}

int64_t hal_now(void) {
    struct host_core *c = host_self();
    int64_t now = monotonic() - power_on;
    if (c != NULL) {
        c->seen = now;
    }
    return now;
}

struct timespec host_timespec(int64_t when) {
    int64_t at = when < INT64_MAX - power_on ? when + power_on : INT64_MAX;
    return (struct timespec){.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
}

void hal_delay(int64_t ns) {
    struct timespec t = host_timespec(hal_now() + ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
}

void hal_timer_set(int64_t when) {
    host_self()->armed = when;
}

bool host_timer_due(struct host_core *c) {
    if (c->armed > c->seen && ++c->edges >= CLOCK_EDGES) {
        c->edges = 0;
        hal_now();
    }
    return c->armed <= c->seen;
}
