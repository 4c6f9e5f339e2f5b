/*
 * tests/coverage/dump.c - in a build with COVERAGE=1: how often each piece of the runtime ran, told when the machine
 * ends. tools/coverage.py reads it.
 *
 * The linker lets every call of hal_exit() come here first, so reports of a machine that dies are covered, too. On a
 * board the counters are printed, a line for each that is not zero; on the host the compiler's library writes its files.
 */
#include "tests/test.h"

_Noreturn void __real_hal_exit(int status);
_Noreturn void __wrap_hal_exit(int status);

#ifdef HAL_HOST

void __gcov_dump(void);

static void dump_all(void) {
    __gcov_dump();
}

#else

/* As the compiler lays them out: gcc's libgcc/libgcov.h. Its own library would want files and mmap(). */
#if __GNUC__ >= 14
#define KINDS 9
#else
#define KINDS 8
#endif

struct counters {
    uint32_t n;
    int64_t *values;
};

struct function {
    const struct source *key;
    uint32_t ident, line_checksum, cfg_checksum;
    struct counters arcs;
};

struct source {
    uint32_t version;
    struct source *next;
    uint32_t stamp, checksum;
    const char *path;
    void (*merge[KINDS])(int64_t *values, unsigned n);
    uint32_t n;
    const struct function *const *functions;
};

/* From linker/aarch64.ld.S; the compiler puts a pointer there for each source. */
extern const struct source *const __gcov_info_start[], *const __gcov_info_end[];

/* Named by each source, called by none: runs are added up by tools/coverage.py. */
void __gcov_merge_add(int64_t *values, unsigned n);
void __gcov_merge_add(int64_t *values, unsigned n) {
    (void)values;
    (void)n;
}

static void dump_function(const struct source *s, const struct function *f) {
    if (f == NULL || f->key != s || f->arcs.n == 0) {
        return; /* the linker took another's copy, or threw it away */
    }
    for (uint32_t i = 0; i < f->arcs.n; i++) { /* one call, one line: other cores may print, too */
        if (i == 0 || f->arcs.values[i] != 0) {
            kprintf("gcov: %u %u %u %u %u %ld\n", f->ident, f->line_checksum, f->cfg_checksum,
                    f->arcs.n, i, (long)f->arcs.values[i]);
        }
    }
}

static void dump_all(void) {
    for (const struct source *const *at = __gcov_info_start; at != __gcov_info_end; at++) {
        kprintf("gcov-file: %s %u %u %u\n", (*at)->path, (*at)->version, (*at)->stamp, (*at)->checksum);
        for (uint32_t i = 0; i < (*at)->n; i++) {
            dump_function(*at, (*at)->functions[i]);
        }
    }
}

#endif

/* Who comes second ends the machine at once: it may have stopped the first, to report a panic. */
_Noreturn void __wrap_hal_exit(int status) {
    static _Atomic bool begun;
    if (!atomic_exchange(&begun, true)) {
        dump_all();
    }
    __real_hal_exit(status);
}
