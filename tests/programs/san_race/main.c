/*
 * One data race after the other, and the same things done right: tests/host/san_race.sh says by an argument which,
 * and what SAN=race must find.
 *
 * Each G's part is a function of its own, whose name the report must show.
 */
#include <bareloom.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 2000
#define RACES  100000 /* on a machine the detector samples: a race must come often to be seen */

static struct wg wg;
static struct mutex mutex;
static struct sema sema;
static struct chan *chan;

static int counter, value;
static int box;

/* Not inlined, so that the report can name them. */
#define PART __attribute__((noinline)) static void

PART count_up(void) {
    counter++;
}

static _Atomic int here;

/* Until both are there, so that they overlap. */
static void meet(void) {
    atomic_fetch_add(&here, 1);
    while (atomic_load(&here) < 2) {
        go_yield();
    }
}

static struct wg both;
static int64_t begun;

/* For long enough, too, that a computer with few processors does not run all of the one before the other begins: a
 * doorbell that rings in between would order them. */
static bool goes_on(int i) {
    return i < RACES || i % 64 != 0 || go_now() - begun < MS(200);
}

/* Not before the other one has done it: of one that has ended the host's sanitizer knows no stack any more, and says
 * nothing. */
static void part(void) {
    wg_done(&both);
    wg_wait(&both);
    wg_done(&wg);
}

static void start_two(void) {
    wg_add(&wg, 2);
    wg_add(&both, 2);
    begun = go_now();
}

/* ---- mistakes ---------------------------------------------------------------------------------------- */

static void counts_alone(void *arg) {
    (void)arg;
    meet();
    for (int i = 0; goes_on(i); i++) {
        count_up();
        if (i % 64 == 0) {
            go_yield();
        }
    }
    part();
}

/* Two Gs count and nothing stands between them. */
static void unlocked(void) {
    start_two();
    go_with(&GO_OPTS(.name = "left"), counts_alone, NULL);
    go_with(&GO_OPTS(.name = "right"), counts_alone, NULL);
    wg_wait(&wg);
}

static volatile int seen;

/* In a loop of its own: on a machine the C library is not instrumented. */
static void reads_box(void *arg) {
    (void)arg;
    meet();
    for (int i = 0; goes_on(i); i++) {
        seen += box;
        if (i % 64 == 0) {
            go_yield();
        }
    }
    part();
}

static void writes_box(void *arg) {
    (void)arg;
    meet();
    for (int i = 0; goes_on(i); i++) {
        mutex_lock(&mutex);
        box = i;
        mutex_unlock(&mutex);
        if (i % 64 == 0) {
            go_yield();
        }
    }
    part();
}

/* Only one of the two takes the lock. */
static void half_locked(void) {
    start_two();
    go_with(&GO_OPTS(.name = "reader"), reads_box, NULL);
    go_with(&GO_OPTS(.name = "writer"), writes_box, NULL);
    wg_wait(&wg);
}

/* ---- the same done right ----------------------------------------------------------------------------- */

static void counts_locked(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        mutex_lock(&mutex);
        count_up();
        mutex_unlock(&mutex);
    }
    wg_done(&wg);
}

static void sends_after_writing(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        value = i;
        chan_send(chan, &i);
        sema_wait(&sema); /* until it has been read */
    }
    wg_done(&wg);
}

static void sleeps_and_counts(void *arg) {
    int *mine = arg;
    go_sleep(US(50));
    (*mine)++;
    wg_done(&wg);
}

/* Whatever orders two Gs, each once: mutex, channel, semaphore, wait group, go, sleep. */
static int clean(void) {
    int own[8] = {0}, sum = 0;
    counter = 0;
    wg_add(&wg, 4);
    for (int i = 0; i < 4; i++) {
        go(counts_locked, NULL);
    }
    wg_wait(&wg);
    chan = CHAN(int, 0);
    wg_add(&wg, 1);
    go(sends_after_writing, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        int got = -1;
        chan_recv(chan, &got);
        sum += got != value;
        sema_post(&sema);
    }
    wg_wait(&wg);
    chan_free(chan);
    for (int round = 0; round < 50; round++) {
        wg_add(&wg, 8);
        for (int i = 0; i < 8; i++) {
            own[i] += round;
            go(sleeps_and_counts, &own[i]);
        }
        wg_wait(&wg);
    }
    for (int i = 0; i < 8; i++) {
        sum += own[i] != 50 * 49 / 2 + 50;
    }
    return counter == 4 * ROUNDS && sum == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "clean";
    if (strcmp(what, "unlocked") == 0) {
        unlocked();
    } else if (strcmp(what, "half_locked") == 0) {
        half_locked();
    } else if (strcmp(what, "clean") == 0) {
        return clean();
    } else {
        printf("there are unlocked, half_locked and clean\n");
        return 2;
    }
    return 0;
}
