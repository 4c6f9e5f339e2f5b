/* tests/fuzz/option.c - sched/option.c, sched/knob_words.c: of any word, what is set is what the word says, and within its option's limit. */
#include "sched/option.c"

#define behind knobs_behind
#define number knobs_number
#include "sched/knob_words.c"
#undef behind
#undef number

#include "tests/fuzz/fuzz.h"

_Atomic bool trace_at_end;

static struct {
    unsigned calls;
    long value;
    long most;
} set;

static int sets(long value, long most) {
    set.calls++;
    set.value = value;
    set.most = most;
    return 0;
}

int trace_start(unsigned what, size_t events, unsigned hz) {
    return what == TRACE_SAMPLES ? sets((long)hz, 10000) : sets((long)events, 1l << 17);
}
int schedtrace_every(uint32_t ms) {
    return sets((long)ms, 3600000);
}
int schedtrace_detail(uint32_t on) {
    return sets((long)on, 1);
}

void knobs_turn(enum knob k, uint32_t value) {
    WANT(k < KNOBS && words[k].set == NULL && value <= 1000000);
}
ns_t go_set_slice(ns_t d) {
    WANT(d >= SLICE_LEAST && d <= SLICE_MOST);
    return d;
}
unsigned go_num_cores(void) {
    return 4;
}
int go_set_cores(unsigned n) {
    WANT(n >= 1 && n <= 4);
    return 0;
}

int go_set_policy(const char *name) {
    return strcmp(name, "fifo") == 0 ? 0 : -EINVAL;
}
int go_set_model(const char *name) {
    return strcmp(name, "m-n") == 0 ? 0 : -EINVAL;
}
const char *go_model(void) {
    return "m-n";
}
const char *go_models(unsigned i, const char **does) {
    return go_policies(i, does);
}
const char *go_policies(unsigned i, const char **does) {
    *does = "";
    return i == 0 ? "fifo" : NULL;
}
void kprintf(const char *format, ...) {
    (void)format;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    char *word = malloc(n + 1);
    WANT(word != NULL);
    memcpy(word, data, n);
    word[n] = '\0';
    set.calls = 0;
    int r = go_option(word);
    WANT(r == 0 || r == -EINVAL || r == -ENOENT);
    WANT(set.calls <= (r == 0));
    go_option_wants(word);
    if (set.calls != 0) {
        const char *value = strchr(word, '=');
        WANT(set.value >= 0 && set.value <= set.most);
        WANT(value == NULL || strncmp(word, "block", 5) == 0 || atol(value + 1) == set.value);
    }
    free(word);
    return 0;
}
