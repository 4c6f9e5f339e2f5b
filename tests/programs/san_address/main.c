/*
 * One access out of bounds after the other, and the last one inside: tests/host/san_address.sh says by an argument
 * which, and what SAN=address must find. The mistake is made in touch(), whose name the report must show.
 */
#include <bareloom.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct wg wg;
static char table[20];
static volatile char *left_behind;

/* Not inlined, so that the report can name it. */
__attribute__((noinline)) static char touch(volatile char *p, size_t at) {
    p[at]++;
    return p[at];
}

/* The compiler must not know what it is. */
static char *unknown(void *p) {
    __asm__ volatile("" : "+r"(p)::"memory");
    return p;
}

static void heap_overflow(size_t at) {
    char *p = unknown(malloc(20));
    p[0] = 1;
    touch(p, at);
    free(p);
}

static void use_after_free(bool freed) {
    char *p = unknown(malloc(100));
    p[7] = 1;
    if (freed) {
        free(p);
    }
    touch(p, 7);
}

static void stack_overflow(size_t at) {
    char here[16] = {0};
    touch(unknown(here), at);
}

static void global_overflow(size_t at) {
    touch(unknown(table), at);
}

static void leaves_its_address(void *arg) {
    char mine[32] = {0};
    (void)arg;
    left_behind = unknown(mine);
    touch(left_behind, 3);
    wg_done(&wg);
}

/* The G has ended, its stack is nobody's. */
static void dead_stack(void) {
    wg_add(&wg, 1);
    go_with(&GO_OPTS(.name = "gone"), leaves_its_address, NULL);
    wg_wait(&wg);
    unsigned left = go_count();
    while (left > 1) {
        go_yield();
        left = go_count();
    }
    go_sleep(MS(1));
    touch(left_behind, 3);
}

static void freed_channel(bool freed) {
    struct chan *c = CHAN(int, 4);
    if (freed) {
        chan_free(c);
    }
    int v = 3;
    chan_try_send(c, &v);
}

static void ends_deep(void *arg) {
    char here[200];
    memset(here, 1, sizeof here);
    touch(unknown(here), sizeof here - 1);
    wg_done(arg);
    go_exit();
}

/* All of the above to the last byte that is one's own, many times over, on all cores. */
static void works(void *arg) {
    for (int i = 0; i < 200; i++) {
        heap_overflow(19);
        use_after_free(false);
        stack_overflow(15);
        freed_channel(false);
        char *p = calloc(3, 11);
        touch(p, 32);
        p = realloc(p, 70);
        touch(p, 69);
        free(p);
    }
    wg_done(arg);
}

static void clean(void) {
    struct wg all = {0};
    global_overflow(19);
    wg_add(&all, 4);
    for (int i = 0; i < 4; i++) {
        go(works, &all);
    }
    wg_wait(&all);
    for (int i = 0; i < 500; i++) {
        wg_add(&all, 1);
        go(ends_deep, &all);
        wg_wait(&all);
    }
}

int main(int argc, char **argv) {
    static const char *const names[] = {
        "heap_overflow", "use_after_free", "stack_overflow", "global_overflow",
        "dead_stack",    "freed_channel",  "clean"};
    const char *what = argc > 1 ? argv[1] : "clean";
    unsigned n = 0;
    while (n < sizeof names / sizeof names[0] && strcmp(what, names[n]) != 0) {
        n++;
    }
    switch (n) {
    case 0:
        heap_overflow(20);
        break;
    case 1:
        use_after_free(true);
        break;
    case 2:
        stack_overflow(16);
        break;
    case 3:
        global_overflow(20);
        break;
    case 4:
        dead_stack();
        break;
    case 5:
        freed_channel(true);
        break;
    case 6:
        clean();
        break;
    default:
        printf("what is %s?\n", what);
        return 2;
    }
    printf("went on\n");
    return 0;
}
