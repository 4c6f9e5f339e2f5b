/*
 * tests/model/next_model.c - the two private ways to a core: runnext with its guard, and the inbox with its kick.
 * sources: sched/sema.c
 * machine: port
 *
 * A G in runnext does not stay there behind a G that computes while another core idles: the guard publishes it, before
 * the slice ends. Nor does a sleeper wait for the slice of one that slept on its core and computes. A G that handlers or
 * other cores push into an inbox is run, though only the first of several pushers kicks.
 */
#include <string.h>

#include <bareloom/sync.h>
#include <bareloom/time.h>

#include "tests/model/port.h"

static struct sema semas[2];

static void waits(void *arg) {
    sema_wait(arg);
}

static void posts(void *arg) {
    sema_post(arg);
}

static bool other_ran(void) {
    return port_ended(0);
}

static void posts_and_computes_on(void *arg) {
    sema_post(arg);
    port_wait(other_ran);
}

static void device_posts(void) {
    sema_post(&semas[0]);
}

static void begin(unsigned n) {
    memset(semas, 0, sizeof semas);
    port_begin(n);
    port_watch_inbox(0);
}

/* ---- runnext ------------------------------------------------------------------------------------ */

static void behind_a_hog(void) {
    begin(2);
    port_watch_idle();
    port_watch_queue(0);
    port_g(0, waits, &semas[0]);
    port_g(0, posts_and_computes_on, &semas[0]);
}

static void check_guarded(void) {
    port_check_rest();
    MODEL_CHECK(port_clock() < CONFIG_SLICE_NS);
}

/* ---- the timer of a core that slept ------------------------------------------------------------- */

static void sleeps(void *arg) {
    go_sleep_until(*(ns_t *)arg);
}

static void sleeps_and_computes_on(void *arg) {
    go_sleep_until(*(ns_t *)arg);
    port_wait(other_ran);
}

static void two_sleepers(void) {
    static ns_t first = US(1), second = US(2);
    begin(1);
    port_g(0, sleeps, &second);
    port_g(0, sleeps_and_computes_on, &first);
}

/* ---- inbox -------------------------------------------------------------------------------------- */

static bool core_0_sleeps(void) {
    return port_sleeps(0);
}

static void posts_late(void *arg) {
    port_wait(core_0_sleeps);
    sema_post(arg);
}

static void one_pusher(void) {
    begin(2);
    port_pinned_g(0, waits, &semas[0]);
    port_pinned_g(1, posts_late, &semas[0]);
}

/* Core 0 has two pinned waiters and falls asleep; two other cores wake one each. */
static void two_pushers(void) {
    begin(3);
    port_pinned_g(0, waits, &semas[0]);
    port_pinned_g(0, waits, &semas[1]);
    port_pinned_g(1, posts, &semas[0]);
    port_pinned_g(2, posts, &semas[1]);
}

/* A handler on the core itself pushes, too. */
static void handler_and_pusher(void) {
    begin(2);
    port_pinned_g(0, waits, &semas[0]);
    port_pinned_g(0, waits, &semas[1]);
    port_pinned_g(1, posts, &semas[1]);
    port_device(0, 1, device_posts);
}

/* Pushed while the owner takes. */
static void g_and_pusher(void) {
    begin(2);
    port_pinned_g(0, waits, &semas[0]);
    port_pinned_g(0, waits, &semas[1]);
    port_pinned_g(0, posts, &semas[0]);
    port_pinned_g(1, posts, &semas[1]);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"runnext behind a G that computes", behind_a_hog, check_guarded, 1, 0},
        {"a sleeper behind one that computes", two_sleepers, check_guarded, 1, 0},
        {"one pushes to a core that sleeps", one_pusher, port_check_rest, 2, 1},
        {"two push to a core that falls asleep", two_pushers, port_check_rest, 2, 0},
        {"a handler and another core push", handler_and_pusher, port_check_rest, 2, 1},
        {"a G and another core push", g_and_pusher, port_check_rest, 2, 1},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
