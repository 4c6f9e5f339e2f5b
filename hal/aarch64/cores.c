/* hal/aarch64/cores.c - bringing the other cores up, ringing them, stopping them.
 *
 * The race: a core that was given up arrives late. Arriving and giving up are the same compare-and-swap, so one of the
 * two sides loses: a late core sleeps for ever, and an arrived one is never given up (HAZARDS 38). Cores that arrive get
 * dense numbers in order; the scheduler knows no others. */
#include <stdatomic.h>

#include "hal/aarch64/boot_line.h"
#include "hal/aarch64/cache.h"
#include "hal/aarch64/port.h"
#include "hal/kprint.h"

#define PATIENCE_NS INT64_C(500000000)
#define STOP_NS     INT64_C(100000000)

extern char __stacks_start[], _start[];
#define SLOT 0x8000u

enum { WAITING, JOINED, GIVEN_UP };

static struct arrival {
    _Atomic uint32_t state;
    _Atomic uint32_t number; /* dense index, given by core 0; 0: not yet */
    _Atomic bool ready;      /* core_init() done */
} arrivals[HAL_MAX_CORES];

static unsigned core_count = 1; /* written by core 0 before the scheduler starts */

_Static_assert(offsetof(struct board, max_cores) == BOARD_MAX_CORES, "boot_line.h");
_Static_assert(offsetof(struct board, core_ids) == BOARD_CORE_IDS, "boot_line.h");
_Static_assert(sizeof(struct boot_line) == LINE_SIZE, "boot_line.h");

unsigned hal_core_count(void) {
    return core_count;
}

static char *stack_top(unsigned board_core) {
    return __stacks_start + (board_core + 1) * SLOT;
}

/* ---- each core ------------------------------------------------------------------------------------------------- */

static void identify(unsigned i, void *top) {
    struct core *c = sched_core(i, top);
    SYSREG_WRITE(tpidrro_el0, (uintptr_t)c);
    SYSREG_WRITE(tpidr_el1, (uintptr_t)((struct hal_core *)c)->g0);
}

void core_init(unsigned i) {
    if (i == 0) {
        identify(0, stack_top(0));
    }
    SYSREG_WRITE(cntkctl_el1, 3); /* EL0 may read the counters: nobody is there, but debuggers look */
    hal_timer_set(INT64_MAX);
    board_intc->ops->init_core(board_intc, i);
    /* SError open for ever, interrupts masked until a G runs, fast interrupts open: a channel for debuggers */
    __asm__ volatile("msr daifclr, #5" ::: "memory");
}

_Noreturn static void sleep_for_ever(void) {
    for (;;) {
        __asm__ volatile("msr daifset, #15\n\twfi" ::: "memory");
    }
}

_Noreturn void boot_secondary(uint64_t board_core);

/* Called by start.S, MMU and caches on. */
_Noreturn void boot_secondary(uint64_t board_core) {
    struct arrival *a = &arrivals[board_core];
    uint32_t waiting = WAITING;
    if (!atomic_compare_exchange_strong(&a->state, &waiting, JOINED)) {
        sleep_for_ever();
    }
    unsigned number;
    /* acquire: pairs with core 0's release, board_intc and the clock are set */
    while ((number = atomic_load_explicit(&a->number, memory_order_acquire)) == 0) {
        hal_relax();
    }
    identify(number, stack_top((unsigned)board_core));
    core_init(number);
    atomic_store_explicit(&a->ready, true, memory_order_release); /* pairs with join() */
    sched_core_main();
}

/* ---- core 0 ------------------------------------------------------------------------------------------------------ */

static const char *stage_name(uint64_t stage) {
    static const char *const names[] = {"not started", "entered", "at EL1, waiting to be let go",
                                        "turning its MMU on", "MMU on"};
    return stage < sizeof names / sizeof names[0] ? names[stage] : "unknown";
}

