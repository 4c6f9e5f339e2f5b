/* bench/growth.c - what an operation costs as there is more of something: live Gs, runnable Gs, waiters, timers, cores.
 * tools/growth.py makes tables and plots of it. */
#include "bench/bench.h"

#define OPS 2000u

static struct wg wg;
static struct sema gate;

static const unsigned tens[] = {10, 100, 1000, 10000, 100000};
#define TENS (sizeof tens / sizeof tens[0])

/* ---- live Gs: parked ones beside the few that work ------------------------------------------------ */

static void parks(void *arg) {
    (void)arg;
    sema_wait(&gate);
    wg_done(&wg);
}

static void ends(void *arg) {
    wg_done(arg);
}

static void spawn_join(void) {
    struct wg one = {0};
    for (unsigned i = 0; i < OPS; i++) {
        wg_add(&one, 1);
        start(ends, &one);
        wg_wait(&one);
    }
}

static struct chan *there, *back;

static void returns(void *arg) {
    long v;
    while (chan_recv(there, &v) == 0) {
        chan_send(back, &v);
    }
    wg_done(arg);
}

static void ping_pong(void) {
    struct wg one = {0};
    there = CHAN(long, 0);
    back = CHAN(long, 0);
    wg_add(&one, 1);
    start(returns, &one);
    for (long i = 0; i < (long)OPS; i++) {
        chan_send(there, &i);
        chan_recv(back, &i);
    }
    chan_close(there);
    wg_wait(&one);
    chan_free(there);
    chan_free(back);
}

/* fn with x parked Gs, for all x. */
static void with_live(void (*fn)(void)) {
    unsigned parked = 0;
    fn();
    for (unsigned k = 0; k < TENS; k++) {
        for (; parked < tens[k]; parked++) {
            wg_add(&wg, 1);
            start(parks, NULL);
        }
        go_yield(); /* behind all of them: they wait by then */
        settle();
        ns_t before = go_now();
        fn();
        bench_result_at(tens[k], (uint64_t)(go_now() - before), OPS);
    }
    sema_post_n(&gate, parked);
    wg_wait(&wg);
}

BENCH(grow_live_spawn_join, CORES(1)) {
    with_live(spawn_join);
}

BENCH(grow_live_pingpong, CORES(1)) {
    with_live(ping_pong);
}

/* ---- runnable Gs ---------------------------------------------------------------------------------- */

static _Atomic bool go_on;
static unsigned rounds;

static void yields(void *arg) {
    (void)arg;
    while (!go_on) {
        go_yield();
    }
    for (unsigned i = 0; i < rounds; i++) {
        go_yield();
    }
    wg_done(&wg);
}

BENCH(grow_runnable_yield, CORES(1)) {
    for (unsigned k = 0; k < TENS; k++) {
        rounds = tens[k] < 10000 ? 20000 / tens[k] : 2;
        go_on = false;
        wg_add(&wg, (int)tens[k]);
        for (unsigned i = 0; i < tens[k]; i++) {
            start(yields, NULL);
        }
        go_yield(); /* all of them have begun */
        go_on = true;
        ns_t before = go_now();
        wg_wait(&wg);
        bench_result_at(tens[k], (uint64_t)(go_now() - before), (uint64_t)rounds * tens[k]);
    }
}

/* ---- waiters -------------------------------------------------------------------------------------- */

static const unsigned waiters[] = {1, 10, 100, 1000};
#define WAITERS (sizeof waiters / sizeof waiters[0])

static struct sema sema;
static struct chan *chan;
static _Atomic bool over;

static void waits_sema(void *arg) {
    (void)arg;
    while (!over) {
        sema_wait(&sema);
    }
    wg_done(&wg);
}

static void waits_chan(void *arg) {
    (void)arg;
    long v;
    while (chan_recv(chan, &v) == 0) {
    }
    wg_done(&wg);
}

static void begin(go_fn *fn, unsigned n) {
    over = false;
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(fn, NULL);
    }
}

