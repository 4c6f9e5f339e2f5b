/* sched/model.c - the threading models: 1-1 and n-1 beside m-n, which is all the rest of sched/. docs/MODELS.md
 *
 * 1-1 is the preemption frame used at each switch: who waits, yields or ends takes an exception, whose tail saves all
 * registers into a frame and runs what publishes the G; who goes on comes back by an exception return. n-1 is one core,
 * and a policy whose tick never says that a slice is over.
 * read next: sched/policy/fifo.c */
#include "sched/model.h"

#include <bareloom/model.h>
#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/policy/policy.h"

_Atomic uint32_t model_now;

/* ---- leaving and entering ------------------------------------------------------------------------ */

void model_trap(struct g *g, hal_then *then, void *arg) OPENS(irq_masked) {
    struct frame *frame = HAL_TRAPS ? frame_take(this_core()) : NULL;
    if (frame != NULL) {
        hal_trap(g, frame, then, arg); /* from now on hal.sp is NULL, as of one that was preempted */
    } else {
        count(&this_core()->n.frames_short);
        hal_park(g, then, arg);
    }
}

_Noreturn void model_leave_for_good(struct g *g, hal_then *then, void *arg) NEEDS(irq_masked) {
    if (model_traps()) {
        hal_trap(g, NULL, then, arg);
        __builtin_unreachable();
    }
    hal_leave(g, then, arg);
}

/* One that is new, or waited before the model was chosen, has no frame yet. */
void model_begins(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (model_traps() && g->hal.frame == NULL) {
        void *frame = frame_take(c);
        if (frame != NULL) {
            hal_unpark(g, frame);
            g->hal.frame = frame;
            g->hal.sp = NULL;
        }
    }
}

/* ---- the event loop's policy --------------------------------------------------------------------- */

static struct fifo ready_ones = FIFO;

static bool loop_put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    (void)c;
    (void)why;
    fifo_put(&ready_ones, g);
    return false;
}

static struct g *loop_pick(struct core *c) NEEDS(irq_masked) {
    return fifo_take(&ready_ones, c);
}

static bool loop_tick(struct core *c, struct g *g) NEEDS(irq_masked) {
    (void)c;
    (void)g;
    return false;
}

static const struct policy loop = {.name = "loop",
                                   .does = "one queue, each G until it waits",
                                   .shares = true,
                                   .in_order = true,
                                   .put = loop_put,
                                   .pick = loop_pick,
                                   .tick = loop_tick};

/* ---- choosing one -------------------------------------------------------------------------------- */

static const struct {
    const char *name, *does;
    const struct policy *policy;
    bool possible;
} models[] = {
    [MODEL_M_N] = {"m-n", "Go: many goroutines on all cores, switched by calls", NULL, true},
    [MODEL_1_1] = {"1-1", "JVM, C, Rust: each what a kernel's thread is, switched through exceptions",
                   &policy_fifo, CONFIG_TRACE &&HAL_TRAPS},
    [MODEL_N_1] = {"n-1", "Node: all on one core, each until it waits", &loop, CONFIG_TRACE},
};

#define MODELS (sizeof models / sizeof models[0])

static bool equal(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static struct mutex setting;               /* around policy.c's */
static const struct policy *policy_before; /* m-n's; under setting */
static unsigned cores_before;              /* under setting */

/* A model begins when its policy rules, and has ended when that goes: what its slow ways ask is never without it. */
static int change(enum model to) {
    enum model was = relaxed_load(&model_now);
    if (was == MODEL_M_N) {
        policy_before = policy_wanted();
    }
    relaxed_store(&model_now, MODEL_M_N);
    if (was == MODEL_N_1) {
        go_set_cores(cores_before);
    }
    if (to == MODEL_N_1) {
        cores_before = go_cores();
        go_set_cores(1);
    }
    int r = policy_set(to == MODEL_M_N ? policy_before : models[to].policy);
    relaxed_store(&model_now, to);
    return r;
}

/* Of those that are possible here. */
static unsigned nth(unsigned i) {
    unsigned at = 0;
    for (; at < MODELS && (!models[at].possible || i-- != 0); at++) {
    }
    return at;
}

int go_set_model(const char *name) {
    unsigned i = 0;
    while (i < MODELS && (!models[i].possible || !equal(name, models[i].name))) {
        i++;
    }
    if (i == MODELS) {
        return -EINVAL;
    }
    check_may_block("go_set_model");
    mutex_lock(&setting);
    int r = relaxed_load(&model_now) != i ? change((enum model)i) : 0;
    mutex_unlock(&setting);
    return r;
}

int model_set_policy(const struct policy *p) {
    check_may_block("go_set_policy");
    mutex_lock(&setting);
    int r = relaxed_load(&model_now) == MODEL_M_N ? policy_set(p) : -EINVAL;
    mutex_unlock(&setting);
    return r;
}

const char *go_model(void) {
    return models[relaxed_load(&model_now)].name;
}

const char *go_models(unsigned i, const char **does) {
    unsigned at = nth(i);
    *does = at < MODELS ? models[at].does : "";
    return at < MODELS ? models[at].name : NULL;
}
