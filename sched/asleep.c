/* sched/asleep.c - a core's sleep, and the machine that nothing will wake any more: deadlock.
 *
 * The last core to fall asleep looks whether anything is left that could make a G runnable: a queue, an
 * inbox, a timer, a driver that listens. If not, all Gs wait for each other, and the program is told.
 *
 * Why it cannot fire falsely. naps of a core is odd from the point where it has found nothing, its own
 * runnext and pinned list included, until it goes on - or until the first upcall of an interrupt that
 * it takes asleep, before that touches anything. Whatever makes a G runnable is done by a G, by g0, or
 * by a handler, so by a core whose naps is even. nap() reads naps of all cores, then all that could
 * hold a G or bring one, then naps again. Both readings odd and equal: between the two nobody but we
 * was awake, unless we see neither a core's waking nor what it did, and that is closed thus:
 *
 *      waking core                              us
 *      naps even                                naps odd (acquire)
 *      fence release                            look at inboxes, rings, heaps, listeners
 *      takes from, or puts to, any of these     fence acquire
 *                                               naps still the same
 *
 * If a look saw what a woken core left behind - an inbox that it emptied, a heap that it popped, a ring
 * that it stole from - the second reading sees it awake. If none did, then what woke it was still
 * there to be seen: its timer in the heap (read under the heap's lock, so no popping is missed), the G
 * in the inbox that its doorbell told of, the work in a ring whose owner would not be asleep. A
 * number, not a flag, since a core may wake, do all that and sleep again in between.
 *
 * The cases: an inbox filled by a handler - that core is awake from its first upcall on. A core being
 * rung - who rang had put its G on a queue before, and slept after, so we see it. Retired cores sleep
 * here too, and their inboxes, pinned Gs and timers count like all others. A timer added by another
 * core - by a core that is awake, and had put it into a heap before it slept. A pending interrupt that
 * was not taken yet - a timer is in a heap until it is; a device's counts as long as its driver
 * listens. idle_mask says nothing here: it is about who may be chosen, this is about who may act.
 *
 * Why it is not missed: each core's store to naps comes before a full fence and that before its reading
 * of the others', so the last of them sees all odd. Whatever changes after that wakes a core, which
 * comes back here. */
#include "sched/policy.h"
#include "sched/runq.h"
#include "sched/watch.h"

static void nap_begin(struct core *c) {
    uint32_t n = atomic_load_explicit(&c->naps, memory_order_relaxed); /* own */
    /* release: what this core did before, to who reads naps odd */
    atomic_store_explicit(&c->naps, n + 1, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst); /* store naps, then load the others': the last sees all */
}

/* False: a core is awake. */
static bool all_nap(uint32_t naps[]) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        /* acquire: pairs with nap_begin(), what that core put anywhere is seen */
        naps[i] = atomic_load_explicit(&cores[i].naps, memory_order_acquire);
        if (naps[i] % 2 == 0) {
            return false;
        }
    }
    return true;
}

static bool still_napping(const uint32_t naps[]) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        /* relaxed: after the fence */
        if (atomic_load_explicit(&cores[i].naps, memory_order_relaxed) != naps[i]) {
            return false;
        }
    }
    return true;
}

/* A sleep of the runtime's own, which only looks on (schedtrace.c). */
static bool is_onlooker(const struct alarm *a) {
    return !a->is_timer && g_of_alarm(a)->system;
}

static bool has_timer(struct core *c) NEEDS(irq_masked) {
    spin_lock_masked(&c->alarms.lock);
    uint32_t n = alarms_in(&c->alarms);
    bool any = n > 1 || (n == 1 && !is_onlooker(c->alarms.slots[0].alarm));
    spin_unlock_masked(&c->alarms.lock);
    return any;
}

/* What is there that will make a G run: a G that waits for its core to be woken by the doorbell; or else a
 * timer or a driver. */
enum hope { NONE, LATER, NOW };

static enum hope hope(void) NEEDS(irq_masked) {
    /* relaxed: changed by Gs alone, whose cores are awake */
    bool later = atomic_load_explicit(&machine.listeners, memory_order_relaxed) != 0;
    if (globq_length() != 0 || (CONFIG_TRACE && policy_holds())) {
        return NOW;
    }
    for (unsigned i = 0; i < hal_core_count(); i++) {
        if (!inbox_empty(&cores[i]) || !runq_is_empty(&cores[i].runq)) {
            return NOW;
        }
        later = later || has_timer(&cores[i]);
    }
    return later ? LATER : NONE;
}

void nap(struct core *c) NEEDS(irq_masked) {
    uint32_t naps[HAL_MAX_CORES];
    nap_begin(c);
    irq_falls_asleep(c);
    enum hope h = all_nap(naps) ? hope() : NOW;
    if (h == LATER) {
        int64_t now = hal_now();
        watch_step(now);
        watch_asleep(now, c->deadline);
    } else if (h == NONE) {
        atomic_thread_fence(memory_order_acquire); /* pairs with the fence in nap_over() */
        if (still_napping(naps)) {
            machine_dead(gs_alive() != 0
                             ? "all goroutines are asleep - deadlock!"
                             : "no goroutines (main called runtime.Goexit) - deadlock!");
        }
    }
    while (CONFIG_LOCKSTEP && core_active(c) && !hal_irq_pending()) {
    }
    hal_idle();
    nap_over(c);
    irq_wakes(c);
}
