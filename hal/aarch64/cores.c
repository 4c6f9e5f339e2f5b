/* hal/aarch64/cores.c - bringing the other cores up, ringing them, stopping them.
 *
 * The race: a core that was given up arrives late. Each step of a core and giving it up are the
 * same compare-and-swap, so one of the two sides loses: a late core sleeps for ever, and an arrived
 * one is never given up (HAZARDS 38). Cores that arrive get dense numbers in order; the scheduler
 * knows no others. A core that had its number and was given up may still be writing under it, so
 * the number is not used again and no further core is started. */
#include <stdatomic.h>

#include "hal/aarch64/boot_line.h"
#include "hal/aarch64/cache.h"
#include "hal/aarch64/pagetable.h"
#include "hal/aarch64/port.h"
#include "hal/kprint.h"

/* For a step of a core that was started. Long, since an emulator on a busy computer may leave a
 * core without time for a second; only a core that is broken costs it. */
#define PATIENCE_NS INT64_C(3000000000)
/* For cores that begin by themselves to show up. */
#define SHOW_UP_NS INT64_C(500000000)
#define STOP_NS    INT64_C(100000000)

extern char __stacks_start[], _start[];
#define SLOT 0x8000u

enum { WAITING, JOINED, READY, GIVEN_UP, NOT_THERE };

static struct arrival {
    _Atomic uint32_t state;
    _Atomic uint32_t number; /* dense index, given by core 0; 0: not yet */
} arrivals[HAL_MAX_CORES];

unsigned hal_cores = 1; /* written by core 0 before the scheduler starts */

_Static_assert(offsetof(struct board, max_cores) == BOARD_MAX_CORES, "boot_line.h");
_Static_assert(offsetof(struct board, core_ids) == BOARD_CORE_IDS, "boot_line.h");
_Static_assert(offsetof(struct board, intc) == BOARD_INTC, "boot_line.h");
_Static_assert(offsetof(struct intc, base) == INTC_BASE, "boot_line.h");
_Static_assert(offsetof(struct intc, gic) == INTC_GIC, "boot_line.h");
_Static_assert(sizeof(struct boot_line) == LINE_SIZE, "boot_line.h");

static char *stack_top(unsigned board_core) {
    return __stacks_start + (board_core + 1) * SLOT;
}

/* ---- each core ------------------------------------------------------------------------------ */

static void identify(unsigned i, void *top) {
    struct core *c = sched_core(i, top);
    SYSREG_WRITE(tpidrro_el0, (uintptr_t)c);
    SYSREG_WRITE(tpidr_el1, (uintptr_t)((struct hal_core *)c)->g0);
}

void core_init(unsigned i) {
    if (i == 0) {
        identify(0, stack_top(0));
    }
    clock_init_core();
    board_intc->ops->init_core(board_intc, i);
    /* SError open for ever, interrupts masked until a G runs, fast interrupts open: a channel for
     * debuggers */
    __asm__ volatile("msr daifclr, #5" ::: "memory");
}

_Noreturn static void sleep_for_ever(void) {
    for (;;) {
        __asm__ volatile("msr daifset, #15\n\twfi" ::: "memory");
    }
}

/* A step of this core; one that was given up goes no further. */
static void advance(struct arrival *a, uint32_t from, uint32_t to) {
    if (!atomic_compare_exchange_strong(&a->state, &from, to)) {
        sleep_for_ever();
    }
}

_Noreturn void boot_secondary(uint64_t board_core);

/* Called by start.S, MMU and caches on. */
_Noreturn void boot_secondary(uint64_t board_core) {
    struct arrival *a = &arrivals[board_core];
    unsigned number;
    advance(a, WAITING, JOINED);
    /* acquire: pairs with core 0's release, board_intc and the clock are set */
    while ((number = atomic_load_explicit(&a->number, memory_order_acquire)) == 0) {
        hal_relax();
    }
    identify(number, stack_top((unsigned)board_core));
    core_init(number);
    advance(a, JOINED, READY);
    sched_core_main();
}

/* ---- core 0 --------------------------------------------------------------------------------- */

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

/* Waits until core i has left the step from; false: it did not in time, and is given up. */
static bool leaves(unsigned i, uint32_t from) {
    int64_t until = hal_now() + PATIENCE_NS;
    while (atomic_load(&arrivals[i].state) == from) {
        uint32_t expected = from;
        if (hal_now() > until &&
            atomic_compare_exchange_strong(&arrivals[i].state, &expected, GIVEN_UP)) {
            return false;
        }
        hal_relax();
    }
    return true;
}

