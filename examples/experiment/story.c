/* story.c - the workload of `make saga`: hogs that only compute, brief ones that have little to do and let others go first, and
 * sleepers that want to run at a certain time. All are started by main, the brief ones last. */
#include "work.h"

#include <bareloom/policy.h>

static struct wg over, briefs;
static _Atomic ns_t latest; /* by which a sleeper came late, at most */
static _Atomic size_t least_free;
static ns_t hogs_take;

/* Memory is shortest where all have run. */
static void ends(struct wg *w) {
    size_t pages, free_pages;
    info_memory(&pages, &free_pages);
    if (free_pages < least_free) {
        least_free = free_pages; /* that two meet here does not matter: they read nearly the same */
    }
    wg_done(w);
}

static void hog(void *arg) {
    (void)arg;
    compute((unsigned long)hogs_take);
    ends(&over);
}

static void brief(void *arg) {
    (void)arg;
    for (int i = 0; i < 5; i++) {
        compute(1000);
        go_yield();
    }
    ends(&briefs);
}

static void sleeper(void *arg) {
    if (*(bool *)arg) {
        go_set_priority(GO_PRIORITY + 1);
    }
    for (int i = 0; i < 5; i++) {
        ns_t when = go_now() + US(30);
        go_sleep_until(when);
        ns_t late = go_now() - when;
        if (late > latest) {
            latest = late;
        }
        compute(2000);
    }
    ends(&over);
}

WORK(story, "--hogs=6 of --take=200000, --briefs=12 and --sleepers=2; --slice= in ns, --first=1: "
            "sleepers go first") {
    int hogs = (int)option("hogs", 6), n = (int)option("briefs", 12),
        sleepers = (int)option("sleepers", 2);
    static bool first;
    first = option("first", 0) != 0;
    ns_t slice = option("slice", 0), before = slice != 0 ? go_set_slice(slice) : 0;
    size_t pages, free_before;
    hogs_take = option("take", 200000);
    info_memory(&pages, &free_before);
    least_free = free_before;
    struct sums sums = sums_now();
    ns_t began = go_now();
    wg_add(&over, hogs + sleepers);
    wg_add(&briefs, n);
    for (int i = 0; i < sleepers; i++) {
        start(sleeper, &first);
    }
    for (int i = 0; i < hogs; i++) {
        start(hog, NULL);
    }
    for (int i = 0; i < n; i++) {
        start(brief, NULL);
    }
    wg_wait(&briefs);
    ns_t briefly = go_now() - began;
    wg_wait(&over);
    ns_t took = go_now() - began;
    if (slice != 0) {
        go_set_slice(before);
    }
    tell("ns", took);
    tell("briefs_ns", briefly);
    tell("late", latest);
    tell("bytes_each", (int64_t)(free_before - least_free) * 4096 / (hogs + n + sleepers));
    tell("idle", sums_now().idle - sums.idle);
    tell("switches", (int64_t)(sums_now().switches - sums.switches));
}
