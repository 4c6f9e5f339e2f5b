/* tests/test_alarm_heap.c - the heap of deadlines against a sorted list. */
#include "sched/alarm.h"
#include "tests/test.h"

#define MANY 500

static struct alarm fake[MANY];
static struct alarm_slot slots[MANY];
static struct alarm_heap heap;
static bool queued[MANY];

static void renew(void) {
    heap = (struct alarm_heap){.slots = slots, .first = INT64_MAX, .capacity = MANY};
    for (unsigned i = 0; i < MANY; i++) {
        fake[i] = (struct alarm){.pos = ALARM_IDLE};
        queued[i] = false;
    }
}

/* Every alarm knows its place, no parent is later than its child, and what is next is known without a look. */
static void check_shape(void) {
    CHECK_EQ(alarms_next(&heap), heap.n != 0 ? heap.slots[0].when : INT64_MAX);
    for (unsigned i = 0; i < heap.n; i++) {
        CHECK_EQ(heap.slots[i].alarm->pos, i);
        CHECK(i == 0 || heap.slots[(i - 1) / 4].when <= heap.slots[i].when);
    }
}

static int64_t earliest(void) {
    int64_t when = INT64_MAX;
    for (unsigned i = 0; i < MANY; i++) {
        if (queued[i] && fake[i].when < when) {
            when = fake[i].when;
        }
    }
    return when;
}

static void push(unsigned i, int64_t when) {
    fake[i].when = when;
    queued[i] = true;
    heap_push(&heap, when, &fake[i]);
}

TEST(unit, heap_sorts) {
    renew();
    uint32_t random = 4711;
    for (unsigned i = 0; i < MANY; i++) {
        push(i, test_random(&random) % 300); /* many are equal */
    }
    check_shape();
    int64_t before = -1;
    for (unsigned i = 0; i < MANY; i++) {
        uint32_t seq;
        struct alarm *a = heap_pop(&heap, &seq);
        CHECK(a->when >= before);
        CHECK_EQ(a->pos, ALARM_IDLE);
        before = a->when;
    }
    CHECK_EQ(heap.n, 0);
}

TEST(unit, heap_random_against_list) {
    renew();
    uint32_t random = 2026;
    unsigned n = 0;
    for (unsigned turn = 0; turn < 4000; turn++) {
        unsigned i = test_random(&random) % MANY;
        if (!queued[i]) {
            push(i, test_random(&random) % 1000);
            n++;
        } else if (test_random(&random) % 2 == 0) {
            heap_remove(&heap, &fake[i]);
            queued[i] = false;
            n--;
        } else {
            int64_t want = earliest();
            uint32_t seq;
            struct alarm *a = heap_pop(&heap, &seq);
            CHECK_EQ(a->when, want);
            queued[a - fake] = false;
            n--;
        }
        CHECK_EQ(heap.n, n);
        if (turn % 64 == 0) {
            check_shape();
        }
    }
    check_shape();
}

/* Taking out each place of a small heap, the last one too. */
TEST(unit, heap_removes_any) {
    for (unsigned at = 0; at < 40; at++) {
        renew();
        for (unsigned i = 0; i < 40; i++) {
            push(i, (i * 17) % 40);
        }
        uint32_t seq;
        struct alarm *a = heap.slots[at].alarm;
        heap_remove(&heap, heap.slots[at].alarm);
        CHECK_EQ(a->pos, ALARM_IDLE);
        check_shape();
        for (int64_t when = 0; when < 40; when++) {
            if (when != a->when) {
                CHECK_EQ(heap_pop(&heap, &seq)->when, when);
            }
        }
        CHECK_EQ(heap.n, 0);
    }
}
