/*
 * tests/model/park_model.c - parking, yielding, preempting, making ready: on the whole scheduler.
 * sources: sched/sema.c
 * machine: port
 *
 * Whatever happens at once, no G is entered while a core is still on its stack, none is lost, what it wrote on one core it
 * finds on the next, and in the end every core sleeps.
 */
#include <string.h>

#include <bareloom/sync.h>

#include "tests/model/port.h"

static struct sema sema;

static void waits(void *arg) {
    int before = 1;
    volatile int *mine = &before; /* on the stack that another core may go on with */
    (void)arg;
    sema_wait(&sema);
    *mine += 1;
    MODEL_CHECK(before == 2);
}

static void posts(void *arg) {
    (void)arg;
    sema_post(&sema);
}

static void yields(void *arg) {
    int before = 1;
    volatile int *mine = &before;
    (void)arg;
    go_yield();
    *mine += 1;
    MODEL_CHECK(before == 2);
}

static void computes(void *arg) {
    int before = 1;
    volatile int *mine = &before;
    (void)arg;
    port_compute(4);
    *mine += 1;
    MODEL_CHECK(before == 2);
}

static void device_posts(void) {
    sema_post(&sema);
}

/* ---- scenarios ---------------------------------------------------------------------------------- */

static void begin(unsigned cores_there) {
    memset(&sema, 0, sizeof sema);
    port_begin(cores_there);
    port_watch_idle();
    port_watch_queue(0);
}

static void one_waits_one_posts(void) {
    begin(2);
    port_watch_queue(1);
    port_g(0, waits, NULL);
    port_g(1, posts, NULL);
}

static void nobody_listens(void) {
    one_waits_one_posts();
    model_watch(&cores[0].naps);
    model_watch(&cores[1].naps);
    port_nobody_listens();
}

static void two_on_one_core(void) {
    begin(2);
    port_watch_inbox(0);
    port_g(0, waits, NULL);
    port_g(0, posts, NULL);
}

static void device_wakes(void) {
    begin(2);
    port_watch_inbox(0);
    port_g(0, waits, NULL);
    port_device(0, 1, device_posts);
}

static void device_against_g(void) {
    begin(2);
    port_watch_inbox(0);
    port_g(0, waits, NULL);
    port_g(0, posts, NULL);
    port_g(0, waits, NULL);
    port_device(0, 1, device_posts);
}

static void two_yield(void) {
    begin(2);
    port_watch_queue(1);
    port_g(0, yields, NULL);
    port_g(0, yields, NULL);
}

static void one_is_preempted(void) {
    begin(2);
    port_early_timers(1);
    port_g(0, computes, NULL);
    port_g(0, computes, NULL);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"one waits, another core posts", one_waits_one_posts, port_check_rest, 3, 0},
        {"the same, and its end is a deadlock", nobody_listens, port_check_rest, 2, 1},
        {"one waits, one posts, both on one core", two_on_one_core, port_check_rest, 2, 2},
        {"one waits, a device posts", device_wakes, port_check_rest, 2, 1},
        {"two wait, a device and a G post", device_against_g, port_check_rest, 2, 1},
        {"two yield, a thief comes", two_yield, port_check_rest, 2, 1},
        {"two compute and are preempted, a thief comes", one_is_preempted, port_check_rest, 2, 0},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
