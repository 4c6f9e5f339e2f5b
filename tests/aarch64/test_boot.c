/*
 * tests/aarch64/test_boot.c - what boot has to leave behind, on every core: exception level, MMU and caches,
 * what may be written and what executed, guards, counters.
 *
 * Permissions are read out of the translation tables, as the hardware would, and by asking the hardware (AT).
 */
#include "hal/board.h"
#include "sched/sched.h"
#include "tests/test.h"

#define READ(reg)                                                                                  \
    __extension__({                                                                                \
        uint64_t v_;                                                                               \
        __asm__ volatile("mrs %0, " #reg : "=r"(v_));                                              \
        v_;                                                                                        \
    })

static struct wg wg;

static void on_each_core(go_fn *fn) {
    wg_add(&wg, (int)go_num_cores());
    for (unsigned i = 0; i < go_num_cores(); i++) {
        start_on(i, fn, (void *)(uintptr_t)i);
    }
    wg_wait(&wg);
}

/* ---- cores ----------------------------------------------------------------------------------------------- */

TEST(boot, cores_have_all_arrived) {
    if (test_expected_cores != 0) {
        CHECK_EQ(go_num_cores(), test_expected_cores);
    } else if (board.max_cores <= 4) {
        CHECK_EQ(go_num_cores(), board.max_cores);
    } else { /* QEMU virt, which has as many as it was started with */
        CHECK(go_num_cores() >= 1 && go_num_cores() <= board.max_cores);
    }
}

static void runs_where_it_should(void *arg) {
    unsigned core = (unsigned)(uintptr_t)arg;
    CHECK_EQ(go_core(), core);
    CHECK_EQ(READ(mpidr_el1) & 0xff00ffffffull, board.core_ids[core]);
    wg_done(&wg);
}

TEST(boot, cores_are_who_they_say) {
    on_each_core(runs_where_it_should);
}

static void runs_at_el1t(void *arg) {
    (void)arg;
    CHECK_EQ(READ(CurrentEL) >> 2, 1);
    CHECK_EQ(READ(SPSel), 0);
    CHECK_EQ(READ(daif) & 0x80, 0); /* interrupts are open in a G */
    wg_done(&wg);
}

TEST(boot, el1_with_own_stack) {
    on_each_core(runs_at_el1t);
}

#define SCTLR_M  (1u << 0)
#define SCTLR_A  (1u << 1)
#define SCTLR_C  (1u << 2)
#define SCTLR_I  (1u << 12)
#define SCTLR_EE (1u << 25)

static struct { uint64_t sctlr, tcr, mair, ttbr0, vbar, cntfrq; } core_regs[HAL_MAX_CORES];

static void notes_registers(void *arg) {
    unsigned i = (unsigned)(uintptr_t)arg;
    core_regs[i].sctlr = READ(sctlr_el1);
    core_regs[i].tcr = READ(tcr_el1);
    core_regs[i].mair = READ(mair_el1);
    core_regs[i].ttbr0 = READ(ttbr0_el1);
    core_regs[i].vbar = READ(vbar_el1);
    core_regs[i].cntfrq = READ(cntfrq_el0);
    wg_done(&wg);
}

TEST(boot, mmu_and_caches_are_on) {
    on_each_core(notes_registers);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        uint64_t on = SCTLR_M | SCTLR_C | SCTLR_I;
        CHECK_EQ(core_regs[i].sctlr & on, on);
        CHECK_EQ(core_regs[i].sctlr & (SCTLR_A | SCTLR_EE), 0);
        CHECK_EQ(core_regs[i].sctlr, core_regs[0].sctlr);
        CHECK_EQ(core_regs[i].tcr, core_regs[0].tcr);
        CHECK_EQ(core_regs[i].mair, core_regs[0].mair);
        CHECK_EQ(core_regs[i].ttbr0, core_regs[0].ttbr0);
    }
}

