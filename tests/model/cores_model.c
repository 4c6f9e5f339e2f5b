/*
 * tests/model/cores_model.c - cores that retire and come back at run time: sched/cores.c on the whole scheduler.
 * sources: sched/sema.c
 * machine: port
 *
 * What a retired core had on its queues is run by others, not later than what they have themselves; what is pinned to it
 * or comes to its inbox by itself; nobody holds back for a searcher that retired; in the end exactly the active cores say
 * that they sleep.
 */
#include <string.h>

#include <bareloom/go.h>
#include <bareloom/sync.h>

#include "sched/runq.h"
#include "tests/model/port.h"

static struct sema sema;

static void sets_one(void *arg) {
    (void)arg;
    MODEL_CHECK(go_set_cores(1) == 0);
}

static void sets_one_and_two(void *arg) {
    sets_one(arg);
    MODEL_CHECK(go_set_cores(2) == 0);
}

static void yields(void *arg) {
    (void)arg;
    go_yield();
}

static void waits(void *arg) {
    (void)arg;
    sema_wait(&sema);
}

static void posts(void *arg) {
    (void)arg;
    sema_post(&sema);
}

static void begin(void) {
    memset(&sema, 0, sizeof sema);
    port_begin(2);
    port_watch_idle();
    port_watch_queue(1);
    model_watch(&machine.active);
    model_watch(&cores[1].runq.overflow_count);
}

static void retires(void) {
    begin();
    port_pinned_g(0, sets_one, NULL);
    port_g(1, yields, NULL);
    port_g(1, yields, NULL);
}

static void retires_and_comes_back(void) {
    begin();
    port_pinned_g(0, sets_one_and_two, NULL);
    port_g(1, yields, NULL);
    port_g(1, yields, NULL);
}

static bool all_yielded(void) {
    return port_ended(1) && port_ended(2) && port_ended(3);
}

static void sets_and_computes(void *arg) {
    sets_one_and_two(arg);
    port_wait(all_yielded);
}

/* Perhaps while core 1 picks: the list behind the ring has its turn only when the ring is empty (runq_get_behind). Core 0
 * computes, and takes nothing from there. */
static void comes_back_as_it_picks(void) {
    begin();
    port_pinned_g(0, sets_and_computes, NULL);
    port_g(1, yields, NULL);
    port_g(1, yields, NULL);
    struct g *behind = port_g(1, yields, NULL);
    struct gqueue all = runq_take_all(&cores[1].runq, &(unsigned){0});
    for (struct g *g = gqueue_pop(&all); g != NULL; g = gqueue_pop(&all)) {
        if (g == behind) {
            runq_put_behind(&cores[1].runq, g);
        } else {
            runq_put(&cores[1].runq, g);
        }
    }
}

/* Core 1 waits for work, perhaps chosen to look for it just as it is retired. */
static void retires_chosen(void) {
    begin();
    port_watch_queue(0);
    port_pinned_g(0, sets_one, NULL);
    port_g(0, yields, NULL);
    port_g(0, yields, NULL);
}

static void pinned_stays(void) {
    begin();
    port_watch_inbox(1);
    port_pinned_g(1, waits, NULL);
    port_pinned_g(0, sets_one, NULL);
    port_pinned_g(0, posts, NULL);
}

/* Core 1 is retired, a device wakes a G there: it goes to the global queue, and core 0 computes. */
static bool woken_ran(void) {
    return port_ended(0);
}

static void computes_on(void *arg) {
    (void)arg;
    port_wait(woken_ran);
}

static void device_posts(void) {
    sema_post(&sema);
}

static void woken_where_retired(void) {
    begin();
    machine.active = 1;
    port_g(0, waits, NULL);
    port_g(0, computes_on, NULL);
    port_device(1, 1, device_posts);
}

static void check_soon(void) {
    port_check_rest();
    MODEL_CHECK(port_clock() < 3 * CONFIG_SLICE_NS);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"a core retires", retires, port_check_rest, 2, 1},
        {"a core retires and comes back", retires_and_comes_back, port_check_rest, 2, 0},
        {"a core comes back as it picks", comes_back_as_it_picks, port_check_rest, 2, 0},
        {"a core retires that is just chosen", retires_chosen, port_check_rest, 2, 0},
        {"what is pinned stays", pinned_stays, port_check_rest, 2, 0},
        {"woken on a core that has retired", woken_where_retired, check_soon, 1, 0},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
