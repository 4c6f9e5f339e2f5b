/* sched/option.c - the runtime's own words of a command line. */
#include <bareloom/info.h>
#include <bareloom/model.h>
#include <bareloom/policy.h>

#include "hal/errno.h"
#include "hal/kprint.h"
#include "sched/knobs.h"
#include "sched/sched.h"
#include "sched/schedtrace.h"

#define EVENTS_DEFAULT 16384

static int record(unsigned what, uint32_t events, uint32_t hz) {
    int r = trace_start(what, events, hz);
    if (r == 0) {
        atomic_store_explicit(&trace_at_end, true, memory_order_relaxed);
    }
    return r;
}

static int trace_option(uint32_t events) {
    return record(TRACE_EVENTS, events, 0);
}

static int profile_option(uint32_t hz) {
    return record(TRACE_SAMPLES, EVENTS_DEFAULT, hz);
}

static int block_option(uint32_t on) {
    return on != 0 ? record(TRACE_BLOCKS, EVENTS_DEFAULT, 0) : 0;
}

/* The words whose value is a number. */
static const struct option {
    const char *name;
    uint32_t without; /* what it means without a value; 0: it wants one */
    uint32_t least, most;
    int (*set)(uint32_t value);
} options[] = {
    {"trace", EVENTS_DEFAULT, 0, 1u << 17, trace_option},
    {"profile", 0, 1, 10000, profile_option},
    {"blockprofile", 0, 0, 1, block_option},
    {"schedtrace", 0, 0, 3600000, schedtrace_every},
    {"scheddetail", 0, 0, 1, schedtrace_detail},
};

/* Behind the option's name in word; NULL: it is another word. */
static const char *behind(const char *word, const char *name) {
    while (*name != '\0' && *word == *name) {
        word++;
        name++;
    }
    return *name == '\0' && (*word == '\0' || *word == '=') ? word : NULL;
}

/* From least to most, or -EINVAL. */
static int64_t number(const char *s, uint32_t least, uint32_t most) {
    int64_t n = 0;
    const char *at = s;
    for (; *at >= '0' && *at <= '9' && n <= most; at++) {
        n = n * 10 + (*at - '0');
    }
    return at != s && *at == '\0' && n >= least && n <= most ? n : -EINVAL;
}

static const char policy[] = "policy", model[] = "model";

int go_option(const char *word) {
    const char *name = behind(word, policy);
    if (name != NULL) {
        return *name == '=' ? go_set_policy(name + 1) : -EINVAL;
    }
    name = behind(word, model);
    if (name != NULL) {
        return *name == '=' ? go_set_model(name + 1) : -EINVAL;
    }
    int knob = knobs_option(word);
    if (knob != -ENOENT) {
        return knob;
    }
    for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++) {
        const struct option *o = &options[i];
        const char *rest = behind(word, o->name);
        if (rest != NULL) {
            bool bare = *rest == '\0' && o->without != 0;
            int64_t n = bare ? o->without : number(*rest == '=' ? rest + 1 : rest, o->least, o->most);
            return n < 0 ? (int)n : o->set((uint32_t)n);
        }
    }
    return -ENOENT;
}

static void list(const char *word, const char *option,
                 const char *(*names)(unsigned i, const char **does)) {
    kprintf("%s: there is", word);
    const char *name, *does;
    for (unsigned i = 0; (name = names(i, &does)) != NULL; i++) {
        kprintf(" %s=%s", option, name);
    }
}

void go_option_wants(const char *word) {
    if (behind(word, policy) != NULL) {
        list(word, policy, go_policies);
        kprintf("%s\n", behind(go_model(), "m-n") != NULL ? "" : ", under model=m-n alone");
        return;
    }
    if (behind(word, model) != NULL) {
        list(word, model, go_models);
        kprintf("%s\n",
                HAL_TRAPS ? "" : "; model=1-1 is a machine's: no exceptions are a process's own");
        return;
    }
    if (knobs_wants(word)) {
        return;
    }
    for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (behind(word, options[i].name) != NULL) {
            kprintf("%s: %s= wants a number from %u to %u\n", word, options[i].name,
                    options[i].least, options[i].most);
        }
    }
}
