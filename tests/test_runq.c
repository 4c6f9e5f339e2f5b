/* tests/test_runq.c - the run queue of one core, on Gs that never run: order, half, nothing lost. */
#include "sched/runq.h"
#include "tests/test.h"

#define MANY (2 * RING + 100)

static struct g fake[MANY];
static struct runq mine, theirs;

static void renew(void) {
    mine = (struct runq){0};
    theirs = (struct runq){0};
    for (unsigned i = 0; i < MANY; i++) {
        fake[i] = (struct g){.id = i};
    }
}

static void put(struct runq *q, unsigned i) {
    hal_irq_t was = hal_irq_save();
    runq_put(q, &fake[i]);
    hal_irq_restore(was);
}

/* The number of the next one, or -1. */
static int get(struct runq *q) {
    hal_irq_t was = hal_irq_save();
    struct g *g = runq_get(q);
    hal_irq_restore(was);
    return g != NULL ? (int)g->id : -1;
}

static int steal(struct runq *to, struct runq *from, unsigned *taken) {
    hal_irq_t was = hal_irq_save();
    struct g *g = runq_steal(to, from, taken);
    hal_irq_restore(was);
    return g != NULL ? (int)g->id : -1;
}

TEST(unit, TestSchedLocalQueue) {
    renew();
    CHECK_EQ(get(&mine), -1);
    for (unsigned n = 1; n <= RING; n++) {
        for (unsigned i = 0; i < n; i++) {
            CHECK_EQ(runq_length(&mine), i);
            put(&mine, i);
        }
        for (unsigned i = 0; i < n; i++) {
            CHECK_EQ(get(&mine), i);
        }
        CHECK_EQ(get(&mine), -1);
    }
}

TEST(unit, TestSchedLocalQueueSteal) {
    for (unsigned n = 0; n <= RING; n++) {
        renew();
        unsigned char seen[RING] = {0};
        unsigned taken = 0;
        for (unsigned i = 0; i < n; i++) {
            put(&theirs, i);
        }
        int first = steal(&mine, &theirs, &taken);
        CHECK_EQ(taken, n - n / 2 < STEAL_MOST ? n - n / 2 : STEAL_MOST);
        CHECK_EQ(first < 0, n == 0);
        if (first >= 0) {
            seen[first]++;
        }
        CHECK_EQ(runq_length(&mine), n != 0 ? taken - 1 : 0);
        CHECK_EQ(runq_length(&theirs), n - taken);
        for (int i = get(&mine); i >= 0; i = get(&mine)) {
            seen[i]++;
        }
        for (int i = get(&theirs); i >= 0; i = get(&theirs)) {
            seen[i]++;
        }
        for (unsigned i = 0; i < n; i++) {
            CHECK_EQ(seen[i], 1);
        }
    }
}

/* HAZARDS 5: beyond the ring the order stays first in, first out. */
TEST(unit, runq_overflow_is_fifo) {
    renew();
    for (unsigned i = 0; i < MANY; i++) {
        put(&mine, i);
    }
    CHECK_EQ(runq_length(&mine), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        CHECK_EQ(get(&mine), i);
    }
    CHECK_EQ(get(&mine), -1);
}

/* Each round takes the first and puts it last, around every border of the ring. */
TEST(unit, runq_rotates_in_order) {
    static const unsigned sizes[] = {1, 2, RING - 1, RING, RING + 1, RING + RING / 2, MANY};
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        renew();
        for (unsigned i = 0; i < sizes[s]; i++) {
            put(&mine, i);
        }
        for (unsigned turn = 0; turn < 3 * MANY; turn++) {
            CHECK_EQ(get(&mine), turn % sizes[s]);
            put(&mine, turn % sizes[s]);
        }
        CHECK_EQ(runq_length(&mine), sizes[s]);
    }
}

