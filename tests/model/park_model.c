/*
 * tests/model/park_model.c - parking and making ready, on the whole scheduler.
 * sources: sched/schedule.c sched/gmp.c sched/runq.c sched/inbox.c sched/idle.c sched/asleep.c sched/preempt.c sched/alarm.c sched/wait.c sched/cores.c sched/wg.c sched/sema.c
 * machine: port
 */
#include <string.h>

#include <bareloom/sync.h>

#include "tests/model/port.h"

static struct sema sema;

static void waits(void *arg) {
    (void)arg;
    sema_wait(&sema);
}

static void posts(void *arg) {
    (void)arg;
    sema_post(&sema);
}

static void one_waits_one_posts(void) {
    memset(&sema, 0, sizeof sema);
    port_begin(2);
    port_watch_idle();
    port_watch_queue(0);
    port_watch_queue(1);
    model_watch(&sema.lock);
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
    memset(&sema, 0, sizeof sema);
    port_begin(2);
    port_watch_idle();
    port_watch_queue(0);
    port_watch_inbox(0);
    port_g(0, waits, NULL);
    port_g(0, posts, NULL);
}

static void device_posts(void) {
    sema_post(&sema);
}

static void one_waits_a_device_posts(void) {
    memset(&sema, 0, sizeof sema);
    port_begin(2);
    port_watch_idle();
    port_watch_inbox(0);
    port_watch_queue(0);
    model_watch(&sema.lock);
    port_g(0, waits, NULL);
    port_device(0, 1, device_posts);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"one waits, another core posts", one_waits_one_posts, port_check_rest, 2, 1},
        {"the same, and its end is a deadlock", nobody_listens, port_check_rest, 2, 1},
        {"one waits, one posts, both on one core", two_on_one_core, port_check_rest, 2, 1},
        {"one waits, a device posts", one_waits_a_device_posts, port_check_rest, 2, 1},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
