/* inversion.c - what stopped Mars Pathfinder: low holds a lock that high wants, and middle, who wants nothing of either, keeps low from
 * giving it back. --lock=1: a mutex, whose holder inherits; 0: a semaphore, which nobody holds. */
#include "work.h"

#include <bareloom/policy.h>

static struct {
    struct wg over;
    bool is_mutex;
    struct mutex mutex;
    struct sema sema;
    unsigned long middle;
    ns_t wait, middle_ended, began;
} mars = {.sema = {.count = 1}};

static void lock(void) {
    if (mars.is_mutex) {
        mutex_lock(&mars.mutex);
    } else {
        sema_wait(&mars.sema);
    }
}

static void unlock(void) {
    if (mars.is_mutex) {
        mutex_unlock(&mars.mutex);
    } else {
        sema_post(&mars.sema);
    }
}

static void low(void *arg) {
    (void)arg;
    go_set_priority(2);
    lock();
    compute(100000);
    unlock();
    wg_done(&mars.over);
}

static void high(void *arg) {
    (void)arg;
    go_set_priority(12);
    ns_t asked = go_now();
    lock();
    mars.wait = go_now() - asked;
    compute(10000);
    unlock();
    wg_done(&mars.over);
}

static void middle(void *arg) {
    (void)arg;
    go_set_priority(6);
    compute(mars.middle);
    mars.middle_ended = go_now() - mars.began;
    wg_done(&mars.over);
}

WORK(inversion, "high waits for a lock that low holds while middle computes --middle=400000; "
                "--lock=1 a mutex, 0 a semaphore") {
    mars.is_mutex = option("lock", 1) != 0;
    mars.middle = (unsigned long)option("middle", 400000);
    go_set_priority(GO_PRIORITIES - 1);
    mars.began = go_now();
    wg_add(&mars.over, 3);
    start(low, NULL);
    go_sleep(US(30)); /* low has the lock */
    start(high, NULL);
    go_sleep(US(10)); /* high wants it */
    start(middle, NULL);
    wg_wait(&mars.over);
    tell("high_waits", mars.wait);
    tell("middle_ended", mars.middle_ended);
    tell("all_ended", go_now() - mars.began);
}