/* Puts and gets at random against a plain array. */
TEST(unit, runq_like_a_list) {
    static unsigned list[MANY], idle[MANY];
    unsigned head = 0, n = 0, spare = MANY;
    uint32_t random = 12345;
    renew();
    for (unsigned i = 0; i < MANY; i++) {
        idle[i] = i;
    }
    for (unsigned turn = 0; turn < 60000; turn++) {
        /* the odds change slowly, so that the queue grows over the ring and shrinks to nothing */
        bool add = test_random(&random) % 8 < ((turn / 10000) % 2 == 0 ? 5u : 3u);
        if (add && spare != 0) {
            unsigned i = idle[--spare];
            list[(head + n++) % MANY] = i;
            put(&mine, i);
        } else if (n != 0) {
            unsigned i = list[head];
            head = (head + 1) % MANY;
            n--;
            idle[spare++] = i;
            CHECK_EQ(get(&mine), i);
        } else {
            CHECK_EQ(get(&mine), -1);
        }
        CHECK_EQ(runq_length(&mine), n);
    }
}

TEST(unit, runq_steals_from_overflow) {
    renew();
    unsigned total = 0, rounds = 0;
    unsigned char seen[MANY] = {0};
    for (unsigned i = 0; i < MANY; i++) {
        put(&theirs, i);
    }
    while (runq_length(&theirs) != 0) {
        unsigned taken;
        int i = steal(&mine, &theirs, &taken);
        CHECK(i >= 0 && taken >= 1 && taken <= STEAL_MOST);
        total += taken;
        for (; i >= 0; i = get(&mine)) {
            CHECK_EQ(seen[i]++, 0);
        }
        CHECK(++rounds < 100);
    }
    CHECK_EQ(total, MANY);
}

/* At most three at once, from ring and list; and none. */
TEST(unit, runq_steals_some) {
    renew();
    unsigned total = 0, taken;
    unsigned char seen[MANY] = {0};
    for (unsigned i = 0; i < MANY; i++) {
        put(&theirs, i);
    }
    hal_irq_t was = hal_irq_save();
    struct g *g = runq_steal_some(&mine, &theirs, 0, &taken);
    hal_irq_restore(was);
    CHECK(g == NULL && taken == 0);
    while (runq_length(&theirs) != 0) {
        was = hal_irq_save();
        g = runq_steal_some(&mine, &theirs, 3, &taken);
        hal_irq_restore(was);
        CHECK(g != NULL && taken >= 1 && taken <= 3);
        CHECK_EQ(runq_length(&mine), taken - 1);
        total += taken;
        for (int i = (int)g->id; i >= 0; i = get(&mine)) {
            CHECK_EQ(seen[i]++, 0);
        }
    }
    CHECK_EQ(total, MANY);
}

TEST(unit, runq_take_all_keeps_order) {
    renew();
    for (unsigned i = 0; i < MANY; i++) {
        put(&mine, i);
    }
    hal_irq_t was = hal_irq_save();
    unsigned n;
    struct gqueue all = runq_take_all(&mine, &n);
    hal_irq_restore(was);
    CHECK_EQ(n, MANY);
    CHECK_EQ(runq_length(&mine), 0);
    for (unsigned i = 0; i < MANY; i++) {
        struct g *g = gqueue_pop(&all);
        CHECK(g != NULL);
        CHECK_EQ(g->id, i);
    }
    CHECK(gqueue_pop(&all) == NULL);
}

TEST(unit, TestStealOrder) {
    uint32_t random = 99;
    for (unsigned n = 1; n <= HAL_MAX_CORES; n++) {
        unsigned firsts = 0;
        for (unsigned turn = 0; turn < 500; turn++) {
            struct steal_order order = steal_order(n, test_random(&random));
            unsigned seen = 0;
            for (unsigned i = steal_next(&order), k = 0; i < n; i = steal_next(&order), k++) {
                CHECK((seen & 1u << i) == 0);
                seen |= 1u << i;
                firsts |= k == 0 ? 1u << i : 0;
            }
            CHECK_EQ(seen, (1u << n) - 1);
            CHECK_EQ(steal_next(&order), n);
        }
        CHECK_EQ(firsts, (1u << n) - 1);
    }
}

