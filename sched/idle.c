/* sched/idle.c - how a core without work falls asleep without missing any, and how work finds a
 * sleeping core.
 *
 * The race: a core finds every queue empty, work is put, nobody sleeps yet so nobody is woken, the
 * core falls asleep. It is closed by two full fences (store buffering, both sides):
 *
 *      sleeper                                  waker
 *      idle_mask |= me                          put the G on a queue
 *      fence seq_cst                            fence seq_cst
 *      look at every queue again                look at idle_mask and searchers
 *
 * One of the two sees the other. A seq_cst read-modify-write in the place of either fence is not
 * enough on cores without LSE: LDAXR/STLXR does not order a later plain load.
 *
 * searchers holds wake-ups back to one at a time. Each count is owned: by a core that searches, or
 * by one that a waker has chosen and that has not looked yet. Choosing a core is clearing its bit,
 * so a core that finds its bit cleared when it wakes owns a count, whatever else woke it (HAZARDS
 * 8). Who gives a count back must look once more, because others may have held back for its sake.
 *
 * A look at every queue leaves out those of cores whose bit is set. Such a core took it back before it put anything: by a
 * read-modify-write of idle_mask that comes after ours, so its look at idle_mask finds us, as in the picture.
 *
 * The third part is in the port: hal_ipi() does dsb ishst before the doorbell, and hal_idle()
 * sleeps masked, so that a doorbell between the last look and WFI ends the WFI.
 * TOUR 9 / read next: sched/preempt.c */
#include "sched/assert.h"
#include "sched/policy.h"
#include "sched/runq.h"

void kick(unsigned core) NEEDS(irq_masked) {
    struct core *c = this_core();
    count(&c->n.ipis_sent);
    trace_core_always(c, EV_IPI, core, 0);
    hal_ipi(core);
}

static uint32_t bit(const struct core *c) {
    return 1u << c->hal.index;
}

static uint32_t bits(uint32_t mask) {
    uint32_t n = 0;
    for (; mask != 0; mask &= mask - 1) { /* no builtin: it becomes a call into libgcc or a SIMD register */
        n++;
    }
    return n;
}

/* Takes c's bit, me, back. If a waker was faster, c owns the count that the waker made for it. */
static inline void retract(struct core *c, uint32_t me) {
    /* acq_rel: acquire pairs with the chooser's clearing, its work is seen; release for the next
     * announce */
    uint32_t was = atomic_fetch_and_explicit(&machine.idle_mask, ~me, memory_order_acq_rel);
    if ((was & me) == 0) {
        c->searching = true;
    }
}

/* Chooses one idle core and kicks it; false: there is none. */
static bool choose_one(void) NEEDS(irq_masked) {
    uint32_t idle;
    while ((idle = atomic_load_explicit(&machine.idle_mask, memory_order_relaxed)) != 0) {
        unsigned i = (unsigned)__builtin_ctz(idle);
        /* acq_rel: pairs with retract() */
        uint32_t was = atomic_fetch_and_explicit(&machine.idle_mask, ~(1u << i), memory_order_acq_rel);
        if ((was & (1u << i)) != 0) {
            kick(i);
            return true;
        }
    }
    return false;
}

void wake_idle(void) NEEDS(irq_masked) {
    do {
        uint32_t none = 0;
        /* seq_cst costs nothing more here, and this count gates other wakers */
        if (atomic_load_explicit(&machine.searchers, memory_order_relaxed) != 0 ||
            !atomic_compare_exchange_strong(&machine.searchers, &none, 1)) {
            return;
        }
        if (choose_one()) {
            return;
        }
        /* The idle one went to work by itself. While we held the count others held back: look
         * again. */
        atomic_fetch_sub(&machine.searchers, 1);
        atomic_thread_fence(memory_order_seq_cst); /* as in wake_one() */
    } while (atomic_load_explicit(&machine.idle_mask, memory_order_relaxed) != 0);
}

bool search_begin(struct core *c) NEEDS(irq_masked) {
    if (!c->searching) {
        uint32_t idle = bits(atomic_load_explicit(&machine.idle_mask, memory_order_relaxed));
        uint32_t active = atomic_load_explicit(&machine.active, memory_order_relaxed);
        uint32_t searchers = atomic_load_explicit(&machine.searchers, memory_order_relaxed);
        /* Go's bound: at most half of the busy ones search. Who may not still looks at everything
         * in idle() */
        if (2 * searchers >= active - (idle < active ? idle : active)) {
            return false;
        }
        atomic_fetch_add(&machine.searchers, 1);
        c->searching = true;
    }
    return true;
}

