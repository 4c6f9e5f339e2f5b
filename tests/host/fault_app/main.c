/* One G after the other fails in its own way; main, and what they left behind, must go on (tests/host/fault_ends_g.sh). */
#include <bareloom.h>
#include <stdio.h>

static volatile bool endless = true; /* so that the compiler cannot tell */

/* Not static: the name must stand in the report. */
int overflow(int n);

int overflow(int n) {
    volatile char frame[512];
    frame[0] = (char)n;
    return endless ? overflow(n + 1) + frame[0] : 0;
}

static void overflows(void *arg) {
    (void)arg;
    overflow(0);
}

static void calls_null(void *arg) {
    void (*volatile f)(void) = NULL;
    (void)arg;
    f();
}

static void executes_nonsense(void *arg) {
    (void)arg;
    __asm__ volatile(".inst 0");
}

struct failure {
    go_fn *fn;
};

static void *fails_so(void *arg) {
    ((struct failure *)arg)->fn(NULL);
    return arg;
}

static void fails(const char *name, go_fn *fn) {
    struct failure f = {fn};
    struct join j;
    void *result = &j;
    go_joinable(&j, &GO_OPTS(.name = name), fails_so, &f);
    go_join(&j, &result);
    printf("%s is gone%s, %u left\n", name, result != NULL ? " with a result" : "", go_count());
}

int main(void) {
    for (int i = 0; i < 3; i++) {
        fails("digger", overflows);
        fails("caller", calls_null);
        fails("speaker", executes_nonsense);
    }
    return 7;
}
