/* tests/programs/models/main.c - the table of docs/MODELS.md: what four operations take under the model of the
 * command line. Under -icount a nanosecond is an instruction. */
#include <bareloom.h>
#include <stdio.h>

#define TIMES  10000u
#define STACKS 1000u

static struct wg wg;
static struct chan *ping, *pong;
static struct sema end;
static ns_t began;

static void begin(void) {
    go_sleep(MS(1)); /* what still runs ends */
    began = go_now();
}

static void result(const char *what, unsigned n) {
    printf("%s %llu\n", what, (unsigned long long)((go_now() - began) / n));
}

static void start(go_fn *fn, void *arg) {
    if (go(fn, arg) != 0) {
        PANIC("no memory for a goroutine");
    }
}

static void yields(void *arg) {
    (void)arg;
    for (unsigned i = 0; i < TIMES / 2; i++) {
        go_yield();
    }
    wg_done(&wg);
}

static void answers(void *arg) {
    (void)arg;
    long v;
    while (chan_recv(ping, &v) == 0) {
        chan_send(pong, &v);
    }
    wg_done(&wg);
}

static void ends(void *arg) {
    (void)arg;
    wg_done(&wg);
}

__attribute__((noinline)) static void touch(void) {
    volatile char stack[8192];
    for (unsigned at = 0; at < sizeof stack; at += 1024) {
        stack[at] = 1;
    }
}

static void touches(void *arg) {
    (void)arg;
    touch();
    sema_wait(&end);
    wg_done(&wg);
}

static void stacks(const char *what) {
    begin();
    wg_add(&wg, STACKS);
    for (unsigned i = 0; i < STACKS; i++) {
        start(touches, NULL);
    }
    sema_post_n(&end, STACKS);
    wg_wait(&wg);
    result(what, STACKS);
}

int main(void) {
    go_set_cores(1);
    ping = CHAN(long, 0);
    pong = CHAN(long, 0);
    printf("model %s\n", go_model());

    stacks("stacks_first");
    stacks("stacks_again");

    begin();
    wg_add(&wg, 2);
    start(yields, NULL);
    start(yields, NULL);
    wg_wait(&wg);
    result("yield", TIMES);

    wg_add(&wg, 1);
    start(answers, NULL);
    begin();
    for (long i = 0; i < (long)TIMES; i++) {
        chan_send(ping, &i);
        chan_recv(pong, &i);
    }
    result("ping_pong", TIMES);
    chan_close(ping);
    wg_wait(&wg);

    begin();
    for (unsigned i = 0; i < TIMES; i++) {
        wg_add(&wg, 1);
        start(ends, NULL);
        wg_wait(&wg);
    }
    result("spawn_join", TIMES);
    return 0;
}
