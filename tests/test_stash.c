/* tests/test_stash.c - free objects that cores keep: none is lost, none is given to two, all come back. */
#include "sched/sched.h"
#include "tests/test.h"

#define CLASS (GO_STASH_CLASSES - 1)

struct object {
    void *stash[2];
    _Atomic uint64_t owner;
};

static struct object objects[4096];
static struct wg wg;

static unsigned chain_length(void *first) {
    unsigned n = 0;
    for (; first != NULL; first = *(void **)first) {
        n++;
    }
    return n;
}

static unsigned came_back;

static void counts(void *first) {
    came_back += chain_length(first);
}

static unsigned drain(void) {
    came_back = 0;
    go_stash_drain(counts);
    return came_back;
}

/* From a G that is pinned. */
static void keeps_what_it_says(void *arg) {
    (void)arg;
    drain();
    CHECK(go_stash_take(CLASS) == NULL);
    CHECK(go_stash_give(CLASS, &objects[0]) == NULL);
    CHECK(go_stash_give(CLASS, &objects[1]) == NULL);
    CHECK(go_stash_take(CLASS - 1) == NULL);
    CHECK(go_stash_take(CLASS) == &objects[1]);
    CHECK(go_stash_take(CLASS) == &objects[0]);
    CHECK(go_stash_take(CLASS) == NULL);
    unsigned kept = 0, too_many = 0;
    for (unsigned i = 0; i < 1000; i++) {
        void *chain = go_stash_give(CLASS, &objects[i]);
        unsigned n = chain_length(chain);
        CHECK(n == 0 || n == GO_STASH_BATCH);
        too_many += n;
        kept += 1 - n;
    }
    CHECK(too_many > 0);
    CHECK(kept < (2 + 8) * GO_STASH_BATCH);
    unsigned taken = 0;
    while (go_stash_take(CLASS) != NULL) {
        taken++;
    }
    CHECK_EQ(taken, kept);
    wg_done(&wg);
}

TEST(sched, stash_keeps_what_it_says) {
    wg_add(&wg, 1);
    start_on(0, keeps_what_it_says, NULL);
    wg_wait(&wg);
}

/* ---- cores ----------------------------------------------------------------------------------- */

static void gives_ten(void *first) {
    struct object *o = first;
    for (unsigned i = 0; i < 10; i++) {
        CHECK(go_stash_give(CLASS, o + i) == NULL);
    }
    wg_done(&wg);
}

static void drains_pinned(void *arg) {
    CHECK_EQ(drain(), 10 * go_num_cores());
    CHECK_EQ(go_core(), (uintptr_t)arg);
    CHECK(hal_self()->pin == (uintptr_t)arg);
    wg_done(&wg);
}

static void give_on_each_core(void) {
    drain();
    for (unsigned i = 0; i < go_num_cores(); i++) {
        wg_add(&wg, 1);
        start_on(i, gives_ten, &objects[10 * i]);
    }
    wg_wait(&wg);
}

/* From all cores, those that run nothing else too; and the G is where it was, or anywhere, as before. */
TEST(sched, stash_drains_all_cores) {
    use_cores(1);
    give_on_each_core();
    CHECK_EQ(drain(), 10 * go_num_cores());
    CHECK_EQ(go_core(), 0); /* the others are retired */
    CHECK_EQ(drain(), 0);
    CHECK(hal_self()->pin == ANY_CORE);
    give_on_each_core();
    wg_add(&wg, 1);
    start_on(go_num_cores() - 1, drains_pinned, (void *)(uintptr_t)(go_num_cores() - 1));
    wg_wait(&wg);
}

static _Atomic bool drained;
static struct wg yielders;

static void yields_on(void *arg) {
    (void)arg;
    while (!drained) {
        go_yield();
    }
    wg_done(&yielders);
}

static void yields_and_counts(void *first) {
    unsigned core = go_core();
    for (unsigned i = 0; i < 100; i++) {
        go_yield();
        CHECK_EQ(go_core(), core);
    }
    counts(first);
}

/* Whatever is done with them, between one core's and the next's the G stays there. */
TEST(sched, stash_drain_stays_on_the_core) {
    unsigned others = go_num_cores() / 2; /* so that a core idles, and takes what it can get */
    drained = false;
    wg_add(&yielders, (int)others);
    for (unsigned i = 0; i < others; i++) {
        start(yields_on, NULL);
    }
    for (unsigned i = 0; i < 20; i++) {
        give_on_each_core();
        came_back = 0;
        go_stash_drain(yields_and_counts);
        CHECK_EQ(came_back, 10 * go_num_cores());
    }
    drained = true;
    wg_wait(&yielders);
}

/* What one core gives another takes, by batches. */
static void takes_all(void *arg) {
    unsigned *n = arg;
    while (go_stash_take(CLASS) != NULL) {
        ++*n;
    }
    wg_done(&wg);
}

static void gives_batches(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < 6 * GO_STASH_BATCH; i++) {
        CHECK(go_stash_give(CLASS, &objects[i]) == NULL);
    }
    wg_done(&wg);
}

TEST(sched, stash_goes_from_core_to_core) {
    if (go_num_cores() < 2) {
        SKIP("needs two cores");
    }
    drain();
    unsigned n = 0;
    wg_add(&wg, 1);
    start_on(0, gives_batches, NULL);
    wg_wait(&wg);
    wg_add(&wg, 1);
    start_on(1, takes_all, &n);
    wg_wait(&wg);
    CHECK_EQ(n, 5 * GO_STASH_BATCH);
    CHECK_EQ(drain(), GO_STASH_BATCH);
}

/* ---- no object is in two hands --------------------------------------------------------------- */

static _Atomic unsigned returned;

/* What was too much is kept here until all have ended. */
static void keep(void *chain) {
    returned += chain_length(chain);
}

static unsigned take_some(struct object **own, unsigned n) {
    unsigned got = 0;
    while (got < n && (own[got] = go_stash_take(CLASS)) != NULL) {
        CHECK(atomic_exchange(&own[got]->owner, go_id()) == 0);
        got++;
    }
    return got;
}

static void give_all(struct object **own, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        CHECK(atomic_exchange(&own[i]->owner, 0) == go_id());
        keep(go_stash_give(CLASS, own[i]));
    }
}

/* More at a time than a core keeps, so batches come and go. */
static void takes_and_gives(void *arg) {
    struct object *own[3 * GO_STASH_BATCH];
    uint32_t random = 99 + (uint32_t)(uintptr_t)arg;
    for (unsigned turn = 0; turn < test_rounds(8000); turn++) {
        give_all(own, take_some(own, 1 + test_random(&random) % (3 * GO_STASH_BATCH)));
    }
    wg_done(&wg);
}

/* Gs that are preempted at any instruction and go on on other cores. */
TEST(stress, stash_object_has_one_owner) {
    enum { OBJECTS = 8 * GO_STASH_BATCH };
    drain();
    go_set_slice(US(10));
    returned = 0;
    unsigned gs = 3 * go_num_cores();
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i].owner = 0;
        keep(go_stash_give(CLASS, &objects[i]));
    }
    wg_add(&wg, (int)gs);
    for (uintptr_t i = 0; i < gs; i++) {
        start(takes_and_gives, (void *)i);
    }
    wg_wait(&wg);
    kprintf("preempted %lu stolen %lu returned %u\n", (unsigned long)SUM(preempted),
            (unsigned long)SUM(stolen), returned);
    CHECK_EQ(drain() + returned, OBJECTS);
}
