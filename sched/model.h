/*
 * sched/model.h - the threading models: what the scheduler asks of them, on its slow ways alone.
 *
 * Under 1-1 and n-1 a policy of the model's rules, so its bit in core->hal.hooks sends everything the slow way, and nothing
 * of the quick ones knows of models. While a model changes each G may be left in the one way and entered in the other:
 * every way in knows every way out.
 * TOUR 7 / read next: sched/model.c
 */
#pragma once

#include "sched/sched.h"

enum model { MODEL_M_N, MODEL_1_1, MODEL_N_1 };

extern _Atomic uint32_t model_now; /* enum model; written by go_set_model() */

/* 1-1: Gs are left and entered through exceptions, and their stacks are there from the beginning. */
static inline bool model_traps(void) {
    return CONFIG_TRACE && HAL_TRAPS && relaxed_load(&model_now) == MODEL_1_1;
}

/* n-1: nobody is preempted, and there is one core. */
static inline bool model_cooperates(void) {
    return CONFIG_TRACE && relaxed_load(&model_now) == MODEL_N_1;
}

/* A G under 1-1: hal_park() through an exception; without one if there is no page for its frame. */
void model_trap(struct g *g, hal_then *then, void *arg) OPENS(irq_masked);

/* A G: hal_park(), by the model's way. */
static inline void model_leave(struct g *g, hal_then *then, void *arg) OPENS(irq_masked) {
    if (model_traps()) {
        model_trap(g, then, arg);
    } else {
        hal_park(g, then, arg);
    }
}

/* A G: hal_leave(), by the model's way. */
_Noreturn void model_leave_for_good(struct g *g, hal_then *then, void *arg) NEEDS(irq_masked);

/* g, which is not on its stack, is entered next on c. */
void model_begins(struct core *c, struct g *g) NEEDS(irq_masked);

struct policy;

/* A G. policy_set(), or -EINVAL: the policy is the model's, which nobody changes meanwhile. */
int model_set_policy(const struct policy *p);

/* ---- preempt.c ------------------------------------------------------------------------------- */

/* One of c's free preemption frames, or NULL. */
struct frame *frame_take(struct core *c) NEEDS(irq_masked);
