/* sched/knobs.c - knobs: what each does where the scheduler asks for it, and how one is turned. docs/MODELS.md
 *
 * While nobody steals, machine.searchers has one count more: so nobody who puts work wakes a core that would not find it,
 * and no idle core announces itself. What is for all of them, the global queue, is then told to all.
 * TOUR 7 / read next: sched/knob_words.c */
#include "sched/knobs.h"

#include <bareloom/sync.h>

#include "sched/gmp.h"

_Atomic uint32_t knobs[KNOBS] = {
    [KNOB_TICK] = 1, [KNOB_RUNNEXT] = 1, [KNOB_STEAL] = STEAL_MOST, [KNOB_GCACHE] = 1};

/* ---- reductions ------------------------------------------------------------------------------ */

/* The running G has made one more call of those that count. */
static void spend(struct core *c) NEEDS(irq_masked) {
    if (c->budget != 0) {
        c->budget--;
    }
    if (c->budget == 0) {
        c->slice_over_at = relaxed_load(&c->tick); /* at this interrupt's end it is taken off */
        arm(c, hal_now());
    }
}

void knobs_pick(struct core *c) NEEDS(irq_masked) {
    if (knobs_count(c) && c->budget == 0) {
        gmp_publish_runnext(c); /* it would go on in the slice that is used up */
    }
    c->heir = runnext_of(c);
}

void knobs_enter(struct core *c, const struct g *g) NEEDS(irq_masked) {
    if (g->slice_used != 0) {
        c->budget = g->budget; /* it was displaced */
    } else if (g != c->heir) {
        c->budget = relaxed_load(&knobs[KNOB_REDUCTIONS]);
    } else if (c->budget != 0) {
        c->budget--; /* who waits is a call of those, too */
    }
    c->heir = NULL;
}

/* ---- runnext --------------------------------------------------------------------------------- */

bool knobs_ready(struct core *c, struct g *g) NEEDS(irq_masked) {
    if (knobs_count(c) && !hal_on_core_stack()) {
        spend(c);
    }
    if (relaxed_load(&knobs[KNOB_RUNNEXT]) != 0 || g->pin != ANY_CORE) {
        return false;
    }
    if (c->hal.in_handler) {
        inbox_put(c, g);
    } else {
        gmp_put(c, g, WHY_YIELD);
    }
    return true;
}

/* ---- idle cores ------------------------------------------------------------------------------ */

static bool steals(void) {
    return relaxed_load(&knobs[KNOB_STEAL]) != 0;
}

/* What c would find without, or with, a look at the others. */
static bool own_work(struct core *c) {
    return !inbox_empty(c) || c->pinned.head != NULL || runnext_of(c) != NULL ||
           !runq_is_empty(&c->runq) || (globq_length() != 0 && core_active(c));
}

static bool work(struct core *c) {
    return own_work(c) || (steals() && any_runq(c));
}

/* Looks until there is something. It counts as a searcher: who puts work wakes no other meanwhile. */
static void spin(struct core *c, uint32_t looks) NEEDS(irq_masked) {
    if (!core_active(c) || !search_begin(c)) {
        return;
    }
    uint32_t n = 0;
    for (; n < looks && !work(c) && !hal_irq_pending(); n++) {
        hal_relax();
    }
    count_add(&c->n.spun, n);
}

bool knobs_search(struct core *c) NEEDS(irq_masked) {
    spin(c, relaxed_load(&knobs[KNOB_SPIN]));
    if (own_work(c)) {
        return true;
    }
    if (steals() || !core_active(c)) {
        return false;
    }
    search_end(c, false);
    if (!own_work(c)) {
        sleep_unannounced(c);
    }
    return true;
}

void knobs_call_all(void) NEEDS(irq_masked) {
    if (!steals()) {
        for (unsigned i = 0; i < go_cores(); i++) {
            kick(i);
        }
    }
}

/* ---- turning ----------------------------------------------------------------------------------- */

static struct mutex turning;

static bool usual(void) {
    static const uint32_t all[KNOBS] = {
        [KNOB_TICK] = 1, [KNOB_RUNNEXT] = 1, [KNOB_STEAL] = STEAL_MOST, [KNOB_GCACHE] = 1};
    for (unsigned i = 0; i < KNOBS; i++) {
        if (relaxed_load(&knobs[i]) != all[i]) {
            return false;
        }
    }
    return true;
}

/* Under turning. */
static void turn(enum knob k, uint32_t value) {
    hal_irq_t was = hal_irq_save();
    uint32_t before = atomic_exchange_explicit(&knobs[k], value, memory_order_relaxed);
    if (k == KNOB_STEAL && (before == 0) != (value == 0)) {
        atomic_fetch_add(&machine.searchers, value == 0 ? 1 : UINT32_MAX);
    }
    bool none = usual();
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if (none) {
            atomic_fetch_and(&cores[i].hal.hooks, ~HOOK_KNOBS);
        } else {
            atomic_fetch_or(&cores[i].hal.hooks, HOOK_KNOBS);
        }
        kick(i); /* who sleeps looks again by the new rule; who runs, at its next pick */
    }
    look_everywhere(this_core());
    hal_irq_restore(was);
}

void knobs_turn(enum knob k, uint32_t value) {
    check_may_block("go_option");
    mutex_lock(&turning);
    turn(k, value);
    mutex_unlock(&turning);
}