static uint64_t stage_of(unsigned i) {
    struct boot_line *l = &boot_lines[i];
    cache_clean_invalidate(l, sizeof *l); /* clean already: drops our copy, so that memory answers */
    return *(volatile uint64_t *)&l->stage;
}

/* Waits until *flag, or until patience ends. */
static bool wait_for(_Atomic bool *flag) {
    int64_t until = hal_now() + PATIENCE_NS;
    while (!atomic_load_explicit(flag, memory_order_acquire)) {
        if (hal_now() > until) {
            return false;
        }
        hal_relax();
    }
    return true;
}

static bool joined(unsigned i) {
    int64_t until = hal_now() + PATIENCE_NS;
    while (atomic_load(&arrivals[i].state) == WAITING) {
        uint32_t waiting = WAITING;
        if (hal_now() > until &&
            atomic_compare_exchange_strong(&arrivals[i].state, &waiting, GIVEN_UP)) {
            return false;
        }
        hal_relax();
    }
    return true;
}

static void start(unsigned i) {
    struct boot_line *l = &boot_lines[i];
    l->stack = (uintptr_t)stack_top(i);
    l->release = LINE_GO;
    cache_clean_invalidate(l, sizeof *l); /* for a core whose caches are off */
    if (board.start_core(i, (uintptr_t)_start) < 0) {
        return; /* the machine has no such core */
    }
    __asm__ volatile("sev" ::: "memory"); /* or it waits in start.S */
    if (!joined(i)) {
        uint64_t stage = stage_of(i);
        kprintf("core %u stuck at stage %lu (%s): going on without it\n", i, (unsigned long)stage,
                stage_name(stage));
        return;
    }
    atomic_store_explicit(&arrivals[i].number, core_count, memory_order_release);
    if (!wait_for(&arrivals[i].ready)) {
        kprintf("core %u stuck in its own set-up: going on without it\n", i);
        return;
    }
    core_count++;
}

void cores_start(void) {
    extern char __text_start[], __image_end[];
    /* text, constants, tables and lines to memory: what the others read before their caches are on */
    cache_clean_invalidate(__text_start, (size_t)(__image_end - __text_start));
    for (unsigned i = 1; i < board.max_cores && i < HAL_MAX_CORES; i++) {
        start(i);
    }
}

/* ---- ringing and stopping ------------------------------------------------------------------------------------------ */

void hal_ipi(unsigned core) {
    /* What the caller published is out before the doorbell is: pairs with the dsb in trap.c (HAZARDS 33) */
    __asm__ volatile("dsb ishst" ::: "memory");
    board_intc->ops->ipi(board_intc, core);
}

static _Atomic bool stopping;
static _Atomic uint32_t stopped; /* bit per core */

_Noreturn void hal_stop_self(void) {
    hal_irq_mask();
    atomic_fetch_or(&stopped, 1u << ((struct hal_core *)hal_core())->index);
    sleep_for_ever();
}

void core_check_stop(void) {
    if (atomic_load(&stopping)) {
        hal_stop_self();
    }
}

unsigned hal_stop_others(void) {
    unsigned me = ((struct hal_core *)hal_core())->index;
    unsigned others = ((1u << core_count) - 1) & ~(1u << me);
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < core_count; i++) {
        if (i != me) {
            hal_ipi(i);
        }
    }
    int64_t until = hal_now() + STOP_NS;
    while ((others & ~atomic_load(&stopped)) != 0 && hal_now() < until) {
        hal_relax();
    }
    return others & ~atomic_load(&stopped);
}

void hal_irq_enable(unsigned line) {
    board_intc->ops->enable(board_intc, line, ((struct hal_core *)hal_core())->index);
}

void hal_irq_disable(unsigned line) {
    board_intc->ops->disable(board_intc, line);
}

void hal_dma_clean(const void *p, size_t n) {
    cache_clean_invalidate(p, n);
}

void hal_dma_invalidate(void *p, size_t n) {
    cache_clean_invalidate(p, n); /* clean as well: a line at the edge may be somebody else's */
}
