/* tests/test_stack.c - stacks: committed as they are touched, guarded below, given back. */
#include <errno.h>

#include "sched/mem.h"
#include "sched/model.h"
#include "sched/sched.h"
#include "sched/stack.h"
#include "tests/test.h"

static struct wg wg;

/* On the host Linux commits the pages of a stack: no fault of ours, and no page that cannot be read. */
#ifdef HAL_HOST
#define NEED_FAULTS() SKIP("on the host Linux commits stacks")
#else
#define NEED_FAULTS() (void)0
#endif

/* What the runtime says of the calling G. */
static bool is_me(const struct go_info *g, void *arg) {
    struct go_info *mine = arg;
    if (g->id == go_id()) {
        *mine = *g;
    }
    return g->id != go_id();
}

static struct go_info myself(void) {
    struct go_info info = {0};
    info_gs(is_me, &info);
    CHECK_EQ(info.id, go_id());
    return info;
}

/* Uses about depth KiB of stack, and checks it on the way back. */
__attribute__((noinline)) static unsigned descend(unsigned depth) {
    unsigned char filler[960];
    for (unsigned i = 0; i < sizeof filler; i += 64) {
        filler[i] = (unsigned char)(depth + i);
    }
    __asm__ volatile("" ::"r"(filler)
                     : "memory"); /* for the compiler anybody may have written to it */
    unsigned sum = depth == 0 ? 0 : descend(depth - 1);
    for (unsigned i = 0; i < sizeof filler; i += 64) {
        if (filler[i] != (unsigned char)(depth + i)) {
            FAIL("a stack lost what was written to it, at depth %u", depth);
        }
    }
    return sum + filler[0];
}

/* Fits a stack of 64 KiB; a sanitizer makes frames several times as large. */
static unsigned deep(void) {
    return test_sanitized ? 16 : 50;
}

static unsigned expected_sum(unsigned depth) {
    unsigned sum = 0;
    for (unsigned i = 0; i <= depth; i++) {
        sum += (unsigned char)i;
    }
    return sum;
}

TEST(unit, stack_is_committed_on_touch) {
    NEED_FAULTS();
    size_t before = myself().stack_used;
    CHECK(before >= HAL_PAGE && before <= 5 * HAL_PAGE);
    CHECK_EQ(descend(30), expected_sum(30));
    size_t after = myself().stack_used;
    CHECK(after >= KB(30) && after <= KB(60));
    CHECK(hal_self()->stack_hi - hal_self()->stack_low == after);
}

/* Nothing is mapped between what is committed and the guard, nor in the guard. */
TEST(unit, stack_below_is_not_mapped) {
    NEED_FAULTS();
    struct g *g = hal_self();
    descend(40);
    CHECK(readable(g->stack_low));
    for (uintptr_t at = g->stack_lo - HAL_PAGE; at < g->stack_low; at += HAL_PAGE) {
        CHECK(!readable(at));
        CHECK(!readable(at + HAL_PAGE - 8));
    }
}

static bool has_a_guard; /* not on Linux behind very many stacks */

/* hal_peek() says what a load would find, on g0 as in a G, masked or not, and commits nothing. */
ONE_CORE static struct g *peeks_on_g0(struct g *g, void *arg) {
    *(bool *)arg =
        !readable(0) && readable(g->stack_lo - HAL_PAGE) != has_a_guard && readable((uintptr_t)g);
    return g;
}

TEST(unit, peek_never_faults) {
    static const uint64_t known = 0x1122334455667788;
    uint64_t word = 0;
    struct g *g = hal_self();
    bool on_g0 = false;
    CHECK(hal_peek((uintptr_t)&known, &word));
    CHECK(word == known);
    CHECK(!hal_peek(8, &word));
    CHECK(!hal_peek(UINTPTR_MAX - 6, &word));
    CHECK(word == known); /* a failed one stores nothing */
    uintptr_t low = g->stack_low;
    has_a_guard = !readable(g->stack_lo - HAL_PAGE);
    hal_irq_mask();
    bool masked = readable(16) || hal_irq_masked() == false;
    hal_park(g, peeks_on_g0, &on_g0);
    hal_irq_unmask();
    CHECK(!masked);
    CHECK(on_g0);
    readable(g->stack_lo);
    CHECK(g->stack_low == low);
}

