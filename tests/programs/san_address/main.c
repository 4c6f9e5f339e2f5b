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
#define NAMED __attribute__((noinline))

NAMED static char touch(volatile char *p, size_t at) {
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
        free(unknown(p)); /* nor that it is this one */
    }
    touch(p, 7);
}

static void makes_and_frees(void *arg) {
    char *p = unknown(malloc(30));
    free(unknown(p));
    *(char **)arg = p;
    wg_done(&wg);
}

static void reads(void *arg) {
    touch(*(char **)arg, 29);
    wg_done(&wg);
}

static void use_by_another(void) {
    char *p = NULL;
    wg_add(&wg, 1);
    go_with(&GO_OPTS(.name = "maker"), makes_and_frees, &p);
    wg_wait(&wg);
    wg_add(&wg, 1);
    go_with(&GO_OPTS(.name = "reader"), reads, &p);
    wg_wait(&wg);
}

NAMED static void freed_twice(void) {
    char *p = unknown(malloc(20));
    free(unknown(p));
    free(p);
}

NAMED static void freed_inside(void) {
    char *p = unknown(malloc(64));
    free(unknown(p + 16));
}

/* The C library does it for us. */
NAMED static void copies(size_t n) {
    static const char zeros[64];
    char *p = unknown(malloc(20));
    memcpy(p, zeros, n);
    free(unknown(p));
}

static void prints(const char *text) {
    char *p = unknown(malloc(20));
    sprintf(p, "%s", text);
    free(unknown(p));
}

/* A channel of 8 bytes an element does. */
static void receives(void) {
    struct chan *c = CHAN(uint64_t, 1);
    uint64_t v = 1;
    uint32_t small[1] = {0};
    chan_send(c, &v);
    chan_recv(c, unknown(small));
}

/* The pointer outlives the block. */
static void block_ended(void) {
    volatile char *p = NULL;
    for (int i = 0; i < 1; i++) {
        char here[16] = {0};
        p = unknown(here);
    }
    touch(p, 3);
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
        copies(20);
        prints("nineteen characters");
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
    const char *what = argc > 1 ? argv[1] : "clean";
#define IS(name) (strcmp(what, #name) == 0)
    if (IS(heap_overflow)) {
        heap_overflow(20);
    } else if (IS(heap_underflow)) {
        heap_overflow((size_t)-1);
    } else if (IS(use_after_free)) {
        use_after_free(true);
    } else if (IS(use_by_another)) {
        use_by_another();
    } else if (IS(freed_twice)) {
        freed_twice();
    } else if (IS(freed_inside)) {
        freed_inside();
    } else if (IS(copies)) {
        copies(21);
    } else if (IS(prints)) {
        prints("twenty characters...");
    } else if (IS(receives)) {
        receives();
    } else if (IS(block_ended)) {
        block_ended();
    } else if (IS(stack_overflow)) {
        stack_overflow(16);
    } else if (IS(global_overflow)) {
        global_overflow(20);
    } else if (IS(dead_stack)) {
        dead_stack();
    } else if (IS(freed_channel)) {
        freed_channel(true);
    } else if (IS(clean)) {
        clean();
    } else {
        printf("what is %s?\n", what);
        return 2;
    }
    printf("went on\n");
    return 0;
}