TEST(boot, vectors_are_set) {
    on_each_core(notes_registers);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        CHECK(core_regs[i].vbar != 0);
        CHECK_EQ(core_regs[i].vbar % 2048, 0);
        CHECK_EQ(core_regs[i].vbar, core_regs[0].vbar);
    }
}

TEST(boot, counter_frequency_is_one) {
    on_each_core(notes_registers);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        CHECK(core_regs[i].cntfrq >= 1000000);
        CHECK_EQ(core_regs[i].cntfrq, core_regs[0].cntfrq);
    }
}

/* A reset leaves PMCR.E off, and the rest of the cycle counter's registers as they may be. */
static void counts_after_a_reset(void *arg) {
    (void)arg;
    uint64_t first = info_cycles();
    if (first != 0) { /* or this machine does not count */
        uint64_t control = READ(pmcr_el0);
        __asm__ volatile("msr pmcr_el0, %0\n\tmsr pmcntenset_el0, %1\n\tisb" ::"r"(control & ~1ull),
                         "r"(1ull << 31));
        first = info_cycles();
        bool counts = false;
        for (unsigned i = 0; i < 1000000 && !counts; i++) {
            counts = info_cycles() != first;
        }
        CHECK(counts);
        CHECK((READ(pmcr_el0) & 1) != 0);
    }
    wg_done(&wg);
}

TEST(boot, cycles_count_whatever_a_reset_left) {
    on_each_core(counts_after_a_reset);
}

static void uses_fp(void *arg) {
    volatile double half = 0.5;
    CHECK((READ(cpacr_el1) >> 20 & 3) == 3);
    CHECK(half + half == 1.0);
    (void)arg;
    wg_done(&wg);
}