/* ---- with thieves on other cores -------------------------------------------------------------------- */

static struct {
    _Atomic bool over;
    _Atomic unsigned seen[MANY];
    _Atomic unsigned lies;
    _Atomic unsigned phase; /* goes on when all that was put is in, and when it is out again */
    struct wg wg;
} many;

static struct runq loot[HAL_MAX_CORES];

static void thief(void *arg) {
    struct runq *own = arg;
    while (!atomic_load(&many.over)) {
        unsigned taken;
        for (int i = steal(own, &theirs, &taken); i >= 0; i = get(own)) {
            atomic_fetch_add(&many.seen[i], 1);
        }
        hal_relax();
    }
    wg_done(&many.wg);
}

/* One puts and gets, all the others steal: each G comes out once for each time that it went in. */
TEST(unit, runq_thieves_lose_nothing) {
    renew();
    many.over = false;
    wg_add(&many.wg, (int)go_num_cores() - 1);
    for (unsigned i = 1; i < go_num_cores(); i++) {
        loot[i] = (struct runq){0};
        start_on(i, thief, &loot[i]);
    }
    uint32_t random = 7;
    for (unsigned round = 0; round < test_rounds(16); round++) {
        for (unsigned i = 0; i < MANY; i++) {
            atomic_store(&many.seen[i], 0);
        }
        for (unsigned i = 0; i < MANY; i++) {
            put(&theirs, i);
            if (test_random(&random) % 4 == 0) {
                int got = get(&theirs);
                if (got >= 0) {
                    atomic_fetch_add(&many.seen[got], 1);
                }
            }
        }
        for (int got = get(&theirs); got >= 0; got = get(&theirs)) {
            atomic_fetch_add(&many.seen[got], 1);
        }
        for (unsigned i = 0; i < MANY; i++) { /* a thief may still hold some */
            WAIT_FOR(atomic_load(&many.seen[i]) != 0);
        }
        for (unsigned i = 0; i < MANY; i++) {
            CHECK_EQ(atomic_load(&many.seen[i]), 1);
        }
    }
    many.over = true;
    wg_wait(&many.wg);
}

static void watcher(void *arg) {
    (void)arg;
    while (!atomic_load(&many.over)) {
        /* Looked at in two steps: what was put between them it may miss. Who put it looks for sleepers after that. */
        unsigned phase = atomic_load(&many.phase);
        bool empty = runq_length(&mine) == 0;
        if (empty && atomic_load(&many.phase) == phase) {
            atomic_fetch_add(&many.lies, 1);
        }
    }
    wg_done(&many.wg);
}

/* A core that is about to sleep must not find a queue empty that holds Gs all the time, whichever way they
 * take inside of it: through the ring, or from the overflow list to the ring. */
TEST(unit, TestSchedLocalQueueEmpty) {
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    renew();
    many.over = false;
    many.lies = 0;
    put(&mine, 0);
    put(&mine, 1);
    wg_add(&many.wg, 1);
    start_on(go_num_cores() - 1, watcher, NULL);
    for (unsigned turn = 0; turn < test_rounds(400); turn++) {
        unsigned others = 2 + turn % 2 * RING; /* never one that is left from the turn before */
        for (unsigned i = others; i < others + RING; i++) {
            put(&mine, i); /* the last two do not fit the ring */
        }
        atomic_fetch_add(&many.phase, 1);
        for (unsigned i = 0; i < RING; i++) {
            CHECK(get(&mine) >= 0);
        }
        for (unsigned i = 0; i < 2; i++) {
            int at = get(&mine);
            CHECK(at >= 0);
            put(&mine, (unsigned)at); /* there is always one more in it */
        }
        atomic_fetch_add(&many.phase, 1);
    }
    many.over = true;
    wg_wait(&many.wg);
    CHECK_EQ(atomic_load(&many.lies), 0);
}
