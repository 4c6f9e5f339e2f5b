/* sched/irq.c - device interrupts: who handles which line.
 *
 * The race: irq_detach() returns while the handler still runs on another core, and the caller frees
 * what it uses. busy counts the handler's runs from before it reads the entry to after it returns;
 * detach takes the entry away first and then waits for busy to fall.
 * A line that roams goes to a core that sleeps, if one does: one that is stuck with its interrupts masked
 * does not sleep. The race: its core wakes as another one falls asleep, and neither sees that the line
 * should move. Each makes known what it does, fences, and looks at the other; one of them sees it. The same
 * for a core that wakes as the line is handed to it: it looks where the line is, who handed it whether it still
 * sleeps.
 * TOUR 15 / read next: sched/info.c */
#include <bareloom/irq.h>

#include "hal/errno.h"
#include "sched/assert.h"
#include "sched/sched.h"

static struct line {
    _Atomic(irq_fn *) fn;  /* written under lock; read by the handler */
    void *arg;             /* set before fn */
    _Atomic uint32_t busy; /* handlers in it */
    bool taken; /* guarded by lock: from attach to the end of detach, arg is still read until then */
    uint32_t listening; /* guarded by lock: how much of machine.listeners is this line's */
} lines[HAL_LINES];

static spinlock_t lock = SPINLOCK(RANK_IRQ);

/* Under the lock. relaxed: read by sleeping cores, after ours has fallen asleep too (asleep.c) */
static void listen(struct line *l, uint32_t n) NEEDS(lock) {
    atomic_fetch_add_explicit(&machine.listeners, n - l->listening, memory_order_relaxed);
    l->listening = n;
}

/* Nobody's: it would come again at once. Under the lock, or it would undo an attach that comes just
 * now. */
static void quiet(unsigned line) NEEDS(irq_masked) {
    spin_lock_masked(&lock);
    if (atomic_load(&lines[line].fn) == NULL) {
        hal_irq_disable(line);
    }
    spin_unlock_masked(&lock);
}

static _Atomic unsigned roaming = HAL_LINES;   /* the line that roams: none; set once */
_Atomic unsigned irq_roams_at = HAL_MAX_CORES; /* written under lock */

/* Under the lock, as the line that roams is to be moved, or where any line has been put on: some machines route
 * them all together. */
static void keep_roaming(void) NEEDS(irq_masked, lock) {
    unsigned core = relaxed_load(&irq_roams_at), line = relaxed_load(&roaming);
    if (core < HAL_MAX_CORES && atomic_load(&lines[line].fn) != NULL) {
        hal_irq_enable(line, core);
    }
}

/* Marks what a handler runs over. The G reads that of itself and stands still meanwhile: no race, though with SAN=race
 * an interrupt orders nothing. */
__attribute__((no_sanitize("thread"))) static void mark(uint32_t add) NEEDS(irq_masked) {
    hal_self()->preempt_off += add;
}

static void call_handler(struct line *l, unsigned line) NEEDS(irq_masked) {
    irq_fn *fn = atomic_load(&l->fn);
    if (fn != NULL) {
        mark(IN_HANDLER);
        fn(l->arg);
        mark(-IN_HANDLER);
    } else {
        quiet(line);
    }
}

void sched_irq(unsigned line) {
    struct core *c = this_core();
    nap_over(c);
    if (line >= HAL_LINES) {
        return;
    }
    struct line *l = &lines[line];
    trace_core_always(c, EV_IRQ_BEGIN, IRQ_DEVICE, trace_pair(hal_self()->id, line));
    /* seq_cst here, on fn and in irq_detach: either we see fn gone, or detach sees us busy */
    uint32_t others = atomic_fetch_add(&l->busy, 1);
    atomic_thread_fence(memory_order_seq_cst);
    /* else it has been moved here together with the one that roams, while its handler runs where it was: it is
     * not quiet yet, and comes again if that leaves anything */
    if (others == 0 || line == relaxed_load(&roaming)) {
        call_handler(l, line);
    }
    atomic_fetch_sub(&l->busy, 1);
    trace_core(c, EV_IRQ_END, IRQ_DEVICE, 0);
}

