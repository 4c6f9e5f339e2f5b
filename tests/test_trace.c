/* tests/test_trace.c - the recorder: what is in the ring of a core, in which order, and what is not. */
#include <bareloom/info.h>
#include <bareloom/trace.h>

#include <errno.h>

#include "sched/sched.h"
#include "tests/test.h"

#define KIND(e) ((e).when_kind & 31)
#define WHEN(e) ((e).when_kind >> 10)
#define KEPT    256u

static const char mark[] = "a mark";

/* A life that another G waits for, and that does not end before. */
static struct {
    struct wg wg;
    struct g *waits;
} ended_late;

static void ends_late(void *arg) {
    (void)arg;
    WAIT_FOR(g_status(ended_late.waits) >= G_WAITING);
    wg_done(&ended_late.wg);
}

static void wait_for_one_that_ends_late(void) {
    ended_late.waits = hal_self();
    wg_add(&ended_late.wg, 1);
    start(ends_late, NULL);
    wg_wait(&ended_late.wg);
}

/* Starts with the smallest rings, unless the command line has made others. */
static void begin_trace(void) {
    CHECK_EQ(trace_start(TRACE_EVENTS, KEPT, 0), 0);
}

/* Where core 0 stands. */
static uint64_t here(uint64_t *first) {
    uint64_t end;
    trace_range(0, first, &end);
    return end;
}

static bool is_mark(const struct trace_event *e) {
    return KIND(*e) == EV_MARK && e->value == (uintptr_t)mark;
}

/* The next event of a kind about G a, from *at on; a 0: of any. */
static bool find(uint64_t *at, uint64_t end, enum trace_kind kind, uint64_t a) {
    struct trace_event e;
    for (; *at < end; (*at)++) {
        if (trace_get(0, *at, &e) && KIND(e) == kind && (a == 0 || (e.value & UINT32_MAX) == a)) {
            (*at)++;
            return true;
        }
    }
    return false;
}

TEST(sched, trace_tells_a_life) {
    uint64_t first;
    use_cores(1);
    begin_trace(); /* another record */
    trace_stop();
    ns_t before = go_now();
    begin_trace();
    CHECK(trace_began() >= before && trace_began() <= go_now());
    uint64_t at = here(&first), me = go_id();
    wait_for_one_that_ends_late();
    go_yield();
    uint64_t end = here(&first);
    trace_stop();
    struct trace_event e;
    CHECK(find(&at, end, EV_CREATE, 0));
    CHECK(trace_get(0, at - 1, &e));
    uint64_t g = e.value & UINT32_MAX;
    CHECK_EQ(e.value >> 32, me);
    CHECK(trace_get(0, at, &e));
    CHECK(KIND(e) == EV_FN && e.value == (uintptr_t)ends_late);
    CHECK(find(&at, end, EV_BLOCK, me));
    CHECK(trace_get(0, at - 1, &e));
    CHECK_EQ(e.when_kind >> 5 & 31, (uint64_t)WAIT_WG);
    CHECK(find(&at, end, EV_START, g));
    CHECK(find(&at, end, EV_UNBLOCK, me));
    CHECK(trace_get(0, at - 1, &e));
    CHECK_EQ(e.value >> 32, g);
    CHECK(find(&at, end, EV_END, g));
    CHECK(find(&at, end, EV_START, me));
}

static void yields_until(void *arg) {
    WAIT_FOR(atomic_load((atomic_bool *)arg));
}

/* Who yields waits in the queue when the next one starts. */
TEST(sched, trace_counts_who_yields) {
    static atomic_bool enough;
    uint64_t first, end;
    struct trace_event e;
    unsigned yields = 0;
    bool yielded = false;
    needs_gmp();
    needs_m_n();
    use_cores(1);
    atomic_store(&enough, false);
    start(yields_until, &enough);
    begin_trace();
    for (unsigned i = 0; i < KEPT / 8; i++) {
        go_yield();
    }
    end = here(&first);
    trace_stop();
    for (uint64_t n = first; n < end; n++) {
        if (!trace_get(0, n, &e) || (int64_t)WHEN(e) < trace_began()) {
            continue;
        }
        if (KIND(e) == EV_START && yielded) {
            CHECK(e.value >> 32 >= 1);
            yields++;
        }
        yielded = KIND(e) == EV_STOP && (e.when_kind >> 5 & 31) == WHY_YIELD;
    }
    atomic_store(&enough, true);
    CHECK(yields != 0);
}

