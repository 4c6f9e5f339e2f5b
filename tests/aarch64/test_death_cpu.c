/* tests/aarch64/test_death_cpu.c - faults that need the real machine: what the report says of each. */
#include "hal/board.h"
#include "sched/pages.h"
#include "sched/sched.h"
#include "tests/test.h"

/* Its own name must stand in the backtrace: no inlining, and no copy with another name. */
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noipa))
#endif

static void expect_report(const char *headline, const char *function) {
    expect_status(2);
    expect_text(headline);
    expect_text("syndrome 0x");
    expect_text(go_name());
    expect_text("[running]: \"");
    expect_text(" on core ");
    expect_text(function);
}

static void expect_address(uintptr_t address) {
    kprintf("# expect text address %p\n", (void *)address);
}

/* ---- instructions -------------------------------------------------------------------------------------- */

NOINLINE static void executes_udf(void) {
    __asm__ volatile("udf #42");
}

TEST(death, cpu_undefined_instruction) {
    expect_report("fatal error: ", "executes_udf");
    expect_text("undefined instruction");
    executes_udf();
}

NOINLINE static void executes_brk(void) {
    __asm__ volatile("brk #7");
}

TEST(death, cpu_breakpoint) {
    expect_report("fatal error: ", "executes_brk");
    executes_brk();
}

/* A return, as data. */
static uint32_t code_in_data[] = {0xd65f03c0};

TEST(death, cpu_executes_data) {
    expect_report("fatal error: ", "test_cpu_executes");
    expect_text("instruction abort: permission fault");
    expect_address((uintptr_t)code_in_data);
    ((void (*)(void))(uintptr_t)code_in_data)();
    code_in_data[0] = 0; /* or the call would be a jump, and leave no frame */
}

TEST(death, cpu_executes_its_stack) {
    volatile uint32_t code[4] = {0xd65f03c0};
    expect_report("fatal error: ", "test_cpu_executes");
    expect_text("instruction abort: permission fault");
    ((void (*)(void))(uintptr_t)code)();
    code[1] = 0;
}

/* ---- addresses ------------------------------------------------------------------------------------------- */

NOINLINE static void stores(uintptr_t address) {
    *(volatile uint32_t *)address = 1;
    __asm__ volatile("" ::: "memory");
}

TEST(death, cpu_writes_text) {
    uintptr_t text = (uintptr_t)stores;
    expect_report("fatal error: ", "stores");
    expect_text("data abort: permission fault");
    expect_address(text);
    stores(text);
}

TEST(death, cpu_wild_write) {
    expect_report("fatal error: ", "stores");
    expect_text("data abort: translation fault");
    expect_address(0x5f12345678);
    stores(0x5f12345678);
}

/* Beyond what the tables can map at all. */
TEST(death, cpu_wilder_write) {
    expect_report("fatal error: ", "stores");
    expect_text("data abort");
    expect_address(0x00dead0000000000);
    stores(0x00dead0000000000);
}

NOINLINE static void jumps(uintptr_t to) {
    ((void (*)(void))to)();
    __asm__ volatile("" ::: "memory");
}

TEST(death, cpu_wild_jump) {
    expect_report("fatal error: ", "jumps");
    expect_text("instruction abort: translation fault");
    expect_address(0x5f12345678);
    jumps(0x5f12345678);
}

TEST(death, cpu_unaligned_jump) {
    expect_report("fatal error: ", "jumps");
    expect_text("misaligned program counter");
    jumps((uintptr_t)stores + 2);
}

TEST(death, cpu_unaligned_device_access) {
    expect_report("fatal error: ", "stores");
    expect_text("data abort: alignment fault");
    expect_address(board.console->base + 1);
    stores(board.console->base + 1);
}

/* ---- stacks ------------------------------------------------------------------------------------------------- */

NOINLINE static int goes_deep(unsigned more) {
    volatile char filler[1000];
    filler[0] = 1;
    return (more != 0 ? goes_deep(more - 1) : 0) + filler[0];
}

