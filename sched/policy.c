/* sched/policy.c - whatever is the same for all policies but GMP: who waits where, who is woken, and the check.
 *
 * A policy only keeps Gs. Each hook is called here, on the core that it is about, masked, and what it does
 * with Gs is counted: a G is held from before put() until pick() or steal() has given it. The counts are what an
 * idle core, the check for deadlock and the doorbell's handler look at, so none of them knows a policy's queues:
 *
 *      fixed   of a core: Gs that only this core will find
 *      loose   of a core: the same, but they are not pinned, and go elsewhere if it retires
 *      common  Gs that any active core finds, if the policy claims so
 *
 * No wake-up is lost as in idle.c: the count, fence, idle_mask here; idle_mask, fence, the counts there. Whoever puts a
 * G kicks one core that idles and would find it, and whoever finds one and sees more kicks the next.
 *
 * Each core changes from one policy to the other by itself, where it would use the new one: it takes out all that it
 * can see of the old one's. The last to change so finds what others have put into a common queue after they were
 * looked at. docs/POLICY.md
 * TOUR 7 / read next: sched/policy/fifo.c */
#include "sched/policy/policy.h"

#include <bareloom/sync.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/gmp.h"
#include "sched/policy_seat.h"
#include "sched/sim.h"

/* The brake that is never off: no G is displaced but by policy_interrupts(). */
#define BRAKE_ON  (INT64_MAX / 2)
#define BRAKE_OFF (INT64_MIN / 2)

static _Atomic(const struct policy *) wanted; /* written under setting, release */
static _Atomic uint8_t round_wanted;          /* before it */

const struct policy *policy_wanted(void) {
    return atomic_load_explicit(&wanted, memory_order_acquire);
}

/* ---- who may run where, who waits where ------------------------------------------------------- */

bool belongs(const struct g *g, const struct core *c) {
    return g->pin == ANY_CORE ? core_active(c) : g->pin == c->hal.index;
}

bool may_run(const struct g *g, const struct core *c) {
    return seat_of(c)->draining || belongs(g, c);
}

bool policy_waits(const struct core *c) {
    const struct policy *p = relaxed_load(&seat_of(c)->now);
    return p != NULL && waits_for(p, c);
}

unsigned policy_queued(const struct core *c) {
    /* relaxed: for reports */
    return relaxed_load(&seat_of(c)->fixed) + relaxed_load(&seat_of(c)->loose);
}

bool policy_holds(void) {
    if (relaxed_load(&round_wanted) == 0) {
        return false; /* none was ever chosen */
    }
    uint32_t n = atomic_load(&policy_common);
    for (unsigned i = 0; i < hal_core_count(); i++) {
        n |= atomic_load(&policy_seats[i].fixed) | atomic_load(&policy_seats[i].loose);
    }
    return n != 0;
}

/* What c looks at before it sleeps. */
static bool work(const struct core *c) {
    return !inbox_empty(c) || policy_waits(c) || relaxed_load(&seat_of(c)->now) != policy_wanted();
}

/* ---- hooks ------------------------------------------------------------------------------------ */

/* One that idles and would find something is woken. */
static void call_another(const struct policy *p) NEEDS(irq_masked) {
    atomic_thread_fence(memory_order_seq_cst); /* as in wake_needed() */
    uint32_t idle = relaxed_load(&machine.idle_mask);
    for (unsigned i = 0; idle >> i != 0; i++) {
        if ((idle >> i & 1) != 0 && waits_for(p, &cores[i])) {
            kick(i);
            return;
        }
    }
}

/* What another policy, or a G before it, has left in its words is nothing to p. */
static void own_words(const struct policy *p, struct g *g) {
    if (relaxed_load(&g->words) != p) { /* its owner's own */
        g->policy[0] = g->policy[1] = 0;
        atomic_store_explicit(&g->words, p, memory_order_release); /* pairs with prio.c's */
    }
}

/* True: g is before the one that runs here. */
static bool put_here(const struct policy *p, struct core *c, struct g *g, enum why why)
    NEEDS(irq_masked) {
    struct seat *s = seat_of(c);
    ASSERT(relaxed_load(&g->held) == 0 && (g->pin == ANY_CORE || g->pin == c->hal.index));
    own_words(p, g);
    begin_turn(s);
    relaxed_store(&g->held, s->round);
    g->home = (uint8_t)c->hal.index;
    atomic_fetch_add(count_for(p, g), 1);
    s->has_put |= g->pin == ANY_CORE;
    bool before = p->put(c, g, why); /* g may run elsewhere from now on, and end */
    end_turn(s);
    if (p->shares) {
        call_another(p); /* also if it is before the running one: that may be put back in the same way, or nobody run */
    }
    return before;
}

