/* sched/policy_check.c - no policy loses a G, gives one twice, runs one where it may not, or lets a core idle that it
 * claims to keep busy: who breaks a rule is told with its name and the G, and the machine ends.
 *
 * The check is exact, without a time. turn of a core is odd while a hook runs there. A core that is about to sleep
 * though a count says that it need not reads all turns, asks pick() and steal() once more, and reads the turns
 * again: all even and the same, so nothing moved meanwhile, and the policy did not find what it has. */
#include "sched/policy_seat.h"

struct seat policy_seats[HAL_MAX_CORES];
_Atomic uint32_t policy_common;
_Atomic bool policy_broken;

_Noreturn void policy_breaks(const struct policy *p, const char *rule, const struct g *g) {
    FATAL("policy %s %s: goroutine %lu \"%s\"", p->name, rule, (unsigned long)g->id,
          g->name != NULL ? g->name : "");
}

struct g *policy_taken(const struct policy *p, struct core *c, struct g *g) {
    if (g == NULL) {
        return NULL;
    }
    if (relaxed_load(&g->held) != seat_of(c)->round) {
        policy_breaks(
            p, g_state(g) == G_RUNNING ? "runs one on two cores" : "gives one that does not wait", g);
    }
    if (g->pin != ANY_CORE && !may_run(g, c)) { /* c may have retired since it was chosen */
        policy_breaks(p, "gives one to a core that it may not run on", g);
    }
    relaxed_store(&g->held, 0);
    atomic_fetch_sub(count_for(p, g), 1);
    return g;
}

/* Whether all cores have p, since others' Gs are counted with its own, and none but c is in a hook; turns[] says after
 * how many. */
static bool all_out(const struct policy *p, const struct core *c, uint32_t turns[]) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        turns[i] = atomic_load(&policy_seats[i].turn);
        if (turns[i] % 2 != 0 && i != c->hal.index) {
            return false;
        }
        /* acquire: what it took out of another's is not counted any more */
        if (atomic_load_explicit(&policy_seats[i].now, memory_order_acquire) != p) {
            return false;
        }
    }
    return true;
}

static bool still_out(const struct core *c, const uint32_t turns[]) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if (i != c->hal.index && atomic_load(&policy_seats[i].turn) != turns[i]) {
            return false;
        }
    }
    return true;
}

struct search {
    const struct policy *p;
    const struct core *c;
    const struct g *found;
};

/* Stops at one that c was to find: others wait on other cores, and nothing is wrong with those. */
static bool is_missed(struct g *g, void *arg) {
    struct search *s = arg;
    if (relaxed_load(&g->held) != 0) {
        const _Atomic uint32_t *n = count_for(s->p, g);
        const struct seat *seat = seat_of(s->c);
        s->found = n == &seat->fixed || n == &seat->loose || n == &policy_common ? g : NULL;
    }
    return s->found == NULL;
}

/* c, and nobody else, does something with the policy. Whether another core would be given g. */
static bool others_find(const struct policy *p, const struct g *g) NEEDS(irq_masked) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        for (const struct g *o = p->pick(&cores[i]); o != NULL; o = p->pick(&cores[i])) {
            if (o == g) {
                return true;
            }
        }
    }
    return false;
}

_Noreturn static void not_found(const struct policy *p, struct core *c) NEEDS(irq_masked) {
    struct search s = {.p = p, .c = c};
    g_each(is_missed, &s);
    ASSERT(s.found != NULL);
    bool waits = others_find(p, s.found);
    policy_breaks(p, waits ? "lets a core idle while one waits that it may run" : "has lost one",
                  s.found);
}

struct g *policy_look_again(const struct policy *p, struct core *c) NEEDS(irq_masked) {
    uint32_t turns[HAL_MAX_CORES];
    struct seat *s = seat_of(c);
    struct g *g = NULL;
    begin_turn(s);
    if (all_out(p, c, turns) && waits_for(p, c) && (core_active(c) || atomic_load(&s->loose) == 0)) {
        g = p->pick(c);
        g = g == NULL && p->steal != NULL && core_active(c) ? p->steal(c) : g;
        bool none = g == NULL && waits_for(p, c);
        if (none && still_out(c, turns)) {
            atomic_store(&policy_broken, true);
            if (still_out(c, turns)) { /* and nobody comes in any more */
                not_found(p, c);
            }
            atomic_store(&policy_broken, false);
        }
    }
    g = policy_taken(p, c, g);
    end_turn(s);
    return g;
}