static struct {
    uintptr_t at;
    _Atomic unsigned seen; /* bit i: core i read there */
} probe;

static void probes(void *arg) {
    uint64_t word;
    if (hal_peek(probe.at, &word)) {
        atomic_fetch_or(&probe.seen, 1u << (uintptr_t)arg);
    }
    wg_done(&wg);
}

static unsigned cores_that_read(uintptr_t at) {
    probe.at = at;
    probe.seen = 0;
    wg_add(&wg, (int)go_num_cores());
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, probes, (void *)(uintptr_t)i);
    }
    wg_wait(&wg);
    return probe.seen;
}

/* Each core has the translation in its TLB, and none has it when hal_unmap() returns (HAZARDS 19). */
TEST(unit, unmapping_is_seen_by_all_cores) {
    NEED_FAULTS();
    unsigned all = (1u << go_num_cores()) - 1;
    char *block = mem_alloc(KB(64));
    CHECK(block != NULL);
    uintptr_t at = (uintptr_t)block + 3 * HAL_PAGE;
    for (int i = 0; i < 20; i++) {
        unsigned before = cores_that_read(at);
        void *page = hal_unmap(at);
        unsigned after = cores_that_read(at);
        hal_map(at, page);
        CHECK_EQ(before, all);
        CHECK_EQ(after, 0u);
    }
    mem_free(block, KB(64));
}

TEST(unit, stack_is_as_large_as_it_says) {
    struct go_info me = myself();
    CHECK_EQ(me.stack_size, KB(64));
    CHECK_EQ(hal_self()->stack_hi - hal_self()->stack_lo, KB(64));
    if (test_sanitized) {
        SKIP("a sanitizer makes frames larger than this test reckons with");
    }
    CHECK_EQ(descend(56), expected_sum(56));
}

TEST(unit, stack_classes) {
    CHECK_EQ(stack_class_for(0), 0);
    CHECK_EQ(stack_class_for(GO_SMALL_STACK), HAL_SMALL_STACKS && !test_sanitized ? STACK_SMALL : 0);
    CHECK_EQ(stack_class_for(GO_SMALL_STACK + 1), 0);
    CHECK_EQ(stack_class_for(KB(64)), 0);
    CHECK_EQ(stack_class_for(KB(64) + 1), 1);
    CHECK_EQ(stack_class_for(KB(256)), 1);
    CHECK_EQ(stack_class_for(MB(8)), STACK_ARENAS - 1);
    CHECK_EQ(stack_class_for(MB(8) + 1), STACK_CLASSES);
}

TEST(unit, stack_has_a_guard) {
    uintptr_t lo = hal_self()->stack_lo;
#ifdef HAL_HOST
    if (readable(lo - 8)) {
        SKIP("Linux has too few mappings for a guard below each of very many stacks");
    }
#endif
    CHECK(!readable(lo - 8));
    CHECK(!readable(lo - HAL_PAGE));
}

static void large(void *arg) {
    unsigned depth = *(unsigned *)arg;
    CHECK_EQ(descend(depth), expected_sum(depth));
    CHECK(myself().stack_size >= depth * KB(1));
    wg_done(&wg);
}

TEST(unit, stack_sizes) {
    static unsigned depth[] = {200, 900, 7500};
    static const size_t size[] = {KB(256), MB(1), MB(8)};
    if (test_sanitized) {
        depth[0] = depth[1] = depth[2] = 100;
    }
    wg_add(&wg, 3);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(go_with(&GO_OPTS(.stack = size[i]), large, &depth[i]), 0);
    }
    wg_wait(&wg);
    CHECK_EQ(go_with(&GO_OPTS(.stack = MB(8) + 1), large, &depth[0]), -EINVAL);
}

