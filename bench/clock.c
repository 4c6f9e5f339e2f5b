/* bench/clock.c - timers, and how soon what is due runs. */
#include "bench/bench.h"
#include "tests/raise.h"

#define ROUNDS 1000u

static struct wg wg;
static _Atomic bool stop;

BENCH(timer_make_stop, CORES(1) | CORES(4)) {
    timer_free(timer_make(SEC(100)));
    bench_start();
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct timer *t = timer_make(SEC(100));
        timer_stop(t);
        timer_free(t);
    }
    bench_stop(ROUNDS);
}

BENCH(timer_reset_stop, CORES(1) | CORES(4)) {
    struct timer *t = timer_make(SEC(100));
    bench_start();
    for (unsigned i = 0; i < ROUNDS; i++) {
        timer_reset(t, SEC(100));
        timer_stop(t);
    }
    bench_stop(ROUNDS);
    timer_free(t);
}

static void lateness(ns_t d, unsigned rounds) {
    uint64_t late = 0;
    for (unsigned i = 0; i < rounds; i++) {
        ns_t when = go_now() + d;
        go_sleep_until(when);
        late += (uint64_t)(go_now() - when);
    }
    bench_result(late, rounds);
}

BENCH(sleep_2ms_late, CORES(1) | CORES(4)) {
    lateness(MS(2), 100);
}

static struct sema gate;

static void parks(void *arg) {
    (void)arg;
    sema_wait(&gate);
    wg_done(&wg);
}

/* The last core to fall asleep looks at Gs (watch.c): not at all of them each time. */
BENCH(sleep_among_2000, CORES(1)) {
    wg_add(&wg, 2000);
    for (unsigned i = 0; i < 2000; i++) {
        start(parks, NULL);
    }
    settle();
    ns_t before = go_now();
    for (unsigned i = 0; i < ROUNDS; i++) {
        go_sleep(US(10));
    }
    bench_result((uint64_t)(go_now() - before - ROUNDS * US(10)), ROUNDS);
    sema_post_n(&gate, 2000);
    wg_wait(&wg);
}

static void hogs(void *arg) {
    (void)arg;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        bench_turn();
    }
    wg_done(&wg);
}

static void start_hogs(void) {
    stop = false;
    for (unsigned i = 0; i < go_cores(); i++) {
        wg_add(&wg, 1);
        start_on(i, hogs, NULL);
    }
}

BENCH(sleep_behind_hogs_late, CORES(1) | CORES(4)) {
    start_hogs();
    lateness(MS(2), 50);
    stop = true;
    wg_wait(&wg);
}

/* Two loops on one core that never call anything that yields. From the last reading of the clock by the one
 * whose slice is over to the first by the other: interrupt, save, switch, restore, and a reading. */
static struct {
    unsigned who, turns, switches;
    ns_t when, gaps;
} last;

#define TURNS 40u
#define SLICE MS(1)

static void watches(void *arg) {
    unsigned me = (unsigned)(uintptr_t)arg;
    while (last.turns < TURNS) {
        ns_t now = go_now(); /* one reading a round: of two, the first could be taken for the other's last */
        if (last.who != me) {
            ns_t gap = now - last.when;
            last.who = me;
            /* Another phase each time: the slice's end would fall between reading and storing for ever, or never */
            for (unsigned n = ++last.switches % 8; n != 0; n--) {
                __asm__ volatile("" : "+r"(n));
            }
            if (gap > 0 && gap < SLICE / 2) { /* else it was stopped between reading and storing */
                last.gaps += gap;
                last.turns++;
            }
        }
        last.when = now;
    }
    wg_done(&wg);
}

BENCH(preempted, CORES(1)) {
    ns_t slice = go_set_slice(SLICE);
    last.when = 0;
    wg_add(&wg, 2);
    start_on(0, watches, (void *)0);
    start_on(0, watches, (void *)1);
    wg_wait(&wg);
    go_set_slice(slice);
    bench_result((uint64_t)last.gaps, last.turns);
}

/* ---- an interrupt and the G that waits for it ------------------------------------------------------ */

static struct sema came;

BENCH(timer_to_g, CORES(1) | CORES(4)) {
    uint64_t late = 0;
    for (unsigned i = 0; i < 100; i++) {
        ns_t when = go_now() + US(100);
        sema_wait_until(&came, AT(when));
        late += (uint64_t)(go_now() - when);
    }
    bench_result(late, 100);
}

static void handler(void *arg) {
    (void)arg;
    clear_pending(RAISED_LINE);
    sema_post(&came);
}

static _Atomic ns_t raised;
static _Atomic unsigned taken; /* of those raised; one that is raised before the last was taken may be one with it */

static void raises(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < 100; i++) {
        do {
            go_sleep(US(100));
        } while (taken != i);
        raised = go_now();
        set_pending(RAISED_LINE);
        bench_turn();
    }
    wg_done(&wg);
}

/* On another core, so that the one that waits is asleep; the line comes to core 0. */
BENCH(irq_to_g, CORES(4)) {
    if (!can_raise()) {
        return;
    }
    uint64_t late = 0;
    irq_attach(RAISED_LINE, handler, NULL);
    taken = 0;
    wg_add(&wg, 1);
    start_on(1, raises, NULL);
    for (unsigned i = 0; i < 100; i++) {
        sema_wait(&came);
        late += (uint64_t)(go_now() - raised);
        taken++;
    }
    wg_wait(&wg);
    irq_detach(RAISED_LINE);
    bench_result(late, 100);
}
