/*
 * tools/plugin/count.c - a QEMU plugin that counts instructions core by core; tools/inside.py builds and reads it.
 *
 *      mode=profile,start=ADDRESS,stop=ADDRESS   how often each block ran between these instructions; from reset
 *                                                without start; stops=N: until stop is passed for the Nth time
 *      mode=masked,start=ADDRESS,vectors=ADDRESS the longest stretches with interrupts masked, since that instruction
 *
 * A stretch begins where PSTATE.I becomes 1 and ends where it becomes 0. That is looked at after each instruction that
 * can change it: msr daif, msr daifset, msr daifclr, eret, and the first of a vector. A WFI ends it, too, and begins
 * another: a core that sleeps takes its interrupts at once. So does a reading of ISR_EL1: who looks whether an interrupt
 * is pending makes way for it. And so does the first instruction of an interrupt's vector: interrupts were open before it,
 * if only for the moment of an eret. Instructions of other cores do not count.
 *
 * The declarations are QEMU's plugin API 4; its header is not part of Debian's package.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 4;

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;
typedef struct {
    struct qemu_plugin_register *handle;
    const char *name, *feature;
} reg_descriptor;
typedef struct {
    char *data;
    unsigned len;
} g_array;
typedef struct {
    uint8_t *data;
    unsigned len;
} g_byte_array;
enum { CB_NO_REGS, CB_R_REGS };

void qemu_plugin_register_vcpu_init_cb(uint64_t id, void (*cb)(uint64_t id, unsigned core));
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*cb)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned core, void *arg), int flags,
                                          void *arg);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*cb)(unsigned core, void *arg),
                                            int flags, void *arg);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*cb)(uint64_t id, void *arg), void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t n);
g_array *qemu_plugin_get_registers(void);
int qemu_plugin_read_register(struct qemu_plugin_register *handle, g_byte_array *to);
void qemu_plugin_outs(const char *text);
g_byte_array *g_byte_array_new(void);
g_byte_array *g_byte_array_set_size(g_byte_array *array, unsigned n);

#define CORES 16

static uint64_t start, stop, vectors, stops = 1;

/* ---- profile ------------------------------------------------------------------------------------- */

struct block {
    uint64_t at, n, runs;
    struct block *next;
};
static struct block *blocks;
static bool started;

static void block_ran(unsigned core, void *arg) {
    (void)core;
    struct block *b = arg;
    started = started || start == 0 || b->at == start;
    b->runs += started && stops != 0;
    stops -= started && stops != 0 && b->at == stop;
}

static void profile_translated(uint64_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    struct block *b = calloc(1, sizeof *b);
    *b = (struct block){qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb), 0, blocks};
    blocks = b;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, block_ran, CB_NO_REGS, b);
}

static void profile_end(uint64_t id, void *arg) {
    (void)id;
    (void)arg;
    char line[100];
    for (struct block *b = blocks; b != NULL; b = b->next) {
        if (b->runs != 0) {
            snprintf(line, sizeof line, "block %" PRIx64 " %" PRIu64 " %" PRIu64 "\n", b->at, b->n, b->runs);
            qemu_plugin_outs(line);
        }
    }
}

/* ---- masked -------------------------------------------------------------------------------------- */

enum kind { PLAIN, MAY_CHANGE, OPENS };

static struct core {
    struct qemu_plugin_register *pstate;
    g_byte_array *bytes;
    uint64_t count, from, from_pc;
    bool look, masked;
} cores[CORES];

struct stretch {
    uint64_t from, to, longest, times;
    struct stretch *next;
};
static struct stretch *stretches[4096];

static void note(uint64_t from, uint64_t to, uint64_t n) {
    struct stretch **at = &stretches[(from * 31 + to) / 4 % 4096];
    for (; *at != NULL && ((*at)->from != from || (*at)->to != to); at = &(*at)->next) {
    }
    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
        **at = (struct stretch){.from = from, .to = to};
    }
    (*at)->times++;
    (*at)->longest = n > (*at)->longest ? n : (*at)->longest;
}

static bool reads_masked(struct core *c) {
    g_byte_array_set_size(c->bytes, 0);
    qemu_plugin_read_register(c->pstate, c->bytes);
    return c->bytes->data[0] >> 7 & 1;
}