/* Starts core i, or finds that the machine has it without being asked: where no firmware was before
 * us, all cores may have begun with core 0, some a little later. */
static bool exists(unsigned i, int64_t until) {
    if (board.start_core(i, (uintptr_t)_start) >= 0) {
        return true;
    }
    while (stage_of(i) == STAGE_NONE) {
        if (boot_info.entry_el != 3 || hal_now() >= until) {
            return false;
        }
        hal_relax();
    }
    return true;
}

/* False: no further core may be started. Cores that begin by themselves have until then. */
static bool start(unsigned i, int64_t until) {
    struct boot_line *l = &boot_lines[i];
    cache_clean_invalidate(l, sizeof *l); /* an older copy of ours, written back below, would wipe out its stage */
    l->stack = (uintptr_t)stack_top(i);
    l->release = LINE_GO;
    cache_clean_invalidate(l, sizeof *l); /* for a core whose caches are off */
    uint32_t waiting = WAITING;
    if (!exists(i, until) && atomic_compare_exchange_strong(&arrivals[i].state, &waiting, NOT_THERE)) {
        return true;
    }
    __asm__ volatile("sev" ::: "memory"); /* or it waits in start.S */
    if (!leaves(i, WAITING)) {
        uint64_t stage = stage_of(i);
        kprintf("core %u stuck at stage %lu (%s): going on without it\n", i, (unsigned long)stage,
                stage_name(stage));
        return true;
    }
    atomic_store_explicit(&arrivals[i].number, hal_cores, memory_order_release);
    if (!leaves(i, JOINED)) {
        kprintf("core %u stuck in its own set-up: going on without it and those after it\n", i);
        return false;
    }
    hal_cores++;
    return true;
}

void cores_start(void) {
    extern char __text_start[], __rodata_end[];
    /* to memory, what the others read before their caches are on: text, constants, tables; the lines follow, each
     * with its core */
    cache_clean_invalidate(__text_start, (size_t)(__rodata_end - __text_start));
    cache_clean_invalidate(early_tables, (early_tables_used + 1) * sizeof early_tables[0]);
    int64_t until = hal_now() + SHOW_UP_NS;
    for (unsigned i = 1; i < board.max_cores && i < HAL_MAX_CORES && start(i, until); i++) {
    }
}

const char *hal_core_stage(unsigned i) {
    if (i >= board.max_cores || i >= HAL_MAX_CORES) {
        return NULL;
    }
    uint32_t state = atomic_load(&arrivals[i].state);
    uint64_t stage = i != 0 ? stage_of(i) : STAGE_NONE;
    return i == 0 || state == READY                  ? "runs"
           : state == NOT_THERE                      ? "not there"
           : state == GIVEN_UP && stage == STAGE_MMU ? "came too late"
           : state == JOINED                         ? "setting itself up"
                                                     : stage_name(stage);
}

/* ---- ringing and stopping ------------------------------------------------------------------- */

void hal_ipi(unsigned core) {
    /* What the caller published is out before the doorbell is: pairs with the dsb in trap.c
     * (HAZARDS 33) */
    __asm__ volatile("dsb ishst" ::: "memory");
    board_intc->ops->ipi(board_intc, core);
}

static _Atomic bool stopping;
static _Atomic uint32_t stopped; /* bit per core */

static struct stop stops[HAL_MAX_CORES]; /* each core its own, before its bit in stopped */

_Noreturn void hal_stop_self(void) {
    hal_irq_mask();
    const struct hal_core *c = (const struct hal_core *)hal_core();
    struct stop *s = &stops[c->index];
    s->fp = (uintptr_t)__builtin_frame_address(0);
    s->g = hal_self();
    if (hal_on_core_stack() && s->g != c->g0) {
        s->trap = (const struct trap *)c->stack_top - 1; /* the core stack was empty (vectors.S) */
    }
    atomic_fetch_or(&stopped, 1u << c->index);
    sleep_for_ever();
}

const struct stop *core_stop_of(const struct g *g) {
    uint32_t set = atomic_load(&stopped);
    for (unsigned i = 0; i < hal_cores; i++) {
        if ((set & 1u << i) != 0 && stops[i].g == g) {
            return &stops[i];
        }
    }
    return NULL;
}

void core_check_stop(void) {
    if (atomic_load(&stopping)) {
        hal_stop_self();
    }
}

unsigned hal_stop_others(void) {
    unsigned me = ((struct hal_core *)hal_core())->index;
    unsigned others = ((1u << hal_cores) - 1) & ~(1u << me);
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < hal_cores; i++) {
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

void hal_irq_enable(unsigned line, unsigned core) {
    board_intc->ops->enable(board_intc, line, core);
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
