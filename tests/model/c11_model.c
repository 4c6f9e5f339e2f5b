/*
 * tests/model/c11_model.c - the checker itself: textbook cases, each right form with a wrong one that it must see.
 *
 * What it must allow and forbid is what C11 says (herd7 says the same of tests/litmus/c11-*).
 */
#include <stdatomic.h>

#include "tests/model/checker.h"

static _Atomic int x, y;
static int plain, copied;
static int got[4];
static memory_order store_order, load_order;
static bool fences;
static volatile bool masked, came; /* an interrupt at each point: the compiler must not move them */

static void begin(void) {
    x = y = 0;
    plain = copied = 0;
    for (int i = 0; i < 4; i++) {
        got[i] = -1;
    }
    fences = masked = came = false;
    model_watch(&x);
    model_watch(&y);
}

static void nothing(void) {
}

/* ---- message passing ---------------------------------------------------------------------------- */

static void sends(unsigned me) {
    (void)me;
    plain = 1;
    atomic_store_explicit(&x, 1, store_order);
}

static void receives(unsigned me) {
    (void)me;
    if (atomic_load_explicit(&x, load_order) == 1) {
        copied = plain;
        MODEL_CHECK(copied == 1);
    }
}

static void message(memory_order store, memory_order load) {
    begin();
    store_order = store;
    load_order = load;
    model_thread(sends, 0);
    model_thread(receives, 1);
}

static void message_right(void) {
    message(memory_order_release, memory_order_acquire);
}

static void message_relaxed_store(void) {
    message(memory_order_relaxed, memory_order_acquire);
}

static void message_relaxed_load(void) {
    message(memory_order_release, memory_order_relaxed);
}

static void passes_on(unsigned me) {
    (void)me;
    atomic_fetch_add_explicit(&x, 0, memory_order_relaxed); /* goes on with the release sequence */
}

static void message_through_rmw(void) {
    message_right();
    model_thread(passes_on, 2);
}

/* An atomic object whose memory is given away while another may still use it. */
static void stores_and_looks_back(unsigned me) {
    (void)me;
    atomic_store_explicit(&x, 1, memory_order_release);
    got[0] = atomic_load_explicit(&y, memory_order_relaxed);
}

static void frees(unsigned me) {
    (void)me;
    if (atomic_load_explicit(&x, memory_order_acquire) == 1) {
        *(volatile int *)(void *)&y = 7;
    }
}

static void freed_in_use(void) {
    begin();
    model_thread(stores_and_looks_back, 0);
    model_thread(frees, 1);
}

/* ---- store buffering ---------------------------------------------------------------------------- */

static void puts_and_looks(unsigned me) {
    _Atomic int *mine = me == 0 ? &x : &y, *theirs = me == 0 ? &y : &x;
    atomic_store_explicit(mine, 1, memory_order_release);
    if (fences) {
        atomic_thread_fence(memory_order_seq_cst);
    }
    got[me] = atomic_load_explicit(theirs, memory_order_acquire);
}

static void one_sees_the_other(void) {
    MODEL_CHECK(got[0] == 1 || got[1] == 1);
}

static void buffering(void) {
    begin();
    model_thread(puts_and_looks, 0);
    model_thread(puts_and_looks, 1);
}

static void buffering_with_fences(void) {
    buffering();
    fences = true;
}

static void swaps_and_looks(unsigned me) {
    _Atomic int *mine = me == 0 ? &x : &y, *theirs = me == 0 ? &y : &x;
    atomic_exchange(mine, 1); /* seq_cst, and no fence on LL/SC */
    got[me] = atomic_load_explicit(theirs, memory_order_acquire);
}

static void buffering_with_rmws(void) {
    begin();
    model_thread(swaps_and_looks, 0);
    model_thread(swaps_and_looks, 1);
}

/* ---- coherence, and what a relaxed load may not do ---------------------------------------------- */

static void stores_twice(unsigned me) {
    (void)me;
    atomic_store_explicit(&x, 1, memory_order_relaxed);
    atomic_store_explicit(&x, 2, memory_order_relaxed);
}