/* One of x that wait is woken, runs, and waits again. */
BENCH(grow_waiters_sema, CORES(1)) {
    for (unsigned k = 0; k < WAITERS; k++) {
        begin(waits_sema, waiters[k]);
        settle();
        ns_t before = go_now();
        for (unsigned i = 0; i < OPS; i++) {
            sema_post(&sema);
            go_yield();
        }
        bench_result_at(waiters[k], (uint64_t)(go_now() - before), OPS);
        over = true;
        sema_post_n(&sema, waiters[k]);
        wg_wait(&wg);
    }
}

BENCH(grow_waiters_chan, CORES(1)) {
    for (unsigned k = 0; k < WAITERS; k++) {
        chan = CHAN(long, 0);
        begin(waits_chan, waiters[k]);
        settle();
        ns_t before = go_now();
        for (long i = 0; i < (long)OPS; i++) {
            chan_send(chan, &i);
            go_yield();
        }
        bench_result_at(waiters[k], (uint64_t)(go_now() - before), OPS);
        chan_close(chan);
        wg_wait(&wg);
        chan_free(chan);
    }
}

/* A close wakes x, each. */
BENCH(grow_waiters_close, CORES(1)) {
    for (unsigned k = 0; k < WAITERS; k++) {
        chan = CHAN(long, 0);
        begin(waits_chan, waiters[k]);
        settle();
        ns_t before = go_now();
        chan_close(chan);
        wg_wait(&wg);
        bench_result_at(waiters[k], (uint64_t)(go_now() - before), waiters[k]);
        chan_free(chan);
    }
}

/* ---- timers --------------------------------------------------------------------------------------- */

/* Not static: BSS is cleared at boot, which is measured, too. */
static struct timer **armed;

static void make_room(void) {
    if (armed == NULL && (armed = calloc(tens[TENS - 1], sizeof *armed)) == NULL) {
        PANIC("bench: no memory for timers");
    }
}

static void set_and_stop(void) {
    struct timer *t = timer_make(SEC(5000));
    for (unsigned i = 0; i < OPS; i++) {
        timer_reset(t, SEC(1000) + (ns_t)((i * 7919 + 13) % 9999) * MS(1)); /* anywhere among the others */
        timer_stop(t);
    }
    timer_free(t);
}

static void with_timers(void (*fn)(void)) {
    unsigned n = 0;
    make_room();
    for (unsigned k = 0; k < TENS; k++) {
        for (; n < tens[k]; n++) {
            armed[n] = timer_make(SEC(1000) + (ns_t)(n * 7919u % 10000u) * MS(1));
        }
        settle();
        ns_t before = go_now();
        fn();
        bench_result_at(tens[k], (uint64_t)(go_now() - before), OPS);
    }
    while (n != 0) {
        timer_free(armed[--n]);
    }
}

BENCH(grow_timers_set_stop, CORES(1)) {
    with_timers(set_and_stop);
}

static void sleeps(void) {
    for (unsigned i = 0; i < OPS; i++) {
        go_sleep(US(10));
    }
}

/* A sleep of 10 us among them: the time beyond. */
BENCH(grow_timers_sleep, CORES(1)) {
    unsigned n = 0;
    make_room();
    for (unsigned k = 0; k < TENS; k++) {
        for (; n < tens[k]; n++) {
            armed[n] = timer_make(SEC(1000) + (ns_t)(n * 7919u % 10000u) * MS(1));
        }
        settle();
        ns_t before = go_now();
        sleeps();
        bench_result_at(tens[k], (uint64_t)(go_now() - before - OPS * US(10)), OPS);
    }
    while (n != 0) {
        timer_free(armed[--n]);
    }
}

/* ---- cores ---------------------------------------------------------------------------------------- */

#define ALL_CORES (0x1feu) /* 1 to 8 */

BENCH(grow_cores_pingpong, ALL_CORES) {
    ping_pong();
    settle();
    ns_t before = go_now();
    ping_pong();
    bench_result_at(go_cores(), (uint64_t)(go_now() - before), OPS);
}

BENCH(grow_cores_spawn_join, ALL_CORES) {
    spawn_join();
    settle();
    ns_t before = go_now();
    spawn_join();
    bench_result_at(go_cores(), (uint64_t)(go_now() - before), OPS);
}

