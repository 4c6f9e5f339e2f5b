/* costs.c - what a switch costs, in each way there is to one; --fp=1: with floating-point registers in use. */
#include "work.h"

#define TIMES 2000u

static struct wg over;
static bool with_fp;

#ifdef __aarch64__
#define FP_REGISTER "+w"
#else
#define FP_REGISTER "+x"
#endif

/* Uses a register of floating point, if that is wanted: before and after what comes between it has to be the same. */
static inline void use_fp(double *x) {
    if (with_fp) {
        __asm__ volatile("" : FP_REGISTER(*x));
    }
}

#define WITH_FP(what)                                                                              \
    do {                                                                                           \
        double x_ = 1.5;                                                                           \
        use_fp(&x_);                                                                               \
        what;                                                                                      \
        use_fp(&x_);                                                                               \
    } while (0)

static void yields(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < TIMES; i++) {
        WITH_FP(go_yield());
    }
    wg_done(&over);
}

WORK(yield, "two Gs yield in turn, a switch") {
    with_fp = option("fp", 0) != 0;
    ns_t began = go_now();
    wg_add(&over, 2);
    start(yields, NULL);
    start(yields, NULL);
    wg_wait(&over);
    tell("ns", (go_now() - began) / (2 * TIMES));
}

/* ---- wake-ups ------------------------------------------------------------------------------------- */

static struct sema there, back;
static ns_t posted, late;
static unsigned times;

static void is_woken(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < times; i++) {
        WITH_FP(sema_wait(&there));
        late += go_now() - posted;
        sema_post(&back);
    }
    wg_done(&over);
}

static void wakes(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < times; i++) {
        go_sleep(US(5)); /* the other one waits, and its core has nothing else */
        posted = go_now();
        WITH_FP(sema_post(&there));
        sema_wait(&back);
    }
    wg_done(&over);
}

WORK(wake, "a G on core 0 posts, one that waits on core --on=0 goes on; --times=200") {
    with_fp = option("fp", 0) != 0;
    times = (unsigned)many("times", 200);
    wg_add(&over, 2);
    start_on((unsigned)option_from("on", 0, (long)go_num_cores() - 1, 0), is_woken, NULL);
    start_on(0, wakes, NULL);
    wg_wait(&over);
    tell("ns", late / times);
}

/* ---- the end of a slice ----------------------------------------------------------------------------- */

static struct {
    uintptr_t who;
    unsigned times, switches;
    ns_t when, gaps;
} last;

/* The last reading of the clock by one to the first by the other, among two that never call the scheduler. */
static void reads_clock(void *arg) {
    uintptr_t me = (uintptr_t)arg;
    double x = 1.5;
    while (last.times < 64) {
        use_fp(&x);
        ns_t now = go_now();
        if (last.who != me) {
            last.who = me;
            ns_t gap = now - last.when;
            if (gap > 0 && gap < US(25)) { /* else it was stopped between reading and storing */
                last.gaps += gap;
                last.times++;
            }
            compute(++last.switches % 8 * 2); /* another phase each time */
        }
        last.when = now;
    }
    wg_done(&over);
}

WORK(preemption, "two Gs that only compute, the switch at a slice's end") {
    with_fp = option("fp", 0) != 0;
    ns_t before = go_set_slice(US(50));
    wg_add(&over, 2);
    start(reads_clock, (void *)1);
    start(reads_clock, (void *)2);
    wg_wait(&over);
    go_set_slice(before);
    tell("ns", last.gaps / last.times);
}

/* ---- beginning and end -------------------------------------------------------------------------------- */

static void ends(void *arg) {
    (void)arg;
    WITH_FP(wg_done(&over));
}

WORK(spawn, "a G is started and ends, one after the other") {
    with_fp = option("fp", 0) != 0;
    ns_t began = go_now();
    for (unsigned i = 0; i < TIMES; i++) {
        wg_add(&over, 1);
        start(ends, NULL);
        wg_wait(&over);
    }
    tell("ns", (go_now() - began) / TIMES);
}