static struct {
    _Atomic uint64_t lines, pages; /* a bit for each that a G's first frame lies in, modulo 64 */
    _Atomic unsigned there;
    struct event go_on;
} spread;

static void says_where(void *arg) {
    (void)arg;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    atomic_fetch_or(&spread.lines, UINT64_C(1) << here / 64 % 64);
    atomic_fetch_or(&spread.pages, UINT64_C(1) << here / HAL_PAGE % 64);
    atomic_fetch_add(&spread.there, 1);
    event_wait(&spread.go_on);
    wg_done(&wg);
}

/* HAZARDS 22: the hot ends of many stacks share no few sets of a cache, and of a TLB. */
TEST(unit, stacks_are_spread) {
    spread.lines = spread.pages = 0;
    spread.there = 0;
    spread.go_on = (struct event){0};
    wg_add(&wg, 64);
    for (unsigned i = 0; i < 64; i++) {
        CHECK_EQ(go(says_where, NULL), 0);
    }
    WAIT_FOR(atomic_load(&spread.there) == 64);
    event_set(&spread.go_on);
    wg_wait(&wg);
    CHECK(__builtin_popcountll(spread.lines) >= 12);
    CHECK(__builtin_popcountll(spread.pages) >= 12);
}

static void touches_much(void *arg) {
    (void)arg;
    descend(deep());
    wg_done(&wg);
}

/* A dead G's stack serves the next one: what 20 Gs at a time use does not grow with their number. */
TEST(unit, stack_pages_are_used_again) {
    size_t all, before = 0, after;
    for (unsigned round = 0; round < test_rounds(80); round++) {
        wg_add(&wg, 20);
        for (unsigned i = 0; i < 20; i++) {
            start(touches_much, NULL);
        }
        wg_wait(&wg);
        if (round == 1) {
            settle();
            info_memory(&all, &before);
        }
    }
    settle();
    info_memory(&all, &after);
    /* each core may keep stacks of its own: 20 of 16 pages and a magazine, not more */
    CHECK(after + go_num_cores() * (20 * 16 + MAGAZINE) >= before);
}

static struct g *deep_ones[20];
static _Atomic unsigned deep_n;

static void is_deep(void *arg) {
    deep_ones[atomic_fetch_add(&deep_n, 1)] = hal_self();
    touches_much(arg);
}

/* Of those that have ended as GMP has it; a model's threads keep all of their stacks. */
static bool any_keeps_more(void) {
    bool any = false;
    for (unsigned i = 0; i < deep_n; i++) {
        const struct g *g = deep_ones[i];
        any = any || (g_state(g) == G_DEAD && g->stack_hi - g->stack_low > STACK_KEPT * HAL_PAGE);
    }
    return any;
}

TEST(unit, stack_of_the_dead_is_short) {
    NEED_FAULTS();
    if (model_traps()) {
        SKIP("a thread's whole stack is kept for the next one");
    }
    deep_n = 0;
    wg_add(&wg, 20);
    for (unsigned i = 0; i < 20; i++) {
        start(is_deep, NULL);
    }
    wg_wait(&wg);
    bool any = true; /* one that has just ended gives them back after it counts as dead */
    for (int attempt = 0; attempt < 100 && any; attempt++) {
        settle();
        any = any_keeps_more();
    }
    CHECK(!any);
}

/* Grows its stack a bit on whichever core it happens to be. */
static void grows_everywhere(void *arg) {
    (void)arg;
    for (unsigned depth = 4; depth < deep(); depth += 3) {
        CHECK_EQ(descend(depth), expected_sum(depth));
        go_yield();
    }
    wg_done(&wg);
}

