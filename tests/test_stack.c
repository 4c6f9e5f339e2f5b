/* tests/test_stack.c - stacks: committed as they are touched, guarded below, given back. */
#include <errno.h>

#include "sched/mem.h"
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

/* hal_peek() says what a load would find, on g0 as in a G, masked or not, and commits nothing. */
ONE_CORE static struct g *peeks_on_g0(struct g *g, void *arg) {
    *(bool *)arg = !readable(0) && !readable(g->stack_lo - HAL_PAGE) && readable((uintptr_t)g);
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
    CHECK_EQ(stack_class_for(1), 0);
    CHECK_EQ(stack_class_for(KB(64)), 0);
    CHECK_EQ(stack_class_for(KB(64) + 1), 1);
    CHECK_EQ(stack_class_for(KB(256)), 1);
    CHECK_EQ(stack_class_for(MB(8)), STACK_CLASSES - 1);
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