static unsigned place(const struct policy *p, struct core *c, struct g *g, enum why why)
    NEEDS(irq_masked) {
    if (g->pin != ANY_CORE) {
        return pinned_to(g);
    }
    own_words(p, g);
    unsigned to = p->place != NULL ? p->place(c, g, why) : c->hal.index;
    if (to >= hal_core_count()) {
        policy_breaks(p, "places one on a core that is not there", g);
    }
    return core_active(&cores[to]) ? to : 0;
}

/* True: g, which is on c now, is before the one that runs here. */
static bool send(const struct policy *p, struct core *c, struct g *g, enum why why, unsigned to)
    NEEDS(irq_masked) {
    if (to == c->hal.index && !c->hal.in_handler) {
        return put_here(p, c, g, why);
    }
    g->why = (uint8_t)why;
    g->slice_used = 0; /* there its slice is whole */
    inbox_put(&cores[to], g);
    return false;
}

static struct g *take(const struct policy *p, struct core *c, struct g *(*hook)(struct core *c))
    NEEDS(irq_masked) {
    struct seat *s = seat_of(c);
    begin_turn(s);
    struct g *g = policy_taken(p, c, hook(c));
    end_turn(s);
    return g;
}

static bool drain_inbox(const struct policy *p, struct core *c) NEEDS(irq_masked) {
    struct gqueue q = inbox_take(c);
    bool before = false;
    for (struct g *g = gqueue_pop(&q); g != NULL; g = gqueue_pop(&q)) {
        enum why why = (enum why)g->why;
        if (may_run(g, c)) {
            before |= put_here(p, c, g, why);
        } else {
            send(p, c, g, why, place(p, c, g, why)); /* this core has retired */
        }
    }
    return before;
}

/* All that p would give c, now or ever. */
static struct gqueue take_all(const struct policy *p, struct core *c) NEEDS(irq_masked) {
    struct gqueue all = {0};
    seat_of(c)->draining = true;
    seat_of(c)->has_put = false;
    for (struct g *g = take(p, c, p->pick); g != NULL; g = take(p, c, p->pick)) {
        gqueue_push(&all, g);
    }
    seat_of(c)->draining = false;
    return all;
}

static void put_all(const struct policy *p, struct core *c, struct gqueue *all) NEEDS(irq_masked) {
    for (struct g *g = gqueue_pop(all); g != NULL; g = gqueue_pop(all)) {
        send(p, c, g, WHY_YIELD, may_run(g, c) ? c->hal.index : place(p, c, g, WHY_YIELD));
    }
}

/* ---- from one policy to the next --------------------------------------------------------------- */

static struct gqueue gmp_take_all(struct core *c) NEEDS(irq_masked) {
    struct gqueue all = {0};
    struct g *g = gmp_take_runnext(c);
    if (g != NULL) {
        gqueue_push(&all, g);
    }
    gqueue_append(&all, &c->pinned);
    do {
        unsigned n;
        struct gqueue some = runq_take_all(&c->runq, &n);
        gqueue_append(&all, &some);
        if ((g = globq_get(&c->runq)) != NULL) {
            gqueue_push(&all, g);
        }
    } while (g != NULL);
    return all;
}

static void gmp_put_all(struct core *c, struct gqueue *all) NEEDS(irq_masked) {
    for (struct g *g = gqueue_pop(all); g != NULL; g = gqueue_pop(all)) {
        g->slice_used = 0; /* nobody on the ring was displaced: see pick_first() */
        if (g->pin != ANY_CORE && g->pin != c->hal.index) {
            inbox_put(&cores[g->pin], g);
        } else {
            gmp_put(c, g, WHY_YIELD);
        }
    }
}