TEST(sched, trace_keeps_the_latest) {
    uint64_t first, end;
    struct trace_event e;
    use_cores(1);
    begin_trace();
    go_preempt_off(); /* all on one core, which is this one */
    uint64_t before = here(&first);
    for (unsigned i = 0; i < 100000 && here(&first) < before + 2 * KEPT; i++) {
        trace_mark(mark);
    }
    end = here(&first);
    trace_stop();
    go_preempt_on();
    CHECK(end >= before + 2 * KEPT);
    CHECK(first < end && end - first <= 1u << 17);
    uint64_t last = 0, marks = 0;
    for (uint64_t n = first; n < end; n++) {
        CHECK(trace_get(0, n, &e));
        CHECK(WHEN(e) >= last);
        last = WHEN(e);
        marks += is_mark(&e);
    }
    CHECK(marks > KEPT / 2);
    CHECK(first == 0 || !trace_get(0, first - 1, &e));
    CHECK(!trace_get(0, end, &e));
}

TEST(sched, trace_off_records_nothing) {
    static atomic_bool enough;
    uint64_t first;
    use_cores(1); /* this one, on which no event is under way meanwhile */
    atomic_store(&enough, false);
    start(yields_until, &enough);
    begin_trace();
    for (unsigned i = 0; i < 10; i++) {
        go_yield(); /* by the short way of a yield that is recorded */
    }
    trace_stop();
    uint64_t end = here(&first);
    trace_mark(mark);
    for (unsigned i = 0; i < 10; i++) {
        go_yield();
    }
    CHECK_EQ(here(&first), end);
    atomic_store(&enough, true);
}

TEST(sched, trace_start_refuses) {
    CHECK(trace_start(0, KEPT, 0) < 0);
    CHECK(trace_start(TRACE_SAMPLES, KEPT, 0) < 0);
    CHECK(trace_start(TRACE_EVENTS, KEPT, 100) < 0);
    CHECK(trace_start(TRACE_SAMPLES, KEPT, 1000000) < 0);
}

/* ---- stretches ----------------------------------------------------------------------------------- */

struct told {
    unsigned of_g, idle, wrong; /* stretches of the G; of sleep; that are in the wrong order, or too old */
    uint32_t g;
    ns_t since, last;
};

static void tell(const struct trace_stretch *s, void *arg) {
    struct told *t = arg;
    t->wrong += s->begin < t->last || s->end < s->begin || s->begin < t->since;
    t->last = s->end;
    t->of_g += s->g == t->g;
    t->idle += s->g == 0;
}

static void yields(void *arg) {
    struct told *t = arg;
    t->g = (uint32_t)go_id();
    for (int i = 0; i < 3; i++) {
        go_yield();
    }
}

TEST(sched, trace_stretches_of_a_core) {
    struct told t = {.since = go_now()};
    use_cores(1);
    CHECK_EQ(trace_what() & TRACE_BLOCKS, 0u);
    begin_trace();
    CHECK((trace_what() & TRACE_EVENTS) != 0);
    uint64_t slept = core_counters(0).idle_wakes;
    start(yields, &t);
    do {
        go_sleep(MS(1)); /* may be over when the other one has run, and the core has not slept */
    } while (t.g == 0 || core_counters(0).idle_wakes == slept);
    t.last = t.since = trace_began();
    trace_stretches(0, 0, tell, &t);
    CHECK(t.wrong == 0 && t.of_g >= 1 && t.idle >= 1);
    CHECK(t.last <= go_now());
    trace_stop();
    CHECK_EQ(trace_what(), 0u);

    /* What was recorded before belongs to another record: whether it has ended meanwhile nobody knows. */
    begin_trace();
    struct told later = {.g = t.g, .last = trace_began(), .since = trace_began()};
    trace_stretches(0, 0, tell, &later);
    CHECK(later.wrong == 0 && later.of_g == 0);
    ns_t now = go_now(); /* only what ends after it */
    struct told none = {.last = trace_began(), .since = trace_began()};
    go_yield();
    trace_stretches(0, now + SEC(3600), tell, &none);
    trace_stop();
    CHECK(none.of_g + none.idle <= 1); /* the one that goes on */
}

/* ---- profiles ------------------------------------------------------------------------------------ */

