/* tests/test_park.c - leaving a G: whatever makes it findable for others runs after it is off its stack. */
#include "sched/model.h"
#include "tests/test.h"

static struct {
    struct g *g;
    bool on_core_stack, on_g0, masked, saved_here;
    unsigned times;
} seen;

static bool on_stack_of(const struct g *g, uintptr_t at) {
    return at >= g->stack_lo && at < g->stack_hi;
}

/* What park() calls; it ends the wait itself. */
ONE_CORE static struct g *looks_around(struct g *g, void *arg) {
    uintptr_t saved = (uintptr_t)g->hal.sp;
    seen.g = g;
    seen.on_core_stack = hal_on_core_stack();
    seen.on_g0 = hal_self() == &hal_core()->g0;
    seen.masked = hal_irq_masked();
    seen.saved_here =
        model_traps() ? g->hal.frame != NULL : on_stack_of(g, saved) && saved < (uintptr_t)arg;
    seen.times++;
    ready(g);
    return schedule();
}

__attribute__((noinline)) static void parks_once(void) {
    char here;
    hal_irq_mask();
    park(WAIT_SEMA, looks_around, &here);
    hal_irq_unmask();
}

/* HAZARDS 2: then() runs on g0, masked, when the registers are saved. From two depths: the second time an old
 * stack pointer would be there if it were not saved yet. */
TEST(sched, park_publishes_off_stack) {
    for (unsigned i = 1; i <= 2; i++) {
        hal_self()->hal.sp = NULL;
        parks_once();
        CHECK_EQ(seen.times, i);
        CHECK(seen.g == hal_self());
        CHECK(seen.on_core_stack);
        CHECK(seen.on_g0);
        CHECK(seen.masked);
        CHECK(seen.saved_here);
    }
    seen.times = 0;
}

/* A G comes back from wherever it was: the values that a call keeps are kept. */
TEST(sched, park_keeps_registers) {
    volatile unsigned long seed = 0x1234567;
    unsigned long a = seed * 3, b = seed * 5, c = seed * 7, d = seed * 11, e = seed * 13;
    double x = (double)seed * 0.5, y = (double)seed * 0.25;
    for (int i = 0; i < 100; i++) {
        go_yield();
        go_sleep(1);
        CHECK(a == seed * 3 && b == seed * 5 && c == seed * 7 && d == seed * 11 && e == seed * 13);
        CHECK(x == (double)seed * 0.5 && y == (double)seed * 0.25);
    }
}