static const struct policy *change(struct core *c, const struct policy *to) NEEDS(irq_masked) {
    struct seat *s = seat_of(c);
    const struct policy *was = relaxed_load(&s->now);
    struct gqueue all = was != NULL ? take_all(was, c) : gmp_take_all(c);
    s->round = relaxed_load(&round_wanted);                   /* behind the acquire of wanted */
    atomic_store_explicit(&s->now, to, memory_order_release); /* pairs with has_changed() */
    c->last_displaced = to != NULL ? BRAKE_ON : BRAKE_OFF;
    look_closer(c);
    if (to != NULL) {
        put_all(to, c, &all);
    } else {
        relaxed_store(&s->runs, NULL);
        atomic_fetch_and_explicit(&c->hal.hooks, ~HOOK_POLICY, memory_order_relaxed);
        gmp_put_all(c, &all);
    }
    return to;
}

/* Own core, masked, not in a handler: the policy that rules here from now on. */
static const struct policy *ruling(struct core *c) NEEDS(irq_masked) {
    const struct policy *to = policy_wanted();
    return to == relaxed_load(&seat_of(c)->now) ? to : change(c, to);
}

/* ---- what the scheduler asks -------------------------------------------------------------------- */

/* The G that runs on c goes, as soon as interrupts are open. */
static void displace(struct core *c) NEEDS(irq_masked) {
    seat_of(c)->displaced_at = c->slice_over_at = relaxed_load(&c->tick);
}

bool policy_ready(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    const struct policy *p = c->hal.in_handler ? relaxed_load(&seat_of(c)->now) : ruling(c);
    if (p == NULL) {
        return false;
    }
    if (why == WHY_NEW) {
        relaxed_store(&g->words, NULL);
    } else if (p->mutexes != NULL) {
        p->mutexes->is_woken(c, g);
    }
    if (send(p, c, g, why, place(p, c, g, why)) && !hal_on_core_stack()) {
        displace(c);
        arm(c, hal_now());
    }
    return true;
}

void policy_call(unsigned core) NEEDS(irq_masked) {
    atomic_store(&policy_seats[core].called, true); /* before the kick */
    kick(core);
}

void policy_called(struct core *c) NEEDS(irq_masked) {
    if (atomic_exchange(&seat_of(c)->called, false) && hal_self() != &c->g0) {
        displace(c);
    }
}

/* What rules on c and wants to know of mutexes; or NULL. */
static const struct policy_mutexes *mutexes_of(const struct core *c) {
    const struct policy *p = relaxed_load(&seat_of(c)->now);
    return p != NULL ? p->mutexes : NULL;
}

void policy_waits_for_mutex(struct core *c, struct g *g) NEEDS(irq_masked) {
    const struct policy_mutexes *m = mutexes_of(c);
    if (m != NULL) {
        own_words(relaxed_load(&seat_of(c)->now), g); /* it may have run since before */
        m->begins_to_wait(c, g);
    }
}

void policy_goes_on(struct core *c) NEEDS(irq_masked) {
    const struct policy_mutexes *m = mutexes_of(c);
    if (m != NULL) {
        m->goes_on(c);
    }
}

bool policy_put(struct core *c, struct g *g, enum why why) NEEDS(irq_masked) {
    const struct policy *p = ruling(c);
    if (p != NULL) {
        bool stays = may_run(g, c) && (g->affinity == 0 || why != WHY_SLICE);
        send(p, c, g, why, stays ? c->hal.index : place(p, c, g, why));
    }
    return p != NULL;
}

static struct g *found(const struct policy *p, struct core *c, struct g *g) NEEDS(irq_masked) {
    if (g == NULL) {
        return NULL;
    }
    bool idled = relaxed_load(&seat_of(c)->runs) == NULL;
    relaxed_store(&seat_of(c)->runs, g);
    slice_begin(c);
    if (idled) {
        call_another(p); /* who kicked us may have put more than one */
    }
    return g;
}

struct g *policy_pick(struct core *c) NEEDS(irq_masked) {
    const struct policy *p = ruling(c);
    look_closer(c);
    if (p == NULL) {
        return gmp_pick(c);
    }
    refill(c);
    atomic_store(&seat_of(c)->called, false); /* who calls from now on means the next one */
    drain_inbox(p, c);
    if (!core_active(c) && seat_of(c)->has_put) { /* if others share, only who idles would find it here */
        struct gqueue all = take_all(p, c);
        put_all(p, c, &all);
    }
    return found(p, c, take(p, c, p->pick));
}

