/* tests/test_wait.c - the list of waiters and the claim that ends a wait once. */
#include "sched/wait.h"
#include "tests/test.h"

static struct g fake[4];
static struct waiter waiters[4];
static struct wait_list list;

static void renew(void) {
    list = (struct wait_list){0};
    for (unsigned i = 0; i < 4; i++) {
        fake[i] = (struct g){.id = i};
        waiters[i] = (struct waiter){.g = &fake[i]};
        wait_enqueue(&list, &waiters[i]);
    }
}

TEST(unit, waiters_are_fifo) {
    renew();
    for (unsigned i = 0; i < 4; i++) {
        struct waiter *w = wait_take(&list);
        CHECK(w == &waiters[i]);
        CHECK(!w->queued);
    }
    CHECK(wait_take(&list) == NULL);
    CHECK(list.head == NULL && list.tail == NULL);
}

TEST(unit, waiters_unlink_anywhere) {
    for (unsigned out = 0; out < 4; out++) {
        renew();
        wait_unlink(&list, &waiters[out]);
        for (unsigned i = 0; i < 4; i++) {
            if (i != out) {
                CHECK(wait_take(&list) == &waiters[i]);
            }
        }
        CHECK(list.head == NULL && list.tail == NULL);
    }
}

TEST(unit, wait_is_claimed_once) {
    renew();
    uint32_t seq = wait_begin(&fake[0]);
    CHECK(wait_claim(&fake[0], seq));
    CHECK(!wait_claim(&fake[0], seq));
}

/* HAZARDS 2: what is left over from an old wait cannot end the next one. */
TEST(unit, wait_old_claim_fails) {
    renew();
    uint32_t old = wait_begin(&fake[0]);
    uint32_t next = wait_begin(&fake[0]);
    CHECK(old != next);
    CHECK(!wait_claim(&fake[0], old));
    CHECK(wait_claim(&fake[0], next));
}

TEST(unit, wait_number_wraps) {
    renew();
    atomic_store(&fake[0].wait, UINT32_MAX - 2);
    for (int i = 0; i < 4; i++) {
        uint32_t seq = wait_begin(&fake[0]);
        CHECK(wait_claim(&fake[0], seq));
        CHECK(!wait_claim(&fake[0], seq));
    }
}

/* A waiter whose deadline has claimed it is passed over. */
TEST(unit, waiter_timed_out_is_skipped) {
    renew();
    for (unsigned i = 0; i < 2; i++) {
        waiters[i].shared = true;
        waiters[i].seq = wait_begin(&fake[i]);
    }
    CHECK(wait_claim(&fake[0], waiters[0].seq)); /* the timer was first */
    CHECK(wait_take(&list) == &waiters[1]);
    CHECK(!wait_claim(&fake[1], waiters[1].seq)); /* now the timer is too late */
}

static struct {
    _Atomic unsigned wins, ready, round;
    uint32_t seq;
    struct wg wg;
} race;

static void claimer(void *arg) {
    unsigned rounds = *(unsigned *)arg;
    for (unsigned i = 1; i <= rounds; i++) {
        atomic_fetch_add(&race.ready, 1);
        WAIT_FOR(atomic_load(&race.round) == i);
        atomic_fetch_add(&race.wins, wait_claim(&fake[0], race.seq));
    }
    wg_done(&race.wg);
}

/* Several cores claim the same wait: one wins. */
TEST(unit, wait_claim_races) {
    unsigned n = go_num_cores(), rounds = test_rounds(200);
    renew();
    atomic_store(&race.wins, 0);
    atomic_store(&race.ready, 0);
    atomic_store(&race.round, 0);
    wg_add(&race.wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start_on(i, claimer, &rounds);
    }
    for (unsigned i = 1; i <= rounds; i++) {
        WAIT_FOR(atomic_load(&race.ready) == i * n);
        CHECK_EQ(atomic_load(&race.wins), i - 1);
        race.seq = wait_begin(&fake[0]);
        atomic_store(&race.round, i);
    }
    wg_wait(&race.wg);
    CHECK_EQ(atomic_load(&race.wins), rounds);
}
