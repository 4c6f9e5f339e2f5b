/*
 * hal/host/symbol.c - names of functions and backtraces, by the program's own symbol table.
 *
 * dladdr() knows only exported names, and takes a lock that the thread which failed may hold. The
 * table is mapped at start, so that a report only reads memory. A stripped program has none.
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hal/host/machine.h"

#define FRAMES 32

static struct {
    const ElfW(Sym) * symbols;
    size_t count;
    const char *names;
    uintptr_t bias; /* where the program lies, less where it was linked to */
} table;

/* The first object that the loader lists is the program. */
static int first_object(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size;
    (void)arg;
    table.bias = info->dlpi_addr;
    return 1;
}

static void read_sections(const char *file) {
    const ElfW(Ehdr) *head = (const void *)file;
    const ElfW(Shdr) *sections = (const void *)(file + head->e_shoff);
    for (unsigned i = 0; head->e_shoff != 0 && i < head->e_shnum; i++) {
        if (sections[i].sh_type == SHT_SYMTAB) {
            table.symbols = (const void *)(file + sections[i].sh_offset);
            table.count = sections[i].sh_size / sizeof *table.symbols;
            table.names = file + sections[sections[i].sh_link].sh_offset;
        }
    }
}

void host_symbols_init(void) {
    struct stat st;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &st) == 0) {
        void *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (file != MAP_FAILED) {
            read_sections(file);
            dl_iterate_phdr(first_object, NULL);
        }
    }
    close(fd);
}

const char *hal_symbol(uintptr_t pc, uintptr_t *offset) {
    uintptr_t linked = pc - table.bias;
    for (size_t i = 0; i < table.count; i++) {
        const ElfW(Sym) *s = &table.symbols[i];
        if (ELF64_ST_TYPE(s->st_info) == STT_FUNC && linked - s->st_value < s->st_size) {
            *offset = linked - s->st_value;
            return table.names + s->st_name;
        }
    }
    return NULL;
}

/* ---- backtraces ------------------------------------------------------------------------------ */

/* A place in the call that returns to pc: pc itself may be the next function's, behind a call of a
 * function that does not return. */
static uintptr_t call_before(uint64_t pc) {
    return host_code_address(pc) - 1;
}

/* A frame record is {caller's frame record, return address}; the first of a stack is {0, 0}. */
static void walk(uintptr_t fp, uintptr_t lo, uintptr_t hi, void (*line)(uintptr_t pc)) {
    for (int left = FRAMES - 2; left > 0 && fp >= lo && fp + 16 <= hi && fp % 8 == 0; left--) {
        uint64_t record[2];
        if (!hal_peek(fp, &record[0]) || !hal_peek(fp + 8, &record[1]) || record[1] == 0) {
            return;
        }
        line(call_before(record[1]));
        if (record[0] <= fp) {
            return; /* callers lie above */
        }
        fp = record[0];
    }
}

/* The saved state of a G that is off its core: only its frame record's address and its pc are of
 * interest. */
static void walk_g(const struct hal_g *g, uintptr_t lo, uintptr_t hi, void (*line)(uintptr_t pc)) {
    uintptr_t sp = (uintptr_t)(g->frame != NULL ? host_frame_sp(g->frame) : g->sp);
    uint64_t pc, fp, first;
    if (sp < lo || sp + sizeof(struct host_context) > hi ||
        !hal_peek(sp + offsetof(struct host_context, pc), &pc) ||
        !hal_peek(sp + offsetof(struct host_context, fp), &fp)) {
        return;
    }
    if (pc == (uintptr_t)host_start && hal_peek(sp + HOST_CONTEXT_FN, &first)) {
        line(first); /* has yet to be called */
        return;
    }
    line(call_before(pc));
    walk(fp, lo, hi, line);
}

/* What was interrupted at pc, with its frame record at fp. In the C library, or nowhere: the function
 * that called there made no frame record yet, so lr says who it was. */
static void walk_from(uintptr_t pc, uintptr_t fp, uintptr_t lr, uintptr_t lo, uintptr_t hi,
                      void (*line)(uintptr_t pc)) {
    uintptr_t unused;
    uintptr_t caller = call_before(lr);
    line(pc);
    if (hal_symbol(pc, &unused) == NULL && hal_symbol(caller, &unused) != NULL) {
        line(caller);
    }
    walk(fp, lo, hi, line);
}

bool hal_backtrace_stopped(const struct g *g, uintptr_t lo, uintptr_t hi, void (*line)(uintptr_t pc)) {
    for (unsigned i = 0; i < hal_core_count(); i++) {
        const struct host_core *c = host_core_at(i);
        /* acquire: pairs with the release in power.c */
        if (atomic_load_explicit(&c->stopped, memory_order_acquire) && c->stop.g == g) {
            walk_from(c->stop.pc, c->stop.fp, c->stop.lr, lo, hi, line);
            return true;
        }
    }
    return false;
}

void hal_backtrace_interrupted(uintptr_t lo, uintptr_t hi, void (*line)(uintptr_t pc)) {
    const struct host_context *saved = host_self()->interrupted_sp;
    walk(saved->fp, lo, hi, line); /* the first call that returns to the program is that of the edge */
}

void hal_backtrace(const struct g *g, const struct hal_fault *fault, uintptr_t lo, uintptr_t hi,
                   void (*line)(uintptr_t pc)) {
    if (fault != NULL) {
        const struct host_fault *f = (const struct host_fault *)fault;
        walk_from(fault->pc, f->fp, f->lr, lo, hi, line);
    } else if (g == hal_self()) {
        /* Not from the own record: the call may be a jump that has taken this frame down. */
        const uintptr_t *own = __builtin_frame_address(0);
        uintptr_t callers = own[0];
        line(call_before(own[1]));
        walk(callers, lo, hi, line);
    } else {
        walk_g((const struct hal_g *)g, lo, hi, line);
    }
}