TEST(sched, profile_meets_who_runs) {
    uint64_t first;
    struct trace_event e;
    use_cores(1);
    ns_t slice = go_set_slice(SEC(1)); /* samples come without ticks */
    CHECK_EQ(trace_start(TRACE_SAMPLES, KEPT, 10000), 0);
    uint64_t at = here(&first), me = go_id();
    unsigned samples = 0;
    while (samples < 100) { /* with ticks alone that is a minute and more */
        uint64_t end = here(&first);
        samples += find(&at, end, EV_SAMPLE, me);
    }
    trace_stop();
    go_set_slice(slice);
    uint64_t end = here(&first);
    CHECK(end > at);
    CHECK(trace_get(0, at, &e));
    CHECK(KIND(e) == EV_STACK);
}

static void wakes_often(void *arg) {
    while (!atomic_load((atomic_bool *)arg)) {
        go_sleep_until((go_now() / US(100) + 1) * US(100)); /* when a sample is due, too */
    }
}

/* The tick that takes a sample has done other things first. */
TEST(sched, a_sample_stands_in_order) {
    static atomic_bool enough;
    uint64_t first, last = 0;
    struct trace_event e;
    use_cores(1);
    CHECK_EQ(trace_start(TRACE_EVENTS | TRACE_SAMPLES, KEPT, 10000), 0);
    uint64_t at = here(&first);
    start(wakes_often, &enough);
    for (unsigned samples = 0; samples < 20;) {
        for (uint64_t end = here(&first); at < end; at++) {
            if (trace_get(0, at, &e)) {
                CHECK(WHEN(e) >= last);
                last = WHEN(e);
                samples += KIND(e) == EV_SAMPLE;
            }
        }
    }
    trace_stop();
    atomic_store(&enough, true);
}

static bool my_cpu(const struct go_info *g, void *arg) {
    if (g->id == go_id()) {
        *(ns_t *)arg = g->cpu;
    }
    return true;
}

TEST(sched, cpu_is_counted) {
    ns_t before = 0, after = 0;
    info_count_cpu(true);
    sleep_surely(MS(1)); /* left and entered: from here on it counts */
    info_gs(my_cpu, &before);
    for (ns_t until = go_now() + MS(2); go_now() < until;) {
    }
    info_gs(my_cpu, &after);
    info_count_cpu(false);
    CHECK(after - before >= MS(2)); /* unless it was preempted in between, it counts on */
    info_gs(my_cpu, &before);
    for (ns_t until = go_now() + MS(2); go_now() < until;) {
    }
    info_gs(my_cpu, &after);
    CHECK_EQ(after, before);
}

/* ---- the command line ---------------------------------------------------------------------------- */

TEST(sched, options_are_told_from_words) {
    CHECK_EQ(go_option("tracer"), -ENOENT);
    CHECK_EQ(go_option("--batch"), -ENOENT);
    CHECK_EQ(go_option(""), -ENOENT);
    CHECK_EQ(go_option("schedtrace"), -EINVAL);
    CHECK_EQ(go_option("schedtrace="), -EINVAL);
    CHECK_EQ(go_option("schedtrace=often"), -EINVAL);
    CHECK_EQ(go_option("scheddetail=2"), -EINVAL);
    CHECK_EQ(go_option("profile=99999999999999999999"), -EINVAL);
    CHECK_EQ(go_option("profile=0"), -EINVAL);
    CHECK_EQ(go_option("schedtrace=0"), 0);
    CHECK_EQ(go_option("scheddetail=0"), 0);
}

/* What nobody has asked to be recorded: who slept has been woken by the timer, and both were the last that the core ran. */
TEST(death, flight_recorder_at_a_panic) {
    expect_status(2);
    expect_text("panic: the end");
    expect_text("the last events of each core");
    expect_text(" core 0: interrupt timer ");
    expect_text("whom each core ran, the latest first");
    expect_text("core 0: goroutine ");
    expect_text("\"flight_recorder_at_a_panic\" [running]");
    use_cores(1);
    if (trace_what() != 0) {
        trace_stop(); /* what the command line began, the test is of what is there without it */
    }
    sleep_surely(MS(1));
    PANIC("the end");
}

TEST(death, trace_at_a_panic) {
    expect_status(2);
    expect_text("panic: the end");
    expect_text("the last events of each core");
    expect_text(" waits [sync.WaitGroup.Wait]");
    begin_trace();
    wait_for_one_that_ends_late();
    PANIC("the end");
}

