/*
 * hal/host/clock.c - time, and the timer of a core.
 *
 * There is no timer device: a core that runs looks at the clock itself, at every CLOCK_EDGES-th
 * look for interrupts (interrupt.c), and a core that sleeps does so until its deadline. So the timer
 * is as late as its own core, never as late as another thread that would have to wake it on a busy
 * computer. And a program that has seen its core's deadline pass is interrupted at its next edge.
 *
 * In a simulation (sched/sim.h) with one core time is what the program does: edges that it has
 * passed, looks at the clock. So a seed is a schedule. With more cores it is Linux that says which
 * one goes on, and time is the computer's.
 */
#include "hal/host/host.h"

#include <bareloom/config.h>
#include <errno.h>
#include <time.h>

#define NS_PER_S 1000000000

/* Reading the clock costs as much as some twenty edges. No multiple of what a small loop has, or it
 * would be looked at in the same place each time. */
#define CLOCK_EDGES 127u

/* What an edge and a look at the clock take in a simulation. */
#define SIM_EDGE_NS 10
#define SIM_LOOK_NS 100

static int64_t power_on; /* CLOCK_MONOTONIC then */
static bool counted;     /* time is counted; set before there are cores */
static int64_t count;    /* core 0 */

static int64_t monotonic(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

void host_clock_init(unsigned cores) {
    power_on = monotonic();
    counted = CONFIG_SIM != 0 && cores == 1;
}

int64_t hal_now(void) {
    struct host_core *c = host_self();
    int64_t now = counted ? (count += SIM_LOOK_NS) : monotonic() - power_on;
    if (c != NULL) {
        c->seen = now;
    }
    return now;
}

uint64_t hal_cycles(void) {
    return 0;
}

bool host_clock_skip(int64_t when) {
    if (!counted || when == INT64_MAX) {
        return false;
    }
    count = count < when ? when : count;
    return true;
}

struct timespec host_timespec(int64_t when) {
    int64_t at = when < INT64_MAX - power_on ? when + power_on : INT64_MAX;
    return (struct timespec){.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
}

void hal_delay(int64_t ns) {
    int64_t until = hal_now() + ns;
    struct timespec t = host_timespec(until);
    while (!host_clock_skip(until) &&
           clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
}

void hal_timer_set(int64_t when) {
    host_self()->armed = when;
}

bool host_timer_due(struct host_core *c) {
    if (counted) {
        c->seen = count += SIM_EDGE_NS;
    } else if (c->armed > c->seen && ++c->edges >= CLOCK_EDGES) {
        c->edges = 0;
        hal_now();
    }
    return c->armed <= c->seen;
}
