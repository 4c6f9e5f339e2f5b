/* sync/group.c - groups of Gs that may fail: a wait group, a semaphore for the limit, a context.
 *
 * The group may be gone as soon as the last G of it has said wg_done(): so that comes last. */
#include "sync/group.h"

#include <bareloom.h>
#include <errno.h>
#include <stdatomic.h>

/* On the new G's stack. */
struct task {
    struct group *group;
    group_fn *fn;
    void *arg;
    bool slot; /* it holds one */
};

int group_init(struct group *g, struct ctx *parent) {
    *g = (struct group){.ctx = ctx_make(parent)};
    return g->ctx != NULL ? 0 : -ENOMEM;
}

struct ctx *group_ctx(struct group *g) {
    return g->ctx != NULL ? g->ctx : ctx_background();
}

void group_limit(struct group *g, int n) {
    /* relaxed: setting a limit while others start Gs is misuse, this only tells most of it */
    uint32_t active = atomic_load_explicit(&g->active, memory_order_relaxed);
    if (active != 0) {
        PANIC("errgroup: modify limit while %u goroutines in the group are still active",
              (unsigned)active);
    }
    g->limited = n >= 0;
    g->slots = (struct sema){.count = n > 0 ? (unsigned)n : 0};
}

void group_fail(struct group *g, int error) {
    int none = 0;
    /* relaxed: read behind the wait group, or by who had it from here */
    if (atomic_compare_exchange_strong_explicit(&g->error, &none, error, memory_order_relaxed,
                                                memory_order_relaxed) &&
        g->ctx != NULL) {
        ctx_cancel_cause(g->ctx, error);
    }
}

/* ---- its Gs ---------------------------------------------------------------------------------- */

/* Also when fn is left by go_exit(). */
static void ends(void *arg) {
    struct task *t = arg;
    struct group *g = t->group;
    if (t->slot) {
        atomic_fetch_sub_explicit(&g->active, 1, memory_order_relaxed); /* for group_limit() alone */
        sema_post(&g->slots);
    }
    wg_done(&g->running);
}

static void runs(void *arg) {
    struct task *t = arg;
    struct cleanup c;
    go_defer(&c, ends, t);
    int r = t->fn(t->group, t->arg);
    if (r != 0) {
        group_fail(t->group, r);
    }
    go_undefer(&c, true);
}

/* With a slot, if the group is limited. */
static int begin(struct group *g, group_fn *fn, void *arg) {
    struct task t = {.group = g, .fn = fn, .arg = arg, .slot = g->limited};
    if (fn == NULL) {
        FATAL("go of nil func value");
    }
    atomic_fetch_add_explicit(&g->active, t.slot, memory_order_relaxed); /* as in ends() */
    wg_add(&g->running, 1);
    int r = go_copy(NULL, runs, &t, sizeof t);
    if (r != 0) {
        ends(&t);
    }
    return r;
}

int group_go_until(struct group *g, group_fn *fn, void *arg, struct limit l) {
    int r = g->limited ? sema_wait_until(&g->slots, l) : 0;
    return r != 0 ? r : begin(g, fn, arg);
}

int group_go(struct group *g, group_fn *fn, void *arg) {
    return group_go_until(g, fn, arg, AT(FOREVER));
}

int group_try_go(struct group *g, group_fn *fn, void *arg) {
    int r = g->limited ? sema_try(&g->slots, 1) : 0;
    return r != 0 ? r : begin(g, fn, arg);
}

/* ---- the end --------------------------------------------------------------------------------- */

int group_wait_until(struct group *g, int *error, struct limit l) {
    int r = wg_wait_until(&g->running, l);
    if (r != 0) {
        return r;
    }
    if (g->ctx != NULL) {
        ctx_cancel(g->ctx);
    }
    if (error != NULL) {
        *error = atomic_load_explicit(&g->error, memory_order_relaxed); /* behind the wait group */
    }
    return 0;
}

int group_wait(struct group *g) {
    int error = 0;
    group_wait_until(g, &error, AT(FOREVER));
    return error;
}

void group_free(struct group *g) {
    ctx_free(g->ctx);
    g->ctx = NULL;
}
