/* What somebody finds who asks a program that hangs: goroutines that wait, two of them for each other; and, as
 * the arguments say, hogs, a core that takes no interrupt any more, a panic. It never reads its console.
 *
 *      --hogs        two loops a core that call nothing
 *      --mask=N      core N attaches a line, which on a Pi 3 takes all others along, and masks its interrupts for ever
 *      --panic */
#include <bareloom.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/kprint.h"
#include "tests/host/all_wait.h"

static struct chan *orders;
static struct mutex knife, spoon;
static struct wg has_first;

static void waiter(void *arg) {
    volatile int *served = arg;
    int order;
    chan_recv(orders, &order);
    *served = order;
}

__attribute__((noinline)) static void eats_with(struct mutex *first, struct mutex *second) {
    mutex_lock(first);
    wg_done(&has_first);
    wg_wait(&has_first);
    mutex_lock(second);
    mutex_unlock(second);
    mutex_unlock(first);
}

static void left_handed(void *arg) {
    (void)arg;
    eats_with(&spoon, &knife);
}

static void right_handed(void *arg) {
    (void)arg;
    eats_with(&knife, &spoon);
}

static atomic_uint begun;

static void hog(void *arg) {
    volatile unsigned long *n = arg;
    atomic_fetch_add(&begun, 1);
    for (;;) {
        ++*n;
    }
}

#define QUIET_LINE 49 /* of a device that is not used, on both boards */

static void nothing_comes(void *arg) {
    (void)arg;
}

#ifdef __aarch64__
static void mask_interrupts(void) {
    __asm__ volatile("msr daifset, #2" ::: "memory");
}
#define WAIT_A_LITTLE() __asm__ volatile("yield")
#else
static void mask_interrupts(void) {
    PANIC("--mask is for machines");
}
#define WAIT_A_LITTLE() go_yield()
#endif

static void masked(void *arg) {
    volatile unsigned long *n = arg;
    if (irq_attach(QUIET_LINE, nothing_comes, NULL) != 0) {
        abort();
    }
    mask_interrupts();
    kprintf("masked\n");
    for (;;) {
        ++*n;
        WAIT_A_LITTLE();
    }
}

static void start(const struct go_opts *o, go_fn *fn, void *arg) {
    if (go_with(o, fn, arg) != 0) {
        abort();
    }
}

int main(int argc, char **argv) {
    static int served;
    static volatile unsigned long turns[2];
    int mask = -1;
    bool hogs = false, panics = false;
    for (int i = 1; i < argc; i++) {
        hogs |= strcmp(argv[i], "--hogs") == 0;
        panics |= strcmp(argv[i], "--panic") == 0;
        mask = strncmp(argv[i], "--mask=", 7) == 0 ? atoi(argv[i] + 7) : mask;
    }
    orders = CHAN(int, 0);
    wg_add(&has_first, 2);
    start(&GO_OPTS(.name = "waiter"), waiter, &served);
    start(&GO_OPTS(.name = "lefty"), left_handed, NULL);
    start(&GO_OPTS(.name = "righty"), right_handed, NULL);
    all_wait();
    for (unsigned i = 0; hogs && i < 2 * go_num_cores(); i++) {
        start(&GO_OPTS(.name = "hog"), hog, (void *)&turns[0]);
    }
    while (hogs && begun != 2 * go_num_cores()) {
        go_sleep(MS(1));
    }
    if (panics) {
        PANIC("the soup is cold");
    }
    printf("all wait\n");
    fflush(stdout);
    if (mask >= 0) {
        start(&GO_OPTS(GO_PIN(mask), .name = "masked"), masked, (void *)&turns[1]);
    }
    go_sleep(SEC(3000)); /* a timer: it is not all of them that wait for ever */
    return 0;
}