TEST(boot, fp_is_on) {
    on_each_core(uses_fp);
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

#define VALID     (1ull << 0)
#define TABLE     (1ull << 1)
#define READ_ONLY (1ull << 7)
#define EL0       (1ull << 6)
#define SHARED    (3ull << 8)
#define INNER     (3ull << 8)
#define ACCESSED  (1ull << 10)
#define PXN       (1ull << 53)
#define UXN       (1ull << 54)
#define ADDRESS   0x0000fffffffff000ull

/* The descriptor that maps va, 0 if none does. Tables lie in memory that is mapped one to one. */
static uint64_t walk(uintptr_t va) {
    unsigned bits = 64 - (unsigned)(READ(tcr_el1) & 63);
    unsigned level = 3 - (bits - 13) / 9;
    uint64_t at = READ(ttbr0_el1) & ADDRESS;
    for (;; level++) {
        unsigned shift = 12 + 9 * (3 - level);
        uint64_t entry = ((volatile uint64_t *)(uintptr_t)at)[va >> shift & 511];
        if ((entry & VALID) == 0) {
            return 0;
        }
        if (level == 3 || (entry & TABLE) == 0) {
            return entry;
        }
        at = entry & ADDRESS;
    }
}

/* Whether a store at va would succeed, by the hardware. */
static bool writable(const volatile void *va) {
    hal_irq_t was = hal_irq_save(); /* PAR belongs to the core */
    uint64_t par;
    __asm__ volatile("at s1e1w, %1\n isb\n mrs %0, par_el1" : "=r"(par) : "r"(va) : "memory");
    hal_irq_restore(was);
    return (par & 1) == 0;
}

static unsigned memory_type(uint64_t entry) {
    return (unsigned)(core_regs[0].mair >> 8 * (entry >> 2 & 7) & 0xff);
}

static void check_mapping(const char *what, const volatile void *p, bool write, bool execute) {
    uint64_t entry = walk((uintptr_t)p);
    if (entry == 0) {
        FAIL("%s is not mapped", what);
    }
    if (((entry & READ_ONLY) == 0) != write || writable(p) != write) {
        FAIL("%s: writable is %d", what, !write);
    }
    if (((entry & PXN) == 0) != execute) {
        FAIL("%s: executable is %d", what, !execute);
    }
    if ((entry & EL0) != 0 || (entry & UXN) == 0 || (entry & ACCESSED) == 0) {
        FAIL("%s: EL0 may use it, or it is not marked as accessed", what);
    }
    if ((entry & SHARED) != INNER || memory_type(entry) != 0xff) {
        FAIL("%s is not Normal, write-back, inner shareable", what);
    }
}

static const char constant[64] = "in rodata";
static char data[64] = "in data";
static char zeroed[16384];

/* Nothing can be both written and executed. */
TEST(boot, write_xor_execute) {
    char on_stack[16];
    on_each_core(notes_registers);
    check_mapping("text", (const volatile void *)(uintptr_t)walk, false, true);
    check_mapping("the runtime's text", (const volatile void *)(uintptr_t)go_yield, false, true);
    check_mapping("rodata", constant, false, false);
    check_mapping("data", data, true, false);
    check_mapping("bss", zeroed, true, false);
    check_mapping("a stack", on_stack, true, false);
    void *page = go_page_alloc();
    CHECK(page != NULL);
    check_mapping("a page", page, true, false);
    go_page_free(page);
    for (unsigned i = 0; i < go_num_cores(); i++) {
        check_mapping("a core's stack", (char *)cores[i].hal.stack_top - 8, true, false);
    }
}

TEST(boot, vectors_cannot_be_written) {
    on_each_core(notes_registers);
    check_mapping("the vectors", (const volatile void *)(uintptr_t)core_regs[0].vbar, false, true);
}

TEST(boot, devices_are_device_memory) {
    on_each_core(notes_registers);
    for (unsigned i = 0; i < BOARD_RANGES && board.devices[i].size != 0; i++) {
        uint64_t entry = walk(board.devices[i].base);
        CHECK(entry != 0);
        CHECK_EQ(memory_type(entry), 0); /* Device-nGnRnE */
        CHECK((entry & PXN) != 0 && (entry & UXN) != 0);
        CHECK_EQ(entry & EL0, 0);
    }
}

TEST(boot, page_0_is_not_mapped) {
    CHECK_EQ(walk(0), 0);
    CHECK_EQ(walk(HAL_PAGE - 8), 0);
    CHECK(!readable(0));
}

/* What nobody has asked for does not answer: an address beyond RAM and devices. */
TEST(boot, the_rest_is_not_mapped) {
    CHECK(!readable(0x5f00000000));
    CHECK(!readable(0x8000000000));
}

/* Between any two core stacks, and below the lowest, there is a page that is not mapped. */
TEST(boot, core_stacks_have_guards) {
    for (unsigned i = 0; i < go_num_cores(); i++) {
        uintptr_t top = (uintptr_t)cores[i].hal.stack_top, below = 0;
        for (unsigned k = 0; k < go_num_cores(); k++) {
            uintptr_t other = (uintptr_t)cores[k].hal.stack_top;
            below = other < top && other > below ? other : below;
        }
        uintptr_t page = top - HAL_PAGE;
        CHECK(readable(page));
        while (readable(page)) {
            page -= HAL_PAGE;
            CHECK(page >= below);
            CHECK(top - page <= KB(20)); /* 16 KiB of stack, and the guard */
        }
        CHECK_EQ(walk(page), 0);
    }
}

TEST(boot, bss_is_zero) {
    for (size_t i = 0; i < sizeof zeroed; i++) {
        CHECK_EQ(((volatile char *)zeroed)[i], 0);
    }
}

/* Each page of RAM that the runtime gives out can be written and read back (and was nobody's). */
TEST(boot, ram_is_there) {
    size_t all, free;
    info_memory(&all, &free);
    CHECK(all >= MB(64) / HAL_PAGE);
    CHECK(free > all / 2);
    void **page, **list = NULL;
    size_t n = 0;
    while (n < free / 2 && (page = go_page_alloc()) != NULL) {
        page[0] = list;
        page[511] = page;
        list = page;
        n++;
    }
    bool right = true;
    while (list != NULL) {
        page = list;
        right = right && page[511] == page;
        list = page[0];
        go_page_free(page);
    }
    CHECK(right);
    CHECK(n >= free / 2 - 1);
}