static void loops_until_stolen(void *arg) {
    SPIN_UNTIL(core_counters(1).stolen != *(uint64_t *)arg);
    struct sema never = {0};
    sema_wait(&never); /* or its ticks would come to be the last events */
}

/* More than is kept; then who shares core 0 with a pinned one, that no core may take, is taken by core 1. */
TEST(death, flight_recorder_of_two_cores) {
    expect_status(2);
    expect_text("panic: the end");
    expect_text(" core 0: goroutine ");
    expect_text(" stops [preempted]");
    expect_text(" core 0: rings core 1");
    expect_text(" core 1: interrupt doorbell over ");
    expect_text(" stolen from core 0, of 1");
    expect_no_text(" rings core 31");
    needs_gmp();
    needs_m_n();
    if (go_num_cores() == 1) {
        SKIP("one core");
    }
    use_cores(1);
    CHECK_EQ(go_set_affinity(1), 0);
    if (trace_what() != 0) {
        trace_stop();
    }
    hal_irq_mask();
    for (unsigned i = 0; i < 2 * FLIGHT; i++) {
        trace_flight(this_core(), EV_IPI, i < FLIGHT ? 31 : 30, 0);
    }
    hal_irq_unmask();
    uint64_t preempted = core_counters(0).preempted, stolen = core_counters(1).stolen;
    start(loops_until_stolen, &stolen);
    SPIN_UNTIL(core_counters(0).preempted != preempted);
    go_set_cores(2);
    SPIN_UNTIL(core_counters(1).stolen != stolen);
    hal_irq_mask();                    /* the last of core 0 is that it rings */
    for (unsigned i = 0; i < 2; i++) { /* once core 1 hears the second it has recorded the first */
        uint64_t heard = core_counters(1).ipis_received;
        kick(1);
        SPIN_UNTIL(core_counters(1).ipis_received != heard);
    }
    PANIC("the end");
}

/* Of a record that has just begun there is little to say: what came before it was recorded always. */
TEST(death, flight_recorder_before_a_record) {
    expect_status(2);
    expect_text("panic: the end");
    expect_text(" core 0: interrupt timer ");
    expect_no_text(" waits [sleep]");
    use_cores(1);
    begin_trace();
    sleep_surely(MS(1));
    trace_stop();
    begin_trace(); /* and the sleep is of the one before */
    PANIC("the end");
}

/* Of those that have no line there may be many more than are said. */
TEST(death, trace_at_a_panic_behind_marks) {
    expect_status(2);
    expect_text("panic: the end");
    expect_text(" waits [sync.WaitGroup.Wait]");
    use_cores(1);
    begin_trace();
    wait_for_one_that_ends_late();
    hal_irq_mask();
    for (unsigned i = 0; i < 2 * FLIGHT; i++) {
        trace_mark(mark);
    }
    PANIC("the end");
}

static _Atomic bool goes_on;

static void records_on(void *arg) {
    (void)arg;
    for (;;) {
        if (trace_what() == 0) {
            begin_trace();
        }
        trace_mark(mark);
        atomic_store(&goes_on, true);
    }
}

/* tests/host/trace.sh reads the record: a core may always have an event under way. */
TEST(death, trace_is_written_while_it_grows) {
    expect_status(0);
    expect_text("@end");
    start(records_on, NULL);
    WAIT_FOR(atomic_load(&goes_on));
    trace_write();
    machine_exit(0);
}

/* The next line is not due for an hour when it is told to print more, and more often. */
TEST(death, schedtrace_is_set_anew) {
    expect_status(0);
    expect_text("SCHED ");
    expect_text("  P0: status=");
    use_cores(1); /* where all that is ready runs before settle() returns */
    CHECK_EQ(go_option("schedtrace=3600000"), 0);
    settle();
    CHECK_EQ(go_option("scheddetail=1"), 0);
    CHECK_EQ(go_option("schedtrace=5"), 0);
    settle();
    CHECK_EQ(go_option("schedtrace=0"), 0);
    machine_exit(0);
}

/* What prints a line now and then is no hope for the others: it sleeps for an hour here. */
TEST(death, deadlock_under_schedtrace) {
    expect_status(2);
    expect_text("SCHED ");
    expect_text("fatal error: all goroutines are asleep - deadlock!");
    CHECK_EQ(go_option("schedtrace=3600000"), 0);
    go_sleep(MS(50));
    struct sema never = {0};
    sema_wait(&never);
}