/* As many pairs as there are cores. */
static struct pair { struct sema left, right; } pairs[8];

static void pair_left(void *arg) {
    struct pair *p = arg;
    for (unsigned i = 0; i < OPS; i++) {
        sema_wait(&p->left);
        sema_post(&p->right);
    }
    wg_done(&wg);
}

static void pair_right(void *arg) {
    struct pair *p = arg;
    for (unsigned i = 0; i < OPS; i++) {
        sema_post(&p->left);
        sema_wait(&p->right);
    }
    wg_done(&wg);
}

BENCH(grow_cores_pairs, ALL_CORES) {
    settle();
    ns_t before = go_now();
    wg_add(&wg, (int)(2 * go_cores()));
    for (unsigned i = 0; i < go_cores(); i++) {
        start(pair_left, &pairs[i]);
        start(pair_right, &pairs[i]);
    }
    wg_wait(&wg);
    bench_result_at(go_cores(), (uint64_t)(go_now() - before), (uint64_t)OPS * go_cores());
}

static void tree_node(void *arg) {
    unsigned depth = (unsigned)(uintptr_t)arg;
    for (unsigned n = 500; n != 0; n--) {
        __asm__ volatile("" : "+r"(n));
    }
    if (depth != 0) {
        wg_add(&wg, 2);
        start(tree_node, (void *)(uintptr_t)(depth - 1));
        start(tree_node, (void *)(uintptr_t)(depth - 1));
    }
    bench_turn();
    wg_done(&wg);
}

/* A tree of 4095 Gs that work for 1000 instructions each. */
BENCH(grow_cores_tree, ALL_CORES) {
    settle();
    ns_t before = go_now();
    wg_add(&wg, 1);
    start(tree_node, (void *)11);
    wg_wait(&wg);
    bench_result_at(go_cores(), (uint64_t)(go_now() - before), 4095);
}

/* ---- masked: for how long interrupts are, which tools/inside.py sees; nothing is printed ------------ */

#define CASES 1000u

static void fills(void *arg) {
    long v = 0;
    chan_send(arg, &v);
    wg_done(&wg);
}

/* A select that waits has the locks of all its channels. */
BENCH(grow_masked_select, CORES(1)) {
    struct select_case *cases = calloc(CASES, sizeof *cases);
    long v;
    if (cases == NULL) {
        PANIC("bench: no memory for a select");
    }
    for (unsigned i = 0; i < CASES; i++) {
        cases[i] = RECV(CHAN(long, 0), &v);
    }
    wg_add(&wg, 1);
    start(fills, cases[0].chan);
    chan_select_within(cases, CASES, FOREVER);
    wg_wait(&wg);
    for (unsigned i = 0; i < CASES; i++) {
        chan_free(cases[i].chan);
    }
    free(cases);
}

static void sleeps_until(void *arg) {
    go_sleep_until(*(ns_t *)arg);
    wg_done(&wg);
}

/* Deadlines that are over at once. */
BENCH(grow_masked_sleeps, CORES(1)) {
    ns_t when = go_now() + MS(10);
    wg_add(&wg, (int)CASES);
    for (unsigned i = 0; i < CASES; i++) {
        start(sleeps_until, &when);
    }
    wg_wait(&wg);
}

static void waits_until(void *arg) {
    long v;
    chan_recv_until(chan, &v, AT(*(ns_t *)arg));
    wg_done(&wg);
}

/* Waits whose time is over stay on the list until their Gs run: who wants to wake one goes past all of them. */
BENCH(grow_masked_ended, CORES(1)) {
    long v = 0;
    ns_t when = go_now() + MS(10);
    chan = CHAN(long, 0);
    wg_add(&wg, (int)CASES);
    for (unsigned i = 0; i < CASES; i++) {
        start(waits_until, &when);
    }
    go_sleep(MS(2));
    go_preempt_off(); /* none of them runs before the send */
    while (go_now() < when + MS(2)) {
    }
    chan_try_send(chan, &v);
    go_preempt_on();
    wg_wait(&wg);
    chan_free(chan);
}