TEST(unit, stack_grows_on_any_core) {
    go_set_slice(US(100));
    unsigned n = 8 * go_num_cores();
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        start(grows_everywhere, NULL);
    }
    wg_wait(&wg);
}

/* A frame as no program of clang's may have (it jumps the guard): here it lies in the middle of the slot. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wframe-larger-than"
#endif
static void receives_into_fresh_page(void *arg) {
    struct chan *c = arg;
    unsigned char filler[6000]; /* so that the buffer below lies on pages never touched */
    unsigned char buffer[8192];
    __asm__ volatile("" ::"r"(filler) : "memory");
    CHECK_EQ(chan_recv(c, buffer), 0);
    for (unsigned i = 0; i < sizeof buffer; i++) {
        CHECK_EQ(buffer[i], (unsigned char)(i * 13));
    }
    wg_done(&wg);
}

/* HAZARDS 14: the sender writes into the parked receiver's stack, where no page may be missing. */
TEST(unit, stack_handed_to_sender_is_there) {
    static unsigned char value[8192];
    struct chan *c = chan_make(sizeof value, 0);
    CHECK(c != NULL);
    for (unsigned i = 0; i < sizeof value; i++) {
        value[i] = (unsigned char)(i * 13);
    }
    wg_add(&wg, 1);
    start(receives_into_fresh_page, c);
    go_sleep(MS(1));
    CHECK_EQ(chan_send(c, value), 0);
    wg_wait(&wg);
    chan_free(c);
}

/* ---- small stacks ---------------------------------------------------------------------------- */

#if HAL_SMALL_STACKS
#define NEED_SMALL()                                                                               \
    if (test_sanitized) {                                                                          \
        SKIP("a sanitizer needs more stack");                                                      \
    }
#else
#define NEED_SMALL() SKIP("on the host small stacks are usual ones")
#endif

#define SMALLS 200u

static struct chan *numbers;
static struct mutex small_mutex;
static struct sema small_sema;
static _Atomic unsigned small_sum, small_margin;

/* How many bytes at the caller's end of the stack still hold what its start left there, beside the canary. */
static unsigned untouched(void) {
    const unsigned char *at = (const unsigned char *)hal_self()->stack_lo + sizeof CANARY;
    unsigned n = 0;
    while (at[n] == 0xa5) {
        n++;
    }
    return n;
}

static void leave_marks(void) {
    unsigned char *at = (unsigned char *)hal_self()->stack_lo + sizeof CANARY;
    while (at < (unsigned char *)__builtin_frame_address(0) - 128) {
        *at++ = 0xa5;
    }
}

static void note_margin(void) {
    unsigned margin = untouched(), least = small_margin;
    while (margin < least && !atomic_compare_exchange_weak(&small_margin, &least, margin)) {
    }
}

/* All that may block, and be preempted in, on 1 KiB. */
static void lives_small(void *arg) {
    leave_marks();
    unsigned n = (unsigned)(uintptr_t)arg;
    if (n % 2 == 0) {
        chan_send(numbers, &n);
        go_sleep(US(10));
    } else {
        unsigned got;
        CHECK_EQ(chan_recv_until(numbers, &got, WITHIN(SEC(100))), 0);
        small_sum += got;
    }
    mutex_lock(&small_mutex);
    go_yield();
    mutex_unlock(&small_mutex);
    for (volatile unsigned i = 0; i < 5000; i++) {
    }
    CHECK_EQ(sema_wait_until(&small_sema, WITHIN(SEC(100))), 0);
    sema_post(&small_sema);
    note_margin();
    wg_done(&wg);
}

static void round_of_smalls(void) {
    wg_add(&wg, (int)SMALLS);
    for (uintptr_t i = 0; i < SMALLS; i++) {
        CHECK_EQ(go_with(&GO_OPTS(.stack = GO_SMALL_STACK, .name = "small"), lives_small, (void *)i), 0);
    }
    wg_wait(&wg);
}