struct g *policy_search(struct core *c) NEEDS(irq_masked) {
    const struct policy *p = ruling(c);
    if (p == NULL) {
        return NULL;
    }
    struct g *g = p->steal != NULL && core_active(c) ? take(p, c, p->steal) : NULL;
    if (g != NULL) {
        count(&c->n.stolen);
        trace_core_always(c, EV_STEAL, g->home, trace_pair(g->id, 1));
    } else if (waits_for(p, c)) {
        g = policy_look_again(p, c);
    }
    relaxed_store(&seat_of(c)->runs, NULL);
    if (g == NULL) {
        idle_unless(c, work);
    }
    return found(p, c, g);
}

bool policy_tick(struct core *c) NEEDS(irq_masked) {
    const struct policy *p = relaxed_load(&seat_of(c)->now);
    if (p != policy_wanted() || p == NULL) {
        return true; /* it goes to the new one */
    }
    if (drain_inbox(p, c)) {
        displace(c);
        return true;
    }
    bool over;
    if (p->tick != NULL) {
        begin_turn(seat_of(c));
        over = p->tick(c, hal_self());
        end_turn(seat_of(c));
    } else {
        over = waits_for(p, c);
    }
    if (!over) {
        slice_begin(c);
    }
    return over;
}

bool policy_interrupts(struct core *c) NEEDS(irq_masked) {
    const struct policy *p = relaxed_load(&seat_of(c)->now);
    if (p == NULL || !drain_inbox(p, c)) {
        return false;
    }
    displace(c);
    return true;
}

enum why policy_stopped(struct core *c, struct g *g) NEEDS(irq_masked) {
    bool displaced = seat_of(c)->displaced_at == relaxed_load(&c->tick);
    enum why why = slice_is_over(c) && !displaced ? WHY_SLICE : WHY_DISPLACED;
    if (why == WHY_DISPLACED) {
        g->slice_used = hal_stamp() - c->slice_stamp;
    }
    return why;
}

/* ---- choosing one ------------------------------------------------------------------------------- */

static void tell_mutexes(const struct policy *p, bool now) {
    if (p != NULL && p->mutexes != NULL) {
        hal_irq_t was = hal_irq_save();
        p->mutexes->opens(now);
        hal_irq_restore(was);
    }
}

static struct mutex setting;

static bool has_changed(const struct policy *p) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        /* acquire: what it has taken out is not held any more, for is_left() */
        if (atomic_load_explicit(&policy_seats[i].now, memory_order_acquire) != p ||
            (p == NULL && (relaxed_load(&cores[i].hal.hooks) & HOOK_POLICY) != 0)) {
            return false;
        }
    }
    return true;
}

static void announce(const struct policy *p) {
    hal_irq_t was = hal_irq_save();
    uint8_t n = (uint8_t)(relaxed_load(&round_wanted) + 1);
    relaxed_store(&round_wanted, n != 0 ? n : 1);
    for (unsigned i = 0; p != NULL && i < hal_core_count(); i++) {
        atomic_fetch_or(&cores[i].hal.hooks, HOOK_POLICY); /* before: who goes back to GMP clears its own */
    }
    atomic_store_explicit(&wanted, p, memory_order_release); /* pairs with policy_wanted() */
    for (unsigned i = 0; i < hal_core_count(); i++) {
        kick(i);
    }
    look_everywhere(this_core());
    hal_irq_restore(was);
}

/* Everybody has left old: it has none any more. */
static bool is_left(struct g *g, void *arg) {
    const struct policy *old = arg;
    uint8_t held = relaxed_load(&g->held); /* once: it may be given away at any moment */
    if (held != 0 && held != relaxed_load(&round_wanted)) {
        policy_breaks(old, "has lost one", g);
    }
    return true;
}

int policy_set(const struct policy *p) {
    static ns_t slice; /* of before a policy had its own; under setting */
    check_may_block("go_set_policy");
    if (!CONFIG_TRACE) {
        return p == NULL ? 0 : -EINVAL;
    }
    mutex_lock(&setting);
    const struct policy *old = policy_wanted();
    if (p != old) {
        tell_mutexes(old, false);
        announce(p);
        while (!has_changed(p)) {
            go_yield();
        }
        tell_mutexes(p, true);
        if (old != NULL) {
            g_each(is_left, (void *)(uintptr_t)old);
        }
        if (old != NULL && old->slice != 0) {
            go_set_slice(slice);
        }
        if (p != NULL && p->slice != 0) {
            slice = go_set_slice(p->slice);
        }
    }
    mutex_unlock(&setting);
    return 0;
}
