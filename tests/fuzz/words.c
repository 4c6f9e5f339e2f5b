/*
 * tests/fuzz/words.c - the command line of libc/start.c: any line is cut into words that lie in their array, and what
 * the host port joins comes apart as it was.
 */
#define main host_main /* hal/host/main.c: for append_word() */
#include "hal/host/main.c"
#undef main
#define append append_to_line
#include "libc/start.c"
#undef append

#include "tests/fuzz/fuzz.h"

const struct board board;
_Noreturn void host_die(const char *why) {
    (void)why;
    abort();
}
void host_power_init(char **args) {
    (void)args;
}
void host_clock_init(unsigned n) {
    (void)n;
}
void sim_begin(char *line) {
    (void)line;
}
void host_symbols_init(void) {
}
void host_memory_init(void) {
}
void host_faults_init(void) {
}
void host_stop_init(void) {
}
void host_cores_start(unsigned n) {
    (void)n;
    abort();
}
void console_start(void) {
}
void go_main_returned(void) {
}
void trace_finish(void) {
}
int go_option(const char *word) {
    (void)word;
    return -ENOENT;
}
void go_option_wants(const char *word) {
    (void)word;
}
_Noreturn void go_panic(const char *file, int line, const char *format, ...) {
    (void)file;
    (void)line;
    (void)format;
    abort();
}
const char *info_args(void) {
    return boot_info.args;
}
int app_main(int argc, char **args) {
    (void)args;
    return argc;
}

static void cut(const char *line) {
    int argc = split(line);
    WANT(argc >= 1 && (size_t)argc < sizeof argv / sizeof argv[0]);
    for (int i = 1; i < argc; i++) {
        WANT(argv[i] >= words && argv[i] + strlen(argv[i]) < words + sizeof words);
    }
}

/* The words between NULs of data, joined and cut again. */
static void join_and_cut(const char *data, size_t n) {
    const char *in[64];
    size_t used = 0, count = 0;
    for (const char *at = data; at < data + n && count < 64; at += strlen(at) + 1) {
        if (used + 5 * strlen(at) + 3 >= sizeof boot_info.args) {
            break; /* host_die() says so to the user */
        }
        append(&used, " ", count != 0);
        append_word(&used, at);
        in[count++] = at;
    }
    boot_info.args[used] = '\0';
    WANT((size_t)split(boot_info.args) == count + 1);
    for (size_t i = 0; i < count; i++) {
        WANT(strcmp(argv[i + 1], in[i]) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    char line[LINE_MAX_BYTES];
    n = n < sizeof line - 1 ? n : sizeof line - 1;
    memset(line, 0, sizeof line);
    memcpy(line, data, n);
    cut(line);
    memset(&boot_info, 0, sizeof boot_info);
    join_and_cut(line, n);
    return 0;
}