int irq_attach(unsigned line, irq_fn *fn, void *arg) {
    if (line >= HAL_LINES || fn == NULL) {
        return -EINVAL;
    }
    hal_irq_t was = spin_lock(&lock);
    struct line *l = &lines[line];
    bool free = !l->taken;
    if (free) {
        l->taken = true;
        l->arg = arg;
        listen(l, 1);
        atomic_store(&l->fn, fn);
        hal_irq_enable(line, this_core()->hal.index);
        keep_roaming();
    }
    spin_unlock(&lock, was);
    return free ? 0 : -EBUSY;
}

int irq_detach(unsigned line) {
    if (line >= HAL_LINES) {
        return -EINVAL;
    }
    check_may_block("irq_detach");
    hal_irq_t was = spin_lock(&lock);
    hal_irq_disable(line);
    atomic_store(&lines[line].fn, (irq_fn *)NULL);
    listen(&lines[line], 0);
    spin_unlock(&lock, was);
    atomic_thread_fence(memory_order_seq_cst); /* pairs with the one in sched_irq */
    while (atomic_load(&lines[line].busy) != 0) {
        go_yield();
    }
    was = spin_lock(&lock);
    lines[line].taken = false;
    spin_unlock(&lock, was);
    return 0;
}

void irq_listen(unsigned line, bool yes) {
    if (line >= HAL_LINES) {
        return;
    }
    hal_irq_t was = spin_lock(&lock);
    struct line *l = &lines[line];
    if (yes || l->listening != 0) {
        listen(l, yes ? l->listening + 1 : l->listening - 1);
    }
    spin_unlock(&lock, was);
}

/* ---- a line that roams -------------------------------------------------------------------------------- */

static void put_at(unsigned core) NEEDS(irq_masked, lock) {
    relaxed_store(&irq_roams_at, core);
    keep_roaming();
}

static void move_to(unsigned core) NEEDS(irq_masked) {
    spin_lock_masked(&lock);
    put_at(core);
    spin_unlock_masked(&lock);
}

/* False: it was not at from any more. Who moved it from there sleeps, or looks after it. */
static bool hand_over(unsigned from, unsigned to) NEEDS(irq_masked) {
    spin_lock_masked(&lock);
    bool there = relaxed_load(&irq_roams_at) == from;
    if (there) {
        put_at(to);
    }
    spin_unlock_masked(&lock);
    return there;
}

void irq_roam(unsigned line) {
    if (line < HAL_LINES) {
        hal_irq_t was = hal_irq_save();
        relaxed_store(&roaming, line);
        move_to(this_core()->hal.index);
        hal_irq_restore(was);
    }
}

static bool sleeps(unsigned core) {
    return relaxed_load(&cores[core].naps) % 2 != 0;
}

void irq_falls_asleep(struct core *c) NEEDS(irq_masked) {
    unsigned at = relaxed_load(&irq_roams_at); /* after the fence in nap_begin() */
    if (at >= HAL_MAX_CORES || at == c->hal.index) {
        return;
    }
    /* load where it is, then naps: who wakes there, and does not see it come, is seen awake */
    atomic_thread_fence(memory_order_seq_cst);
    if (!sleeps(at)) {
        move_to(c->hal.index);
    }
}

UNCOMMON void irq_hand_on(struct core *c) NEEDS(irq_masked) {
    unsigned at = c->hal.index, n = hal_core_count();
    for (unsigned left = n - 1, i = (at + 1) % n; left != 0; left--, i = (i + 1) % n) {
        if (sleeps(i)) {
            if (!hand_over(at, i)) {
                return;
            }
            at = i;
            atomic_thread_fence(memory_order_seq_cst); /* store where it goes, then load naps again */
            if (sleeps(i)) {
                return;
            }
        }
    }
}

void irq_leaves(unsigned core) NEEDS(irq_masked) {
    hand_over(core, this_core()->hal.index);
}
