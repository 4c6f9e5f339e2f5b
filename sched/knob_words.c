/* sched/knob_words.c - the words of knobs: which values each may have.
 * TOUR 7 / read next: sched/model.c */
#include "sched/knobs.h"

#include "hal/errno.h"
#include "hal/kprint.h"
#include "sched/runq.h"

/* Looks of spin=on: some tens of microseconds. */
#define SPIN_USUAL 1000

static int set_slice(uint32_t ns) {
    go_set_slice(ns);
    return 0;
}

static int set_cores(uint32_t n) {
    return go_set_cores(n);
}

/* A knob that has a function is none of knobs[]. */
static const struct word {
    const char *name;
    struct {
        const char *name;
        uint32_t value;
    } named[3];
    uint32_t least, most; /* of numbers, which are wanted instead or besides; most 0: none are */
    int (*set)(uint32_t value);
} words[] = {
    [KNOB_TICK] = {.name = "tick", .named = {{"on", 1}, {"off", 0}}},
    [KNOB_REDUCTIONS] = {.name = "reductions", .named = {{"off", 0}}, .least = 1, .most = 1000000},
    [KNOB_RUNNEXT] = {.name = "runnext", .named = {{"on", 1}, {"off", 0}}},
    [KNOB_SPIN] = {.name = "spin", .named = {{"off", 0}, {"on", SPIN_USUAL}}, .least = 1, .most = 100000},
    [KNOB_STEAL] = {.name = "steal",
                    .named = {{"half", STEAL_MOST}, {"one", 1}, {"off", 0}},
                    .least = 1,
                    .most = STEAL_MOST},
    [KNOB_DEMOTE] = {.name = "demote", .named = {{"on", 1}, {"off", 0}}},
    [KNOB_GCACHE] = {.name = "gcache", .named = {{"on", 1}, {"off", 0}}},
    {.name = "slice", .set = set_slice},
    {.name = "cores", .least = 1, .set = set_cores},
};

#define WORDS (sizeof words / sizeof words[0])

/* slice=, as go_set_slice() takes it. */
#define SLICE_LEAST US(10)
#define SLICE_MOST  SEC(1)

static uint32_t most_of(const struct word *w) {
    return w->set == set_cores ? go_num_cores() : w->most;
}

/* Behind name= in word; NULL: it is another word. Without = it is one of the program's. */
static const char *behind(const char *word, const char *name) {
    while (*name != '\0' && *word == *name) {
        word++;
        name++;
    }
    return *name == '\0' && *word == '=' ? word + 1 : NULL;
}

static bool equal(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* The number at *at, which moves behind it; more than most is most + 1. False: there is none. */
static bool number(const char **at, uint64_t most, uint64_t *n) {
    const char *from = *at;
    for (*n = 0; **at >= '0' && **at <= '9'; (*at)++) {
        *n = *n <= most ? *n * 10 + (uint64_t)(**at - '0') : *n;
    }
    return *at != from;
}

/* From text as 500us, 10ms, 1s. */
static bool time_from(const char *text, uint32_t *value) {
    static const struct {
        const char *name;
        ns_t ns;
    } units[] = {{"us", US(1)}, {"ms", MS(1)}, {"s", SEC(1)}};
    uint64_t n;
    if (!number(&text, SLICE_MOST, &n)) {
        return false;
    }
    for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (equal(text, units[i].name)) {
            uint64_t ns = n <= SLICE_MOST ? n * (uint64_t)units[i].ns : n;
            *value = (uint32_t)ns;
            return ns >= SLICE_LEAST && ns <= SLICE_MOST;
        }
    }
    return false;
}

static bool value_from(const struct word *w, const char *text, uint32_t *value) {
    if (w->set == set_slice) {
        return time_from(text, value);
    }
    for (unsigned i = 0; i < 3 && w->named[i].name != NULL; i++) {
        if (equal(text, w->named[i].name)) {
            *value = w->named[i].value;
            return true;
        }
    }
    uint64_t n;
    uint32_t most = most_of(w);
    if (!number(&text, most, &n) || *text != '\0' || n < w->least || n > most) {
        return false;
    }
    *value = (uint32_t)n;
    return true;
}

static const struct word *find(const char *word, const char **text) {
    for (unsigned i = 0; i < WORDS; i++) {
        if ((*text = behind(word, words[i].name)) != NULL) {
            return &words[i];
        }
    }
    return NULL;
}

/* ---- asking ------------------------------------------------------------------------------------ */

int knobs_option(const char *word) {
    const char *text;
    uint32_t value = 0;
    const struct word *w = find(word, &text);
    if (w == NULL) {
        return -ENOENT;
    }
    if (!value_from(w, text, &value) || (!CONFIG_TRACE && w->set == NULL)) {
        return -EINVAL;
    }
    if (w->set != NULL) {
        return w->set(value);
    }
    knobs_turn((enum knob)(w - words), value);
    return 0;
}

bool knobs_wants(const char *word) {
    const char *text;
    const struct word *w = find(word, &text);
    if (w == NULL) {
        return false;
    }
    if (w->set == set_slice) {
        kprintf("%s: slice= wants a time from 10us to 1s, as 500us or 10ms\n", word);
        return true;
    }
    kprintf("%s: %s= wants", word, w->name);
    for (unsigned i = 0; i < 3 && w->named[i].name != NULL; i++) {
        kprintf("%s %s", i != 0 ? " or" : "", w->named[i].name);
    }
    if (most_of(w) != 0) {
        kprintf("%s a number from %u to %u", w->named[0].name != NULL ? " or" : "", w->least,
                most_of(w));
    }
    kprintf("%s\n", CONFIG_TRACE || w->set != NULL ? "" : "; this build has no such knob");
    return true;
}