static void goes_deep_then(void *arg) {
    sema_wait(arg);
    goes_deep(900);
}

/* What no call can return: a stack that grows and finds no page, neither in its core's magazine nor in the reserve. */
TEST(death, cpu_stack_without_memory) {
    static struct sema taken;
    expect_status(2);
    expect_text("fatal error: out of memory: no page for the stack");
    expect_text("data abort: translation fault");
    expect_text("[running]: \"deep\" on core ");
    expect_text("goes_deep+0x");
    CHECK_EQ(go_with(&GO_OPTS(.name = "deep", .stack = MB(1)), goes_deep_then, &taken), 0);
    while (page_alloc() != NULL) {
    }
    sema_post(&taken);
    chan_recv(NULL, NULL);
}

static _Atomic uintptr_t neighbor_sp;

static void waits_for_ever(void *arg) {
    neighbor_sp = (uintptr_t)&arg;
    chan_recv(NULL, NULL);
}

#ifdef __clang__
TEST(death, cpu_big_frame_with_neighbor) {
    SKIP("clang refuses such a frame when it compiles");
}
#else
/* HAZARDS 15: a frame larger than the guard must not step over it into the stack below, which is a G's that
 * waits. */
NOINLINE static int big_frame(int at) {
    volatile char frame[20000];
    frame[at] = 1;
    return frame[at] + 1;
}

NOINLINE static int nearly_full(unsigned left) {
    volatile char filler[1000];
    filler[0] = 1;
    return (left != 0 ? nearly_full(left - 1) : big_frame(1)) + filler[0];
}

TEST(death, cpu_big_frame_with_neighbor) {
    expect_report("fatal error: stack overflow", "big_frame");
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(go_with(&GO_OPTS(.name = "neighbor"), waits_for_ever, NULL), 0);
    }
    go_sleep(MS(1));
    nearly_full(52);
}
#endif

/* HAZARDS 14: only the running owner may touch its slot. */
TEST(death, cpu_touches_another_stack) {
    expect_report("fatal error: access to another goroutine's stack", "stores");
    expect_text("the address belongs to goroutine ");
    expect_text("\"neighbor\"");
    CHECK_EQ(go_with(&GO_OPTS(.name = "neighbor"), waits_for_ever, NULL), 0);
    WAIT_FOR(neighbor_sp != 0);
    stores(neighbor_sp - KB(20));
}

/* A stack pointer that points nowhere, found by the next interrupt. */
TEST(death, cpu_loses_its_stack_pointer) {
    expect_status(2);
    expect_text("outside of its stack");
    expect_text(go_name());
    go_set_slice(US(100));
    __asm__ volatile("mov sp, %0\n1: b 1b" ::"r"((uintptr_t)cores[0].hal.stack_top));
}

/* ---- in the wrong place ----------------------------------------------------------------------------------------- */

/* On g0 there is nobody but the machine to blame. */
static struct g *faults_on_g0(struct g *g, void *arg) {
    (void)arg;
    stores(8);
    return g;
}

TEST(death, cpu_fault_on_g0) {
    expect_status(2);
    expect_text("fatal error: ");
    expect_text("faults_on_g0");
    expect_text("\"g0\"");
    hal_irq_mask();
    hal_park(hal_self(), faults_on_g0, NULL);
}

NOINLINE static unsigned fills_core_stack(unsigned depth) {
    volatile unsigned char filler[200];
    filler[depth % 200] = 1;
    return depth == 1000000 ? 0 : fills_core_stack(depth + 1) + filler[depth % 200];
}

static struct g *overflows_on_g0(struct g *g, void *arg) {
    (void)arg;
    fills_core_stack(0);
    return g;
}

/* The stack that exceptions themselves need is used up. */
TEST(death, cpu_core_stack_overflow) {
    expect_status(2);
    expect_text("overflow of the core stack");
    hal_irq_mask();
    hal_park(hal_self(), overflows_on_g0, NULL);
}