TEST(sched, small_stacks) {
    NEED_SMALL();
    numbers = CHAN(unsigned, 0);
    small_sum = 0;
    small_margin = UINT32_MAX;
    sema_post(&small_sema);
    go_set_slice(US(50));
    for (unsigned i = 0; i < 5; i++) {
        round_of_smalls();
    }
    CHECK_EQ(small_sum, 5 * (SMALLS / 2) * (SMALLS / 2 - 1));
    kprintf("# of a small stack %u bytes were never used\n", small_margin);
    CHECK(small_margin >= 64);
    sema_wait(&small_sema);
    chan_free(numbers);
}

static void waits_small(void *arg) {
    (void)arg;
    sema_wait(&small_sema);
    wg_done(&wg);
}

static void park_and_end(unsigned n) {
    wg_add(&wg, (int)n);
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(go_with(&GO_OPTS(.stack = 1), waits_small, NULL), 0);
    }
    for (unsigned i = 0; i < n; i++) {
        sema_post(&small_sema);
    }
    wg_wait(&wg);
}

/* Four stacks a page, and a second round takes no new ones. */
TEST(sched, small_stacks_are_used_again) {
    needs_m_n(); /* a thread that waits has a frame */
    NEED_SMALL();
    enum { N = 4000 };
    size_t all, before, first, second;
    info_memory(&all, &before);
    park_and_end(N);
    info_memory(&all, &first);
    CHECK((before - first) * HAL_PAGE <= N * 1400 + 64 * HAL_PAGE);
    park_and_end(N);
    info_memory(&all, &second);
    CHECK(first <= second + 8 + go_num_cores() * MAGAZINE);
}

static void needs_nothing(void *args) {
    (void)args;
    wg_done(&wg);
}

TEST(sched, small_stack_takes_few_arguments) {
    NEED_SMALL();
    static char args[GO_SMALL_STACK / 4 + 1];
    const struct go_opts *o = &GO_OPTS(.stack = GO_SMALL_STACK);
    CHECK_EQ(go_copy(o, needs_nothing, args, sizeof args), -EINVAL);
    wg_add(&wg, 1);
    CHECK_EQ(go_copy(o, needs_nothing, args, sizeof args - 1), 0);
    wg_wait(&wg);
}

/* Writes below its stack, into what belongs to the G that was started before. */
__attribute__((noinline)) static void overflow(void) {
    volatile unsigned char much[1100];
    for (unsigned i = 0; i < sizeof much; i++) {
        much[i] = (unsigned char)i;
    }
}

static void overflows_and(void *then) {
    overflow();
    ((void (*)(void))then)();
}

static void spins(void *arg) {
    (void)arg;
    for (volatile unsigned i = 0;; i++) {
    }
}

static void small_overflow(void (*then)(void)) {
    NEED_SMALL();
    expect_status(2);
    expect_text("fatal error: stack overflow: goroutine");
    expect_text("\"tiny\" has used more than its small stack of 1024 bytes");
    wg_add(&wg, 2);
    CHECK_EQ(go_with(&GO_OPTS(.stack = GO_SMALL_STACK), waits_small, NULL), 0);
    settle(); /* or it runs on another core with what overflow() has left it, and dies of that */
    CHECK_EQ(go_with(&GO_OPTS(.stack = GO_SMALL_STACK, .name = "tiny", GO_PIN(0)), overflows_and,
                     (void *)then),
             0);
    start_on(0, spins, NULL); /* or nobody would preempt it */
    wg_wait(&wg);
}

static void sleeps_long(void) {
    go_sleep(SEC(100));
}

static void spins_on(void) {
    spins(NULL);
}

static void just_ends(void) {
}

TEST(death, small_stack_overflow_waits) {
    small_overflow(sleeps_long);
}

TEST(death, small_stack_overflow_preempted) {
    small_overflow(spins_on);
}

TEST(death, small_stack_overflow_ends) {
    small_overflow(just_ends);
}