/* Whether there is work that c, or another for it, would find. Exact enough after a fence: what was
 * put before it is seen. Whether c is active does not matter: a core that is retired while it
 * counts as a searcher may have made others hold back, and must pass that on. */
static bool work_anywhere(struct core *c) {
    if (!inbox_empty(c) || c->pinned.head != NULL || globq_length() != 0 || runnext_of(c) != NULL) {
        return true;
    }
    return !runq_is_empty(&c->runq) || any_runq(c);
}

void search_end(struct core *c, bool found) NEEDS(irq_masked) {
    if (!c->searching) {
        return;
    }
    c->searching = false;
    atomic_fetch_sub(&machine.searchers, 1);
    if (found) {
        /* Who held back because we searched put its work before it looked: after this fence we see
         * it. */
        atomic_thread_fence(memory_order_seq_cst);
        if (work_anywhere(c)) {
            wake_one();
        }
    }
}

/* A G may sit in another core's private runnext, put there when no core was idle: that core's guard
 * must be running now. Without a fence on the other side this may miss one; the slice's end finds
 * it then. */
static void ask_for_guards(struct core *c) NEEDS(irq_masked) {
    for (uint32_t left = others_at_work(c); left != 0; left &= left - 1) {
        unsigned o = (unsigned)__builtin_ctz(left);
        if (runnext_of(&cores[o]) != NULL) {
            kick(o);
        }
    }
}

static void trace_awake(struct core *c) NEEDS(irq_masked) {
    uint64_t ns = (uint64_t)hal_stamp_ns((int64_t)relaxed_load(&c->n.idle));
    trace_core_slow(c, EV_AWAKE, 0, ns);
}

static inline void sleep(struct core *c) NEEDS(irq_masked) {
    c->guard = NULL;
    c->watch_later = false;          /* their tick does not come */
    arm(c, alarms_next(&c->alarms)); /* no tick on an idle core */
    int64_t before = hal_stamp();
    uint64_t ipis = relaxed_load(&c->n.ipis_received);
    relaxed_store(&c->n.asleep_since, before); /* for info_core() */
    trace_core(c, EV_IDLE, 0, 0);
    nap(c);
    relaxed_store(&c->n.asleep_since, 0);
    count_add(&c->n.idle, (uint64_t)(hal_stamp() - before));
    if (hooked(c)) {
        trace_awake(c);
    }
    count(&c->n.idle_wakes);
    bool by_ipi = relaxed_load(&c->n.ipis_received) != ipis;
    if (by_ipi && !work_anywhere(c)) {
        count(&c->n.futile_wakes);
    }
}

void sleep_unannounced(struct core *c) {
    sleep(c);
}

void idle(struct core *c) {
    uint32_t me = bit(c);
    if (!core_active(c)) {
        search_end(c, true); /* a waker may have chosen us as we were retired: pass it on */
        if (inbox_empty(c)) {
            sleep_unannounced(c);
        }
        return;
    }
    atomic_fetch_or(&machine.idle_mask, me);
    search_end(c, false);
    /* the sleeper's half of the fence pair above */
    atomic_thread_fence(memory_order_seq_cst);
    if (!work_anywhere(c)) {
        ask_for_guards(c);
        sleep(c);
        retract(c, me);
        return;
    }
    retract(c, me);
    if (!c->searching) {
        /* Found by looking again, not by being chosen: we are a searcher all the same, beyond the
         * bound */
        atomic_fetch_add(&machine.searchers, 1);
        c->searching = true;
    }
}

void idle_unless(struct core *c, bool (*work)(const struct core *c)) {
    atomic_fetch_or(&machine.idle_mask, bit(c));
    search_end(c, false); /* begun or given to us under GMP: while we sleep nobody else would search there */
    /* as in idle() */
    atomic_thread_fence(memory_order_seq_cst);
    if (!work(c)) {
        sleep_unannounced(c);
    }
    retract(c, bit(c));
    search_end(c, true); /* if a core that is under GMP still has chosen us: we find nothing of its */
}
