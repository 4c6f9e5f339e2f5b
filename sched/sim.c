/* sched/sim.c - deterministic simulation: see sim.h. */
#include "sched/sim.h"

#include "hal/kprint.h"

/* Instructions that one turn of the loop in measure() has, roughly. */
#define LOOP_INSNS 4

/* The least time between two timers: below it a core would do little but take interrupts. */
#define LEAST_INSNS 2000

static uint32_t seed = CONFIG_SIM; /* written by core 0 before the other cores start */
static int64_t least;              /* LEAST_INSNS as a time; the same */
uint32_t sim_draws;                /* the same, then anyone in tests/sim/stdatomic.h */

/* What each core did: its writer. Read by sim_report, hence atomic, relaxed. */
static struct { _Atomic uint64_t steps, hash; } trace[HAL_MAX_CORES];

/* ---- the seed ------------------------------------------------------------------------------- */

/* Where the word that begins with seed= stands in line, or NULL. */
static char *seed_word(char *line) {
    static const char word[] = "seed=";
    for (char *at = line; *at != '\0'; at++) {
        unsigned n = 0;
        while (word[n] != '\0' && at[n] == word[n]) {
            n++;
        }
        if (word[n] == '\0' && (at == line || at[-1] == ' ')) {
            return at;
        }
    }
    return NULL;
}

static void take_seed(char *line) {
    char *word = seed_word(line), *end = word;
    if (word == NULL) {
        return;
    }
    uint32_t n = 0;
    for (end += sizeof "seed=" - 1; *end >= '0' && *end <= '9'; end++) {
        n = n * 10 + (uint32_t)(*end - '0');
    }
    if (*end != '\0' && *end != ' ') {
        kprintf("sim: seed= wants a number, as in seed=7\n");
        hal_exit(2);
    }
    seed = n;
    do {
        *word++ = *end;
    } while (*end++ != '\0');
}

/* Virtual time may run at any number of nanoseconds an instruction. */
static void measure(void) {
    int64_t before = hal_now();
    for (volatile unsigned i = 0; i < LEAST_INSNS / LOOP_INSNS; i++) {
    }
    least = (hal_now() - before + 1) * hal_core_count(); /* one clock counts what all cores do */
}

void sim_begin(char *line) {
    if (CONFIG_SIM != 0) {
        take_seed(line);
        sim_draws = sim_seed(0);
        measure();
    }
}

uint32_t sim_seed(unsigned i) {
    if (CONFIG_SIM == 0) {
        return 2463534242u + i; /* anything but zero */
    }
    /* splitmix's finalizer: near seeds and cores begin far from each other */
    uint32_t x = (seed * HAL_MAX_CORES + i + 1) * 0x9e3779b9u;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    x ^= x >> 16;
    return x != 0 ? x : 1;
}

/* ---- draws ---------------------------------------------------------------------------------- */

/* From 0 to below n. */
static int64_t below(struct core *c, int64_t n) NEEDS(irq_masked) {
    return n > 0 ? (int64_t)(core_random(c) % (uint64_t)n) : 0;
}

int64_t sim_draw_slice(struct core *c, int64_t slice) NEEDS(irq_masked) {
    return least + below(c, slice);
}

/* Half of the timers come before they should, by a time that is as often short as long: a fixed
 * slice ends at the same few instructions again and again (HAZARDS 40). None comes at once: with a slice of
 * 10 us, which is 600 slow instructions of all cores together, all of them would take timers and nothing
 * else, for ever. */
int64_t sim_draw_deadline(struct core *c, int64_t when) NEEDS(irq_masked) {
    if (when == INT64_MAX) {
        return when;
    }
    uint32_t r = core_random(c);
    int64_t soonest = hal_now() + least, span = least << (r >> 8) % 8;
    int64_t early = soonest + below(c, span);
    when = when < soonest ? soonest : when;
    return (r & 1) != 0 && early < when ? early : when;
}

/* ---- the trace ------------------------------------------------------------------------------ */

void sim_note(struct core *c, const struct g *g) NEEDS(irq_masked) {
    uint64_t hash = atomic_load_explicit(&trace[c->hal.index].hash, memory_order_relaxed);
    hash = (hash ^ g->id ^ (uint64_t)hal_now() << 20) * UINT64_C(0x100000001b3); /* as FNV-1a does it */
    atomic_store_explicit(&trace[c->hal.index].hash, hash, memory_order_relaxed);
    count(&trace[c->hal.index].steps);
}

void sim_report(void) {
    uint64_t steps = 0, hash = 0;
    for (unsigned i = 0; CONFIG_SIM != 0 && i < hal_core_count(); i++) {
        steps += atomic_load_explicit(&trace[i].steps, memory_order_relaxed);
        hash = (hash ^ atomic_load_explicit(&trace[i].hash, memory_order_relaxed)) *
               UINT64_C(0x100000001b3);
    }
    if (CONFIG_SIM != 0) {
        kprintf("# sim: seed %u, %lu steps, trace %016lx\n", seed, (unsigned long)steps,
                (unsigned long)hash);
    }
}
