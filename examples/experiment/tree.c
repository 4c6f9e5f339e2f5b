/* tree.c - a tree of Gs: each starts two more and computes, down to a depth. Much to do for queues, little for cores. */
#include "work.h"

static struct {
    struct wg over;
    unsigned long cpu;
} tree;

static void node(void *arg) {
    uintptr_t depth = (uintptr_t)arg;
    if (depth != 0) {
        wg_add(&tree.over, 2);
        start(node, (void *)(depth - 1));
        start(node, (void *)(depth - 1));
    }
    compute(tree.cpu);
    wg_done(&tree.over);
}

WORK(tree, "a tree of Gs of --depth=10, each --cpu=200 instructions") {
    unsigned depth = (unsigned)option_from("depth", 1, 16, 10);
    tree.cpu = (unsigned long)option("cpu", 200);
    for (int warm = 1; warm >= 0; warm--) { /* once for the stacks */
        struct sums before = sums_now();
        ns_t began = go_now();
        wg_add(&tree.over, 1);
        start(node, (void *)(uintptr_t)depth);
        wg_wait(&tree.over);
        ns_t took = go_now() - began;
        struct sums after = sums_now();
        if (!warm) {
            tell("ns", took);
            tell("gs", (int64_t)(2u << depth) - 1);
            tell("lock_wait", after.lock_wait - before.lock_wait);
            tell("idle", after.idle - before.idle);
            tell("stolen", (int64_t)(after.stolen - before.stolen));
        }
    }
}
