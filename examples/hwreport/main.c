/*
 * hwreport - one page about the board it runs on, to be sent in: what the firmware says of it, whether its parts work
 * together, what each core has done, how late a sleep ends, what switches and wake-ups take. `make hw-report` sends it to a board (docs/PI.md).
 *
 * The times mean something on hardware only; an emulator's are those of the computer that it runs on.
 */
#include <bareloom.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLEEPS 500
#define ROUNDS 1000

/* ---- the board ------------------------------------------------------------------------------------ */

static bool emulator;

static bool print_fact(const struct board_info *fact, void *arg) {
    unsigned *n = arg;
    ++*n;
    emulator = emulator || strcmp(fact->name, "emulator") == 0;
    printf("  %-20s ", fact->name);
    if (strcmp(fact->unit, "hex") == 0) {
        printf("%" PRIx64 "\n", fact->value);
    } else if (strcmp(fact->unit, "date") == 0) {
        char date[16];
        time_t t = (time_t)fact->value;
        strftime(date, sizeof date, "%Y-%m-%d", gmtime(&t));
        printf("%s\n", date);
    } else if (fact->value != 0) {
        printf("%" PRIu64 " %s\n", fact->value, fact->unit);
    } else {
        printf("%s\n", fact->unit);
    }
    return true;
}

static void board(void) {
    unsigned n = 0;
    size_t pages, free_pages;
    printf("board: %s; compiler %s\n", info_board(), __VERSION__);
    info_board_facts(print_fact, &n);
    if (n == 0) {
        printf("  says nothing of itself\n");
    }
    info_memory(&pages, &free_pages);
    printf("  %-20s %zu of %zu KiB\n", "free memory", free_pages * 4, pages * 4);
    if (emulator || strncmp(info_board(), "QEMU", 4) == 0) {
        printf("All times and cycles here are an emulator's: they say nothing of a board.\n");
    }
}

static void cores(void) {
    struct core_info c;
    const char *stage;
    printf("cores: %u of %u in use\n", go_cores(), go_num_cores());
    for (unsigned i = 0; (stage = info_core_stage(i)) != NULL; i++) {
        printf("  the board's core %u  %s\n", i, stage);
    }
    for (unsigned i = 0; info_core(i, &c); i++) {
        printf("  core %u: %" PRIu64 " switches, %" PRIu64 " ticks, %" PRIu64 " doorbells, %" PRIu64
               " sleeps, %" PRIu64 " stolen\n",
               i, c.switches, c.ticks, c.ipis_received, c.idle_wakes, c.stolen);
    }
}

/* ---- does it work ------------------------------------------------------------------------------------ */

#define PAGES_COPIED 16

static int64_t shared;
static _Atomic unsigned counted[8];

/* A core's own share of a sum, over and over, under a lock and without. */
static void adds(void *arg) {
    static struct mutex lock;
    struct wg *done = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        mutex_lock(&lock);
        shared++;
        mutex_unlock(&lock);
        for (unsigned k = 0; k < 8; k++) {
            counted[k]++;
        }
    }
    wg_done(done);
}

/* The cores see each other's stores, by locks and by exclusive accesses. */
static bool cores_agree(void) {
    struct wg done = {0};
    unsigned n = go_num_cores();
    wg_add(&done, (int)n);
    for (unsigned core = 0; core < n; core++) {
        go_with(&GO_OPTS(GO_PIN((int)core), .name = "adds"), adds, &done);
    }
    wg_wait(&done);
    bool right = shared == (int64_t)n * ROUNDS;
    for (unsigned k = 0; k < 8; k++) {
        right = right && counted[k] == n * ROUNDS;
    }
    return right;
}

/* What DMA wrote is what the program sees, and it read what the program had written. */
static int dma_agrees(void) {
    struct dma_buf from, to;
    if (dma_alloc(&from, PAGES_COPIED * 4096) != 0) {
        return -ENOMEM;
    }
    int error = dma_alloc(&to, from.size);
    if (error == 0) {
        uint32_t *words = from.cpu;
        for (unsigned round = 0; round < 8 && error == 0; round++) {
            for (size_t i = 0; i < from.size / 4; i++) {
                words[i] = (uint32_t)(i * 2654435761u + round);
            }
            memset(to.cpu, 0x5a, to.size);
            error = dma_copy(&to, 0, &from, 0, from.size);
            if (error == 0 && memcmp(to.cpu, from.cpu, to.size) != 0) {
                error = -EIO;
            }
        }
        dma_free(&to);
    }
    dma_free(&from);
    return error;
}

