/* boot/init.c - power-on as a list: what core 0 does from the moment its caches are on.
 *
 * The only file that knows everything below it; nobody includes it.
 * TOUR 1 / read next: sched/cores.c */
#include <bareloom/config.h>

#include "boot/atags.h"
#include "boot/command_line.h"
#include "boot/fdt.h"
#include "drivers/semihost.h"
#include "hal/aarch64/port.h"
#include "hal/kprint.h"
#include "sched/sim.h"

struct boot_info boot_info;
const struct intc *board_intc;

_Noreturn void boot_main(const void *fdt, uint64_t entry_el);

/* Beside each step of boot_main(), where CONFIG_BOOT_LED says so: for a board whose UART is silent (docs/PI.md). */
static void show(unsigned step) {
    if (CONFIG_BOOT_LED && board_devices.show != NULL) {
        board_devices.show(step);
    }
}

static void note_entry(const void *fdt, uint64_t entry_el) {
    boot_info.entry_el = (unsigned)entry_el;
    uint64_t word;
    if (((uintptr_t)fdt & 7) == 0 && hal_peek((uintptr_t)fdt, &word) && fdt_valid(fdt)) {
        boot_info.fdt = fdt;
    } else if (hal_peek(board.ram.base, &word) && fdt_valid((const void *)board.ram.base)) {
        boot_info.fdt = (const void *)board.ram.base; /* QEMU virt puts it there for an ELF */
    }
}

static void console_on(void) {
    if (board.early != NULL) {
        board.early();
    }
    board.console->ops->init(board.console);
}

/* Semihosting's line begins with the program's name, as a shell's does; a kernel's does not. */
static void drop_name(char *line) {
    char *to = line;
    while (*line != '\0' && *line != ' ') {
        line++;
    }
    while (*line == ' ') {
        line++;
    }
    while ((*to++ = *line++) != '\0') {
    }
}

/* From the device tree, or from the list of ATAGs that x0 points to, or that a Pi's firmware leaves
 * at its usual place. */
static const char *passed_line(const void *x0) {
    const void *usual = (const void *)(board.ram.base + 0x100);
    uint64_t word;
    const char *line = fdt_bootargs(boot_info.fdt);
    if (line == NULL && ((uintptr_t)x0 & 7) == 0 && hal_peek((uintptr_t)x0, &word)) {
        line = atags_command_line(x0);
    }
    if (line == NULL && hal_peek((uintptr_t)usual, &word)) {
        line = atags_command_line(usual);
    }
    return line;
}

static void arguments(const void *x0) {
    const char *line;
    if (semihost_args(boot_info.args, sizeof boot_info.args)) {
        drop_name(boot_info.args);
    } else if ((line = passed_line(x0)) != NULL) {
        command_line_take(line);
    }
    sim_begin(boot_info.args);
}

static size_t memory(void) {
    struct range r;
    size_t size = board.ram_size != NULL ? board.ram_size() : 0;
    if (size == 0 && fdt_memory(boot_info.fdt, &r) && r.base == board.ram.base) {
        size = r.size;
    }
    if (size == 0) {
        size = board.ram.size;
    }
    mmu_add_ram(board.ram.base, size);
    fdt_reserved(boot_info.fdt, mmu_keep_off); /* the tree itself, an initrd, the firmware's */
    mmu_map_ram();
    return size;
}

static void interrupts_on(void) {
    for (const struct intc *const *c = board.intc; *c != NULL && board_intc == NULL; c++) {
        if (board.intc_present == NULL || board.intc_present(*c)) {
            board_intc = *c;
        }
    }
    if (board_intc == NULL) {
        kprintf("boot: none of the interrupt controllers that %s may have is there\n", board.name);
        hal_exit(2);
    }
    board_intc->ops->init(board_intc);
}

static void clock_on(void) {
    if (!clock_init()) {
        kprintf("boot: CNTFRQ_EL0 is 0: the firmware must set the counter's frequency\n");
        hal_exit(2);
    }
}

static void banner(size_t ram) {
    kprintf("Bareloom on %s: %u cores, %lu MB, entered at EL%u, counter %lu kHz\n", board.name,
            hal_core_count(), (unsigned long)(ram >> 20), boot_info.entry_el,
            (unsigned long)(clock_hz() / 1000));
}

_Noreturn void boot_main(const void *fdt, uint64_t entry_el) {
    note_entry(fdt, entry_el); /* where we came from */
    show(1);
    console_on(); /* kprintf works from here on */
    show(2);
    clock_on();            /* hal_now() */
    arguments(fdt);        /* command line: semihosting, device tree or ATAGs */
    size_t ram = memory(); /* all of it mapped, and ready for sched/pages.c */
    show(3);
    interrupts_on(); /* the controller; all lines off */
    core_init(0);    /* this core: identity, timer, doorbell */
    show(4);
    cores_start();          /* the others, one by one */
    mmu_forget_page_zero(); /* NULL faults from here on */
    banner(ram);
    show(5);
    sched_core_main();
}
