/*
 * tests/fuzz/line.c - what is typed at wordcount's prompt: line.c reads any keys into a line of any size, and console.c
 * carries the line out. A number that a command gets is in its range.
 */
#include "examples/wordcount/line.c"

#include "examples/wordcount/console.c"

#include "tests/fuzz/fuzz.h"

static struct { const uint8_t *at, *end; } keys;

int console_getc(void) {
    return keys.at < keys.end ? *keys.at++ : -1;
}
void console_write(const void *bytes, size_t n) {
    WANT(n != 0 && bytes != NULL);
}
int console_getc_until(struct limit l) {
    (void)l;
    return console_getc();
}
struct limit limit_within(ns_t d) {
    return (struct limit){.when = d};
}

/* ---- what the commands call: they look at their arguments ---------------------------------------- */

unsigned go_num_cores(void) {
    return 4;
}
unsigned go_cores(void) {
    return 4;
}
bool top(int times) {
    WANT(times >= 0 && times <= MAX_TIMES);
    return true;
}
bool lanes(ns_t duration) {
    (void)duration;
    return true;
}
int go_option(const char *word) {
    WANT(*word != '\0' && strchr(word, ' ') == NULL);
    return -ENOENT;
}
void go_option_wants(const char *word) {
    (void)word;
}
int go_set_cores(unsigned n) {
    WANT(n >= 1 && n <= 4);
    return 0;
}
static unsigned started;
int go_with(const struct go_opts *o, go_fn *fn, void *arg) {
    (void)o;
    (void)fn;
    (void)arg;
    WANT(++started <= MAX_HOGS);
    return 0;
}
void wg_add(struct wg *w, int n) {
    (void)w;
    (void)n;
}
void wg_done(struct wg *w) {
    (void)w;
}
void wg_wait(struct wg *w) {
    (void)w;
    started = 0;
}
int chan_send(struct chan *c, const void *v) {
    (void)c;
    (void)v;
    return 0;
}
void info_gs(bool (*fn)(const struct go_info *g, void *arg), void *arg) {
    (void)fn;
    (void)arg;
}
void info_memory(size_t *pages, size_t *free_pages) {
    *pages = *free_pages = 0;
}
void report_cores(const struct core_info *before) {
    (void)before;
}
int wordcount(bool progress) {
    return !progress;
}
_Noreturn void machine_reset(void) {
    abort(); /* run_line() passes it over */
}

static void run_line(char *line) {
    if (strstr(line, "reboot") == NULL) {
        int status = execute(line);
        WANT(status == GO_ON || (status >= 0 && status <= 255));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static bool quiet;
    if (!quiet) {
        quiet = freopen("/dev/null", "w", stdout) != NULL;
    }
    keys.at = data;
    keys.end = data + n;
    size_t size = n != 0 && data[0] % 4 == 0 ? 1 + data[0] : LINE_CHARS + 1;
    char *line = malloc(size);
    WANT(line != NULL);
    while (line_read("> ", line, size) == 0) {
        WANT(strlen(line) < size);
        for (const char *c = line; *c != '\0'; c++) {
            WANT(*c >= ' ' && *c <= '~');
        }
        run_line(line);
    }
    free(line);
    return 0;
}