static int random_varies(void) {
    uint32_t a[16], b[16];
    int error = random_bytes(a, sizeof a);
    error = error != 0 ? error : random_bytes(b, sizeof b);
    return error != 0 ? error : memcmp(a, b, sizeof a) != 0 ? 0 : -EIO;
}

static void print_test(const char *what, int error) {
    printf("  %-20s %s\n", what, error == 0 ? "ok" : error == -ENODEV ? "none here" : "FAIL");
}

static void self_test(void) {
    printf("does it work:\n");
    print_test("stores of all cores", cores_agree() ? 0 : -EIO);
    print_test("DMA and caches", dma_agrees());
    /* QEMU's Pi 4 has nothing where its generator is */
    print_test("random numbers",
               emulator && strcmp(info_board(), "Raspberry Pi 4") == 0 ? -ENODEV : random_varies());
}

/* ---- times ---------------------------------------------------------------------------------------- */

static int later(const void *a, const void *b) {
    ns_t x = *(const ns_t *)a, y = *(const ns_t *)b;
    return (x > y) - (x < y);
}

static void print_times(const char *what, ns_t *times, unsigned n) {
    qsort(times, n, sizeof *times, later);
    printf("  %-20s least %" PRId64 ", half %" PRId64 ", 99 %% %" PRId64 ", most %" PRId64 " ns\n",
           what, (int64_t)times[0], (int64_t)times[n / 2], (int64_t)times[n * 99 / 100],
           (int64_t)times[n - 1]);
}

static void sleeps(void) {
    static const ns_t bounds[] = {US(2), US(5), US(10), US(20), US(50), US(100), MS(1), MS(1000)};
    enum { BOUNDS = sizeof bounds / sizeof bounds[0] };
    static ns_t late[SLEEPS];
    unsigned counts[BOUNDS] = {0};
    for (unsigned i = 0; i < SLEEPS; i++) {
        ns_t until = go_now() + MS(1);
        go_sleep_until(until);
        late[i] = go_now() - until;
        unsigned b = 0;
        while (b < BOUNDS - 1 && late[i] >= bounds[b]) {
            b++;
        }
        counts[b]++;
    }
    printf("how late a sleep of 1 ms ends:\n");
    for (unsigned b = 0; b < BOUNDS; b++) {
        printf("  less than %7" PRId64 " us %4u\n", (int64_t)(bounds[b] / US(1)), counts[b]);
    }
    print_times("", late, SLEEPS);
}

static struct sema there, back;

static void answer(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        sema_wait(&there);
        sema_post(&back);
    }
}

/* There and back between this core and another, which sleeps meanwhile: two doorbells. On core 0. */
static void wake_ups(void *arg) {
    static ns_t times[ROUNDS];
    char what[32];
    printf("a wake-up there and back:\n");
    for (unsigned core = 0; core < go_num_cores(); core++) {
        go_with(&GO_OPTS(GO_PIN((int)core), .name = "answer"), answer, NULL);
        for (unsigned i = 0; i < ROUNDS; i++) {
            ns_t start = go_now();
            sema_post(&there);
            sema_wait(&back);
            times[i] = go_now() - start;
        }
        snprintf(what, sizeof what, "core 0 and core %u", core);
        print_times(what, times, ROUNDS);
    }
    wg_done(arg);
}

static void nothing(void *arg) {
    wg_done(arg);
}

static void costs(void) {
    struct wg w = {0};
    ns_t start = go_now();
    for (unsigned i = 0; i < ROUNDS; i++) {
        go_yield();
    }
    ns_t yields = go_now() - start;
    start = go_now();
    for (unsigned i = 0; i < ROUNDS; i++) {
        wg_add(&w, 1);
        go(nothing, &w);
        wg_wait(&w);
    }
    ns_t spawns = go_now() - start;
    printf("what it takes on average:\n  %-20s %" PRId64 " ns\n  %-20s %" PRId64 " ns\n", "a yield",
           (int64_t)(yields / ROUNDS), "a G, begin to end", (int64_t)(spawns / ROUNDS));
}

int main(void) {
    struct wg w = {0};
    printf("---- Bareloom: a page about this board ----\n");
    board();
    self_test();
    sleeps();
    wg_add(&w, 1);
    go_with(&GO_OPTS(GO_PIN(0), .name = "wake-ups"), wake_ups, &w);
    wg_wait(&w);
    costs();
    cores();
    printf("---- end ----\n");
    return 0;
}
