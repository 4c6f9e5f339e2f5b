/*
 * tests/model/runq_model.c - ring, overflow list and stealing: sched/runq.c itself.
 * sources: sched/runq.c
 *
 * Queue 0 is its owner's; queues 1 and 2 are thieves'. Whatever happens at once, each G comes out exactly once, with all
 * that was written to it before it was put; the owner gets what it gets in the order of putting; and who looks at a queue
 * that is never empty never sees it empty.
 */
#include <string.h>

#include "sched/runq.h"
#include "tests/model/checker.h"

#define GS (RING + 8)

struct core cores[HAL_MAX_CORES];
struct machine machine;

static struct runq queues[3];
static struct g gs[GS];
static unsigned made;
static unsigned taken[3]; /* by whom, how many */
static struct g *loot[3][GS];
static bool seen_empty;

void hal_relax(void) {
    model_relax();
}

hal_irq_t hal_irq_save(void) {
    return true;
}

void hal_irq_restore(hal_irq_t was) {
    (void)was;
}

_Noreturn void go_fatal(const char *file, int line, const char *format, ...) {
    (void)file;
    (void)line;
    model_fail(format);
    for (;;) {
    }
}

/* ---- what the threads do -------------------------------------------------------------------------- */

static void put(void) {
    struct g *g = &gs[made++];
    g->since = 1; /* stands for all that its last core has left in it */
    runq_put(&queues[0], g);
}

static void took(unsigned me, struct g *g) {
    if (g != NULL) {
        MODEL_CHECK(g->since == 1);
        loot[me][taken[me]++] = g;
    }
}

static void get(void) {
    took(0, runq_get(&queues[0]));
}

static void steals(unsigned me) {
    unsigned n;
    took(me, runq_steal(&queues[me], &queues[0], &n));
}

static void steals_twice(unsigned me) {
    unsigned n;
    took(me, runq_steal(&queues[me], &queues[0], &n));
    if (queues[me].tail == queues[me].head) { /* a thief's ring is empty */
        took(me, runq_steal(&queues[me], &queues[0], &n));
    }
}

static void steals_from_the_thief(unsigned me) {
    unsigned n;
    took(me, runq_steal(&queues[me], &queues[1], &n));
}

static void puts_three_gets_two(unsigned me) {
    (void)me;
    put();
    put();
    get();
    put();
    get();
}

static void gets_and_puts(unsigned me) {
    (void)me;
    get();
    put();
    get();
    put();
}

static void gets_one(unsigned me) {
    (void)me;
    get();
}

static void puts_one_gets_one(unsigned me) {
    (void)me;
    put();
    get();
}

/* ---- scenarios -------------------------------------------------------------------------------------- */

/* n Gs have gone through the queue, then m are put. */
static void begin(unsigned n, unsigned m) {
    memset(queues, 0, sizeof queues);
    memset(gs, 0, sizeof gs);
    memset(taken, 0, sizeof taken);
    made = 0;
    seen_empty = false;
    queues[0].head = queues[0].tail = n;
    for (unsigned i = 0; i < m; i++) {
        put();
    }
    model_watch(&queues[0].tail);
    model_watch(&queues[0].head);
}

static void check(void) {
    static unsigned times[GS];
    memset(times, 0, sizeof times);
    for (unsigned i = 0; i + 1 < taken[0]; i++) {
        MODEL_CHECK(loot[0][i] < loot[0][i + 1]);
    }
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < taken[i]; k++) {
            times[loot[i][k] - gs]++;
        }
        for (struct g *g = runq_get(&queues[i]); g != NULL; g = runq_get(&queues[i])) {
            times[g - gs]++;
        }
    }
    for (unsigned i = 0; i < made; i++) {
        if (times[i] != 1) {
            model_fail(times[i] == 0 ? "a G is lost" : "a G comes out twice");
        }
    }
    if (seen_empty) {
        model_fail("a queue that always holds something looks empty");
    }
}

