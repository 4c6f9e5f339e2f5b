/*
 * tests/model/mutex_model.c - the mutex in both of its modes, with and without a limit: sched/mutex.c on the whole scheduler.
 * sources: sched/mutex.c
 * machine: port
 *
 * No two own it at once, what one wrote inside the next one reads, nobody waits for ever, a limit that is over is told
 * from a lock that was got, and the last user may give its memory away.
 */
#include <string.h>

#include <bareloom/sync.h>

#include "hal/errno.h"
#include "tests/model/port.h"

static struct mutex mutex;
static unsigned inside;    /* plain: a second one inside is a race at least */
static unsigned users;     /* guarded by mutex: how many are still to come */
static unsigned got, late; /* counted inside, and by who was late under no lock: one such G only */

static void critical(int64_t ns) {
    MODEL_CHECK(inside == 0);
    inside = 1;
    got++;
    port_pass(ns);
    model_point();
    MODEL_CHECK(inside == 1);
    inside = 0;
}

static void locks(void *arg) {
    (void)arg;
    mutex_lock(&mutex);
    critical(0);
    mutex_unlock(&mutex);
}

/* Comes back at once, as if it wanted it for itself. */
static void locks_twice(void *arg) {
    locks(arg);
    locks(arg);
}

/* Holds it so long that who waits for it starves. */
static void locks_long_twice(void *arg) {
    (void)arg;
    for (int i = 0; i < 2; i++) {
        mutex_lock(&mutex);
        critical(MS(2));
        mutex_unlock(&mutex);
    }
}

static void locks_with_limit(void *arg) {
    (void)arg;
    int r = mutex_lock_until(&mutex, AT(MS(1)));
    if (r == 0) {
        critical(0);
        mutex_unlock(&mutex);
    } else {
        MODEL_CHECK(r == -ETIMEDOUT);
        late++;
    }
}

static void locks_and_frees(void *arg) {
    (void)arg;
    mutex_lock(&mutex);
    critical(0);
    bool last = --users == 0;
    mutex_unlock(&mutex);
    if (last) {
        for (size_t i = 0; i < sizeof mutex; i++) {
            ((volatile unsigned char *)&mutex)[i] = 0xa5; /* no call of memset(), which would not be seen */
        }
    }
}

static void begin(unsigned n) {
    memset(&mutex, 0, sizeof mutex);
    inside = got = late = 0;
    port_begin(n);
    model_watch(&mutex.word);
    model_watch(&mutex.lock);
}

static void two(void) {
    begin(2);
    port_pinned_g(0, locks, NULL);
    port_pinned_g(1, locks_twice, NULL);
}

static void three(void) {
    begin(3);
    port_pinned_g(0, locks, NULL);
    port_pinned_g(1, locks, NULL);
    port_pinned_g(2, locks, NULL);
}

static void two_on_a_core_and_another(void) {
    begin(2);
    port_pinned_g(0, locks, NULL);
    port_pinned_g(0, locks, NULL);
    port_pinned_g(1, locks_twice, NULL);
}

static void starving(void) {
    begin(2);
    port_pinned_g(0, locks, NULL);
    port_pinned_g(0, locks, NULL);
    port_pinned_g(1, locks_long_twice, NULL);
}

static void limited(void) {
    begin(2);
    port_early_timers(1);
    model_watch(&cores[0].alarms.lock);
    port_pinned_g(0, locks_with_limit, NULL);
    port_pinned_g(1, locks_twice, NULL);
}

static void freed(void) {
    begin(2);
    users = 2;
    port_pinned_g(0, locks_and_frees, NULL);
    port_pinned_g(1, locks_and_frees, NULL);
}

static void check_free(void) {
    port_check_rest();
    MODEL_CHECK(mutex.word == 0 && mutex.lock == 0 && mutex.waiters.head == NULL);
}

static void check_3(void) {
    check_free();
    MODEL_CHECK(got == 3);
}

static void check_4(void) {
    check_free();
    MODEL_CHECK(got == 4);
}

static void check_limited(void) {
    check_free();
    MODEL_CHECK(got + late == 3);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"two, one of them twice", two, check_3, 3, 1},
        {"three", three, check_3, 1, 0},
        {"two on a core, one on another twice", two_on_a_core_and_another, check_4, 3, 0},
        {"starving", starving, check_4, 2, 1},
        {"with a limit", limited, check_limited, 2, 0},
        {"the last one frees it", freed, port_check_rest, 3, 1},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