static void loads_twice(unsigned me) {
    (void)me;
    got[0] = atomic_load_explicit(&x, memory_order_relaxed);
    got[1] = atomic_load_explicit(&x, memory_order_relaxed);
}

static void never_backwards(void) {
    MODEL_CHECK(got[0] <= got[1]);
}

static void not_always_the_newest(void) {
    MODEL_CHECK(!(got[0] == 0 && got[1] == 1));
}

static void coherence(void) {
    begin();
    model_thread(stores_twice, 0);
    model_thread(loads_twice, 1);
}

/* ---- counting ----------------------------------------------------------------------------------- */

static void counts_atomically(unsigned me) {
    (void)me;
    atomic_fetch_add_explicit(&x, 1, memory_order_relaxed);
}

static void counts_by_load_and_store(unsigned me) {
    (void)me;
    atomic_store(&x, atomic_load(&x) + 1);
}

static void counted_all(void) {
    MODEL_CHECK(x == 2);
}

static void counting(void) {
    begin();
    model_thread(counts_atomically, 0);
    model_thread(counts_atomically, 1);
}

static void counting_badly(void) {
    begin();
    model_thread(counts_by_load_and_store, 0);
    model_thread(counts_by_load_and_store, 1);
}

/* ---- an interrupt inline ------------------------------------------------------------------------ */

static void interrupts(void) {
    if (!masked && !came && model_choose(2) == 1) {
        came = masked = true;
        counts_by_load_and_store(0);
        masked = false;
    }
}

static void comes_late(void) {
    if (!came) {
        came = masked = true;
        counts_by_load_and_store(0);
        masked = false;
    }
}

static void counts_open(unsigned me) {
    counts_by_load_and_store(me);
    comes_late();
}

static void counts_masked(unsigned me) {
    masked = true;
    counts_by_load_and_store(me);
    masked = false;
    comes_late();
}

static void interrupted(void) {
    begin();
    model_at_points(interrupts);
    model_thread(counts_open, 0);
}

static void interrupted_masked(void) {
    begin();
    model_at_points(interrupts);
    model_thread(counts_masked, 0);
}

/* ---- waiting for what never comes ---------------------------------------------------------------- */

static void waits_for_x(unsigned me) {
    (void)me;
    while (atomic_load_explicit(&x, memory_order_acquire) == 0) {
        model_relax();
    }
}

static void waiting(void) {
    begin();
    store_order = memory_order_release;
    model_thread(waits_for_x, 0);
    model_thread(sends, 1);
}

static void waiting_in_vain(void) {
    begin();
    model_thread(waits_for_x, 0);
    model_thread(waits_for_x, 1);
}

int main(int argc, char **argv) {
    static const struct scenario scenarios[] = {
        {"message, release and acquire", message_right, nothing, 4, 4},
        {"message, relaxed store", message_relaxed_store, nothing, 4, 4, true},
        {"message, relaxed load", message_relaxed_load, nothing, 4, 4, true},
        {"message, through another's read-modify-write", message_through_rmw, nothing, 4, 4},
        {"freed while in use", freed_in_use, nothing, 4, 4, true},
        {"store buffering", buffering, one_sees_the_other, 4, 4, true},
        {"store buffering, fences", buffering_with_fences, one_sees_the_other, 4, 4},
        {"store buffering, seq_cst exchanges alone", buffering_with_rmws, one_sees_the_other, 4, 4, true},
        {"coherence", coherence, never_backwards, 4, 4},
        {"old values are tried", coherence, not_always_the_newest, 4, 4, true},
        {"counting", counting, counted_all, 4, 4},
        {"counting by load and store", counting_badly, counted_all, 4, 4, true},
        {"counting, interrupted inline", interrupted, counted_all, 0, 0, true},
        {"counting masked, interrupted inline", interrupted_masked, counted_all, 0, 0},
        {"waiting", waiting, nothing, 4, 4},
        {"waiting in vain", waiting_in_vain, nothing, 4, 4, true},
    };
    return model_main(argc, argv, scenarios, sizeof scenarios / sizeof scenarios[0]);
}
