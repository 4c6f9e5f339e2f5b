/*
 * One undefined operation after the other, and defined ones: tests/host/san_undefined.sh says by an argument which,
 * and what SAN=undefined must find.
 */
#include <bareloom.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static volatile int big = INT_MAX, wide = 32, zero, four = 4, minus = -1;
static int row[4];
static char bytes[16] __attribute__((aligned(16)));
static volatile int sink;

static void shift(void) {
    sink = 1 << wide;
}

static void overflow(void) {
    sink = big + 1;
}

static void negate(void) {
    sink = -(minus * big - 1);
}

static void divide(void) {
    sink = four / zero;
}

static void outside(void) {
    sink = row[four];
}

static void misaligned(void) {
    char *p = bytes;
    __asm__ volatile("" : "+r"(p));
    sink = *(int *)(void *)(p + 1);
}

static void null(void) {
    int *p = NULL;
    __asm__ volatile("" : "+r"(p));
    sink = *p;
}

static void boolean(void) {
    bool b;
    memset(&b, four, sizeof b);
    __asm__ volatile("" : "+m"(b));
    sink = b;
}

static void runs_off(void) {
    __builtin_unreachable();
}

static void defined(void) {
    sink = (int)((unsigned)big + 1u);
    sink = 1 << (wide - 2);
    sink = big - 10 + (four / (zero + 1));
    sink = row[four - 1];
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*fn)(void);
    } cases[] = {{"shift", shift},   {"overflow", overflow}, {"negate", negate},
                 {"divide", divide}, {"outside", outside},   {"misaligned", misaligned},
                 {"null", null},     {"boolean", boolean},   {"runs_off", runs_off},
                 {"clean", defined}};
    const char *what = argc > 1 ? argv[1] : "clean";
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(what, cases[i].name) == 0) {
            cases[i].fn();
            printf("went on\n");
            return 0;
        }
    }
    printf("what is %s?\n", what);
    return 2;
}