static void before(unsigned core, uint64_t pc, enum kind kind) {
    struct core *c = &cores[core];
    if (c->look || kind != PLAIN) {
        bool masked = reads_masked(c);
        if (masked && !c->masked) {
            c->from = c->count;
            c->from_pc = pc;
        } else if (!masked && c->masked && started) {
            note(c->from_pc, pc, c->count - c->from);
        }
        c->masked = masked;
        c->look = kind == MAY_CHANGE;
        if (kind == OPENS && masked) {
            if (started) {
                note(c->from_pc, pc, c->count - c->from);
            }
            c->from = c->count;
            c->from_pc = pc;
        }
    }
    if (pc == start) { /* what was masked until now is the boot */
        started = true;
        c->from = c->count;
        c->from_pc = pc;
    }
    c->count++;
}

static void plain(unsigned core, void *pc) {
    before(core, (uintptr_t)pc, PLAIN);
}

static void may_change(unsigned core, void *pc) {
    before(core, (uintptr_t)pc, MAY_CHANGE);
}

static void opens(unsigned core, void *pc) {
    before(core, (uintptr_t)pc, OPENS);
}

static enum kind kind_of(uint64_t pc, uint32_t code) {
    if (code == 0xd503207f || (code & ~31u) == 0xd538c100) { /* wfi; mrs isr_el1 */
        return OPENS;
    }
    if (pc - vectors < 0x800 && pc % 0x200 == 0x80) { /* an interrupt's vector, of the four kinds of state */
        return OPENS;
    }
    bool msr_daif = (code & ~31u) == 0xd51b4220, immediate = (code & 0xfffff0df) == 0xd50340df; /* daifset, daifclr */
    bool eret = code == 0xd69f03e0;
    bool vector = pc - vectors < 0x800 && pc % 0x80 == 0;
    return msr_daif || immediate || eret || vector ? MAY_CHANGE : PLAIN;
}

static void masked_translated(uint64_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t pc = qemu_plugin_insn_vaddr(insn);
        uint32_t code = 0;
        qemu_plugin_insn_data(insn, &code, sizeof code);
        enum kind kind = kind_of(pc, code);
        /* A vector's first instruction is itself the change: looked at before it, as after any other */
        qemu_plugin_register_vcpu_insn_exec_cb(
            insn, kind == OPENS ? opens : kind == MAY_CHANGE ? may_change : plain, CB_R_REGS, (void *)(uintptr_t)pc);
    }
}

static void core_begins(uint64_t id, unsigned core) {
    (void)id;
    g_array *regs = qemu_plugin_get_registers();
    reg_descriptor *r = (reg_descriptor *)regs->data;
    for (unsigned i = 0; i < regs->len; i++) {
        if (strcmp(r[i].name, "cpsr") == 0) {
            cores[core].pstate = r[i].handle;
        }
    }
    cores[core].bytes = g_byte_array_new();
    cores[core].look = true;
}

static void masked_end(uint64_t id, void *arg) {
    (void)id;
    (void)arg;
    char line[120];
    for (size_t i = 0; i < 4096; i++) {
        for (struct stretch *s = stretches[i]; s != NULL; s = s->next) {
            snprintf(line, sizeof line, "masked %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIx64 "\n", s->longest, s->times,
                     s->from, s->to);
            qemu_plugin_outs(line);
        }
    }
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
    (void)info;
    bool profile = false;
    for (int i = 0; i < argc; i++) {
        profile = profile || strcmp(argv[i], "mode=profile") == 0;
        sscanf(argv[i], "start=%" SCNx64, &start);
        sscanf(argv[i], "stop=%" SCNx64, &stop);
        sscanf(argv[i], "stops=%" SCNu64, &stops);
        sscanf(argv[i], "vectors=%" SCNx64, &vectors);
    }
    if (profile) {
        qemu_plugin_register_vcpu_tb_trans_cb(id, profile_translated);
        qemu_plugin_register_atexit_cb(id, profile_end, NULL);
    } else {
        qemu_plugin_register_vcpu_init_cb(id, core_begins);
        qemu_plugin_register_vcpu_tb_trans_cb(id, masked_translated);
        qemu_plugin_register_atexit_cb(id, masked_end, NULL);
    }
    return 0;
}