static void one_thief(void) {
    begin(0, 0);
    model_watch(&queues[0].ring[0]);
    model_watch(&queues[0].ring[1]);
    model_thread(puts_three_gets_two, 0);
    model_thread(steals, 1);
}

static void two_thieves(void) {
    begin(0, 2);
    model_thread(puts_one_gets_one, 0);
    model_thread(steals, 1);
    model_thread(steals, 2);
}

static void thief_of_a_thief(void) {
    begin(0, 4);
    model_watch(&queues[1].tail);
    model_watch(&queues[1].head);
    model_watch(&queues[1].ring[0]);
    model_thread(gets_one, 0);
    model_thread(steals, 1);
    model_thread(steals_from_the_thief, 2);
}

static void indexes_overflow(void) {
    begin(UINT32_MAX - 1, 1);
    model_thread(puts_three_gets_two, 0);
    model_thread(steals_twice, 1);
}

/* The ring is full, so what the owner puts after a get goes to the slot that a thief may just read. */
static void slots_are_used_again(void) {
    begin(0, RING);
    model_watch(&queues[0].ring[0]);
    model_watch(&queues[0].ring[1]);
    model_thread(gets_and_puts, 0);
    model_thread(steals, 1);
}

static void overflow_list(void) {
    begin(0, RING + 1);
    model_watch(&queues[0].overflow_count);
    model_thread(gets_and_puts, 0);
    model_thread(steals, 1);
}

/* ---- the list behind the ring, by itself ------------------------------------------------------------ */

static void looks(unsigned me) {
    (void)me;
    atomic_thread_fence(memory_order_seq_cst); /* as idle() does before it looks again */
    seen_empty = runq_length(&queues[0]) == 0;
}

/* The ring is empty, n are in the list. */
static void only_behind(unsigned n) {
    begin(0, RING + n);
    for (unsigned i = 0; i < RING; i++) {
        get();
    }
    taken[0] = 0;
    model_watch(&queues[0].overflow_count);
    model_watch(&queues[0].lock);
}

static void check_seen(void) {
    if (seen_empty) {
        model_fail("a queue that always holds something looks empty");
    }
}

static void behind_seen(void) {
    only_behind(3);
    model_thread(gets_one, 0);
    model_thread(looks, 1);
}

/* The yielding one's turn: the first comes out, and a new one is the last. */
static void turns(unsigned me) {
    (void)me;
    struct g *g = &gs[made++];
    g->since = 1;
    took(0, runq_turn_behind(&queues[0], g));
    spin_unlock_masked(&queues[0].lock);
}

static void turn_seen(void) {
    only_behind(1);
    model_thread(turns, 0);
    model_thread(looks, 1);
}

static void last_turn_in_the_ring_seen(void) {
    begin(0, RING + 1);
    for (unsigned i = 0; i < RING - 1; i++) {
        get();
    }
    taken[0] = 0;
    model_watch(&queues[0].overflow_count);
    model_thread(turns, 0);
    model_thread(looks, 1);
}

static void behind_and_thief(void) {
    only_behind(4);
    model_thread(gets_one, 0);
    model_thread(steals, 1);
}

static void check_each_of_four(void) {
    unsigned n = taken[0] + taken[1];
    for (unsigned i = 0; i < 2; i++) {
        while (runq_get(&queues[i]) != NULL) {
            n++;
        }
    }
    MODEL_CHECK(n == 4);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"one thief", one_thief, check, 3, 2},
        {"two thieves", two_thieves, check, 3, 1},
        {"a thief of a thief", thief_of_a_thief, check, 3, 2},
        {"indexes overflow", indexes_overflow, check, 3, 2},
        {"slots are used again", slots_are_used_again, check, 3, 2},
        {"overflow list", overflow_list, check, 3, 2},
        {"from the list, somebody looks", behind_seen, check_seen, 3, 2},
        {"a turn of the list, somebody looks", turn_seen, check_seen, 3, 2},
        {"a turn of both, somebody looks", last_turn_in_the_ring_seen, check_seen, 3, 2},
        {"from the list, somebody steals", behind_and_thief, check_each_of_four, 3, 1},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
