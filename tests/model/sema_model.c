/*
 * tests/model/sema_model.c - the semaphore, its count exchanged in the lock's note and its waiters under it: sched/sema.c on
 * the whole scheduler.
 * sources: sched/sema.c
 * machine: port
 *
 * What is given is taken once, with what was written before; nobody waits while there is enough for it, who waits for
 * much is not overtaken, who gives up lets the others by, and who takes the last may give its memory away.
 */
#include <string.h>

#include <bareloom/sync.h>

#include "hal/errno.h"
#include "tests/model/port.h"

static struct sema sema;
static unsigned data;          /* plain: written before a post, read after a wait */
static _Atomic unsigned users; /* waits that are still to come */
static unsigned got, late;     /* by one G each */

static void spoil(void) {
    for (size_t i = 0; i < sizeof sema; i++) {
        ((volatile unsigned char *)&sema)[i] = 0xa5; /* no call of memset(), which would not be seen */
    }
}

static void posts(void *arg) {
    (void)arg;
    sema_post(&sema);
}

static void writes_and_posts_2(void *arg) {
    (void)arg;
    data = 1;
    sema_post_n(&sema, 2);
}

static void waits_and_reads(void *arg) {
    (void)arg;
    sema_wait(&sema);
    MODEL_CHECK(data == 1);
}

static void waits_twice_and_frees(void *arg) {
    (void)arg;
    sema_wait(&sema);
    sema_wait(&sema);
    spoil();
}

/* The last to come through gives the memory away. */
static void waits_and_frees(void *arg) {
    (void)arg;
    sema_wait(&sema);
    if (atomic_fetch_sub(&users, 1) == 1) {
        spoil();
    }
}

static void waits_for_2_with_limit(void *arg) {
    (void)arg;
    int r = sema_wait_n_until(&sema, 2, AT(MS(1)));
    MODEL_CHECK(r == 0 || r == -ETIMEDOUT);
    late = r != 0;
    if (r == 0) {
        sema_post_n(&sema, 2);
    }
}

static void waits(void *arg) {
    (void)arg;
    sema_wait(&sema);
    got++;
}

static void waits_for_2(void *arg) {
    (void)arg;
    sema_wait_n(&sema, 2);
}

static void posts_3(void *arg) {
    (void)arg;
    sema_post_n(&sema, 3);
}

/* There is one at any time. */
static void posts_2_and_tries(void *arg) {
    (void)arg;
    sema_post_n(&sema, 2);
    MODEL_CHECK(sema_try(&sema, 1) == 0);
}

static void begin(unsigned n) {
    memset(&sema, 0, sizeof sema);
    data = got = late = 0;
    port_begin(n);
    model_watch(&sema.count);
}

static void one_waits_twice(void) {
    begin(3);
    port_pinned_g(0, waits_twice_and_frees, NULL);
    port_pinned_g(1, posts, NULL);
    port_pinned_g(2, posts, NULL);
}

static void two_read(void) {
    begin(3);
    port_pinned_g(0, waits_and_reads, NULL);
    port_pinned_g(1, waits_and_reads, NULL);
    port_pinned_g(2, writes_and_posts_2, NULL);
}

static void freed(void) {
    begin(2);
    users = 2;
    port_pinned_g(0, waits_and_frees, NULL);
    port_pinned_g(0, waits_and_frees, NULL);
    port_pinned_g(1, writes_and_posts_2, NULL);
}

static void limited(void) {
    begin(2);
    port_early_timers(1);
    port_pinned_g(0, waits_for_2_with_limit, NULL);
    port_pinned_g(0, waits, NULL);
    port_pinned_g(1, posts, NULL);
}

static void tried(void) {
    begin(2);
    sema.count = 1;
    port_pinned_g(0, waits_for_2, NULL);
    port_pinned_g(1, posts_2_and_tries, NULL);
}

/* The first waits alone until the second comes. */
static void second_lists_the_first(void) {
    begin(2);
    port_pinned_g(0, waits, NULL);
    port_pinned_g(0, waits_for_2, NULL);
    port_pinned_g(1, posts_3, NULL);
}

static void check_empty(void) {
    port_check_rest();
    MODEL_CHECK(sema.count == 0 && sema.waiters.head == NULL);
}

/* The first in line can only give up, and then the second has what was given. */
static void check_limited(void) {
    check_empty();
    MODEL_CHECK(late == 1 && got == 1);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"one waits twice and frees it, two post", one_waits_twice, port_check_rest, 1, 0},
        {"two read what was written before two were given", two_read, check_empty, 1, 0},
        {"the last one frees it", freed, port_check_rest, 3, 1},
        {"the first in line gives up", limited, check_limited, 2, 1},
        {"one waits alone, then another for two", second_lists_the_first, check_empty, 2, 1},
        {"a try where there always is enough", tried, check_empty, 3, 1},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
