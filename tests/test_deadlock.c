/* tests/test_deadlock.c - all asleep and nothing left that could wake anyone: the machine says so. More in
 * tests/host/ends.sh (goroutine 1, constructors) and, of what must not be taken for it, in the model
 * tests/model/asleep_model.c. */
#include "hal/board.h"
#include "tests/test.h"

static struct mutex mutex;
static volatile bool survived; /* written after the last call, which would else be a jump */

static void receives_here(void *arg) {
    chan_recv(arg, NULL);
    survived = true;
}

static void expect_deadlock(void) {
    expect_status(2);
    expect_text("fatal error: all goroutines are asleep - deadlock!");
    expect_text("[semacquire]: \"main\"");
    expect_text(go_name());
    expect_no_text("[running");
}

TEST(death, deadlock_of_all) {
    static struct chan *c;
    expect_deadlock();
    expect_text("[chan receive]: \"waiter\"");
    c = CHAN(int, 0);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(go_with(&GO_OPTS(.name = "waiter"), receives_here, c), 0);
    }
    receives_here(c);
}

static void locks(void *arg) {
    mutex_lock(arg);
}

TEST(death, TestLockedDeadlock) {
    expect_deadlock();
    expect_text("[sync.Mutex.Lock, locked to core 0]:");
    mutex_lock(&mutex);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, locks, &mutex);
    }
    receives_here(NULL);
}

/* Cores that were retired sleep elsewhere, and count. */
TEST(death, deadlock_on_one_core) {
    expect_deadlock();
    use_cores(1);
    receives_here(NULL);
}

/* A sleeper is hope; once it has ended there is none. */
static void sleeps_a_little(void *arg) {
    (void)arg;
    go_sleep(MS(20));
    kprintf("awake and gone\n");
}

TEST(death, deadlock_after_the_last_timer) {
    expect_text("awake and gone");
    expect_deadlock();
    start_on(go_num_cores() - 1, sleeps_a_little, NULL);
    receives_here(NULL);
}

static void handles(void *arg) {
    (void)arg;
}

/* A line that a handler is attached to is hope too, until it is detached. */
TEST(death, deadlock_after_detach) {
    expect_text("detached");
    expect_deadlock();
    irq_detach(board.console->line); /* the console's own, where it is on */
    CHECK_EQ(irq_attach(board.console->line, handles, NULL), 0);
    CHECK_EQ(irq_detach(board.console->line), 0);
    kprintf("detached\n");
    receives_here(NULL);
}

TEST(death, deadlock_with_a_line_that_wakes_nobody) {
    expect_deadlock();
    irq_detach(board.console->line);
    CHECK_EQ(irq_attach(board.console->line, handles, NULL), 0);
    irq_listen(board.console->line, true);
    irq_listen(board.console->line, false);
    irq_listen(board.console->line, false);
    receives_here(NULL);
}
