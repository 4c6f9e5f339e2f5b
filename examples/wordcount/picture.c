/* picture.c - what the cores and goroutines do at a moment, and what they did between two. */
#include "picture.h"

static bool take_g(const struct go_info *g, void *arg) {
    struct picture *p = arg;
    if (p->count == MOST_GS) {
        p->more++;
    } else {
        p->gs[p->count++] = *g;
    }
    return true;
}

void picture_take(struct picture *p) {
    p->count = p->more = 0;
    for (unsigned i = 0; i < go_num_cores(); i++) {
        info_core(i, &p->cores[i]);
    }
    p->at = go_now();
    info_gs(take_g, p);
}

static double percent(ns_t part, ns_t whole) {
    double p = whole > 0 ? 100.0 * (double)part / (double)whole : 0;
    return p < 0 ? 0 : p > 100 ? 100 : p;
}

double picture_load(const struct picture *now, const struct picture *then, unsigned i) {
    ns_t passed = now->at - then->at;
    return percent(passed - (now->cores[i].idle - then->cores[i].idle), passed);
}

/* How long it ran since then; all of it if it is new. */
static ns_t ran(const struct go_info *g, const struct picture *then) {
    for (size_t i = 0; i < then->count; i++) {
        if (then->gs[i].id == g->id) {
            return g->cpu - then->gs[i].cpu;
        }
    }
    return g->cpu;
}

size_t picture_busiest(const struct picture *now, const struct picture *then, struct busy *out,
                       size_t n) {
    static ns_t cpu[MOST_GS];
    for (size_t i = 0; i < now->count; i++) {
        cpu[i] = ran(&now->gs[i], then);
    }
    /* Each time the busiest of the rest, since few are wanted. */
    n = n < now->count ? n : now->count;
    for (size_t row = 0; row < n; row++) {
        size_t most = 0;
        for (size_t i = 1; i < now->count; i++) {
            most = cpu[i] > cpu[most] ? i : most;
        }
        out[row] = (struct busy){&now->gs[most], percent(cpu[most], now->at - then->at)};
        cpu[most] = -1;
    }
    return n;
}

const char *picture_state(const struct go_info *g) {
    static const char *const states[] = {"runnable", "running", "waiting", "dead"};
    return *g->reason != '\0' ? g->reason : states[g->state];
}
