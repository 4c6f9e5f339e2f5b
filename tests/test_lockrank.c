/* tests/test_lockrank.c - the order of spinlocks, in a build with DEBUG=1 (sched/lockrank.c). */
#include "sched/sched.h"
#include "tests/test.h"

#define NEEDS_DEBUG()                                                                              \
    do {                                                                                           \
        if (!LOCK_RANKS) {                                                                         \
            SKIP("locks have ranks with DEBUG=1 alone");                                           \
        }                                                                                          \
    } while (0)

static spinlock_t pages = SPINLOCK(RANK_PAGES), object, other;

TEST(unit, lock_order_kept) {
    NEEDS_DEBUG();
    hal_irq_mask();
    spin_lock_masked(&object);
    CHECK_EQ(spin_try_beside(&other), 0);
    spin_lock_masked(&pages);
    spin_unlock_masked(&object); /* not the last one first */
    spin_unlock_masked(&other);
    spin_unlock_masked(&pages);
    hal_irq_unmask();
}

static void dies(spinlock_t *outer, spinlock_t *inner, const char *last_words) {
    NEEDS_DEBUG();
    expect_status(2);
    expect_text(last_words);
    hal_irq_mask();
    spin_lock_masked(outer);
    spin_lock_masked(inner);
}

TEST(death, lock_order_broken) {
    dies(&pages, &object, "lock order: \"object\" is taken while \"pages\" is held");
}

TEST(death, lock_order_same_rank) {
    dies(&object, &other, "lock order: \"object\" is taken while \"object\" is held");
}

TEST(death, lock_taken_twice) {
    dies(&pages, &pages, "lock order: \"pages\" is taken while \"pages\" is held");
}

TEST(death, lock_opened_twice) {
    NEEDS_DEBUG();
    expect_status(2);
    expect_text("lock order: a core opens a \"pages\" that it does not hold");
    hal_irq_mask();
    spin_lock_masked(&pages);
    spin_unlock_masked(&pages);
    spin_unlock_masked(&pages);
}
