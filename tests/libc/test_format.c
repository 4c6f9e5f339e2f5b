/* tests/libc/test_format.c - text from numbers and back, sorting, jumps: what needs no system below
 * it. */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

#define CHECK_TEXT(is, want)                                                                       \
    do {                                                                                           \
        const char *is_ = (is);                                                                    \
        if (strcmp(is_, (want)) != 0) {                                                            \
            FAIL("\"%s\" instead of \"%s\"", is_, (want));                                         \
        }                                                                                          \
    } while (0)

/* snprintf() of what follows must give want. */
#define CHECK_PRINTS(want, ...)                                                                    \
    do {                                                                                           \
        char out_[200];                                                                            \
        CHECK_EQ(snprintf(out_, sizeof out_, __VA_ARGS__), strlen(want));                          \
        CHECK_TEXT(out_, want);                                                                    \
    } while (0)

TEST(libc, printf_of_integers) {
    CHECK_PRINTS("-42|   42|42   |00042|+42", "%d|%5d|%-5d|%05d|%+d", -42, 42, 42, 42, 42);
    CHECK_PRINTS("ff FF 0xff 377", "%x %X %#x %o", 255u, 255u, 255u, 255u);
    CHECK_PRINTS("-9223372036854775808 18446744073709551615", "%lld %llu", LLONG_MIN, ULLONG_MAX);
    CHECK_PRINTS("123 -5 7", "%zu %jd %td", (size_t)123, (intmax_t)-5, (ptrdiff_t)7);
    CHECK_PRINTS("-1 255 -1", "%hhd %hhu %hd", (signed char)-1, (unsigned char)255, (short)-1);
    CHECK_PRINTS("a bc      def|ab", "%c %s %8s|%.2s", 'a', "bc", "def", "abc");
}

TEST(libc, printf_of_doubles) {
    CHECK_PRINTS("3.141593 3.14 -0.5", "%f %.2f %g", M_PI, M_PI, -0.5);
    CHECK_PRINTS("1.000000e+300 1e+300 1E-05", "%e %g %G", 1e300, 1e300, 1e-5);
    CHECK_PRINTS("0x1p+0 0x1.921fb54442d18p+1", "%a %a", 1.0, M_PI);
    CHECK_PRINTS("inf -inf nan", "%f %f %f", (double)INFINITY, -(double)INFINITY, (double)NAN);
    CHECK_PRINTS("0.1000000000000000055511151231257827", "%.34f", 0.1);
    CHECK_PRINTS("1.7976931348623157e+308 4.9406564584124654e-324", "%.17g %.17g", DBL_MAX,
                 4.9406564584124654e-324);
}

/* 128 bits, in software. */
TEST(libc, printf_of_long_doubles) {
    volatile long double three = 3;
    CHECK_PRINTS("1.500000 0.333333333333333333333333333333333", "%Lf %.33Lf", 1.5L, 1 / three);
    CHECK_PRINTS("1.18973e+4932", "%Lg", LDBL_MAX);
}

/* What does not fit is cut, and the length says so. */
TEST(libc, printf_cuts) {
    char out[5] = "xxxx";
    volatile size_t room = sizeof out;
    CHECK_EQ(snprintf(out, room, "%d", 1234567), 7);
    CHECK_TEXT(out, "1234");
    CHECK_EQ(snprintf(NULL, 0, "%f", 1.0), 8);
}

TEST(libc, scanf_reads_back) {
    int i = 0, end = 0;
    long long ll = 0;
    double d = 0;
    unsigned x = 0;
    char word[16], set[16];
    CHECK_EQ(sscanf("-7 9000000000 0.25 0xbeef hello [abc]", "%d %lld %lf %x %15s [%15[a-z]%n", &i,
                    &ll, &d, &x, word, set, &end),
             6);
    CHECK(i == -7 && ll == 9000000000 && d == 0.25 && x == 0xbeef);
    CHECK_TEXT(word, "hello");
    CHECK_TEXT(set, "abc");
    CHECK_EQ(end, 36);
    CHECK_EQ(sscanf("none", "%d", &i), 0);
    CHECK_EQ(sscanf("", "%d", &i), EOF);
}

TEST(libc, strtod_and_strtol) {
    char *end;
    CHECK(strtod("  1.5e3xyz", &end) == 1500.0);
    CHECK_TEXT(end, "xyz");
    CHECK(strtod("0x1.8p1", NULL) == 3.0);
    CHECK(strtod("1e400", NULL) == HUGE_VAL && strtod("-inf", NULL) == -(double)INFINITY);
    CHECK(isnan(strtod("nan", NULL)));
    CHECK(strtod("4.9e-324", NULL) == 4.9e-324);
    CHECK_EQ(strtol("-0777", NULL, 0), -511);
    CHECK_EQ(strtoll("9223372036854775808", NULL, 10), INT64_MAX);
    CHECK_EQ(strtoul("zz", &end, 36), 35 * 36 + 35);
}

/* To the last of 113 bits. */
TEST(libc, strtold_reads_back) {
    static const struct {
        const char *text;
        long double value;
    } known[] = {
        {"0.1", 0.1L},
        {"-1.5", -1.5L},
        {"0", 0},
        {"1.18973149535723176508575932662800702e4932", LDBL_MAX},
        {"6.475175119438025110924438958227646552e-4966", __LDBL_DENORM_MIN__},
        {"-inf", -(long double)INFINITY},
        {"1e5000", (long double)INFINITY},
        {"3.14159265358979323846264338327950288", 3.14159265358979323846264338327950288L},
    };
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        long double scanned = -1;
        CHECK(strtold(known[i].text, NULL) == known[i].value);
        CHECK_EQ(sscanf(known[i].text, "%Lf", &scanned), 1);
        CHECK(scanned == known[i].value);
    }
    CHECK(strtold("0x1.8p+3", NULL) == 12); /* which scanf does not know */
    CHECK(isnan((double)strtold("nan", NULL)));
    uint32_t random = 362436069u;
    for (unsigned i = 0; i < test_rounds(500); i++) {
        char text[60];
        long double in = 1;
        for (int k = 0; k < 5; k++) {
            long double x = test_random(&random), y = test_random(&random);
            in = in * x / 65536 + 1 / y;
        }
        snprintf(text, sizeof text, "%.36Lg", in);
        CHECK(strtold(text, NULL) == in);
    }
}

/* Shortest digits that come back as the same bits. */
TEST(libc, doubles_survive_text) {
    uint32_t random = 2463534242u;
    for (unsigned i = 0; i < test_rounds(2000); i++) {
        union {
            uint64_t bits;
            double d;
        } in, out;
        char text[40];
        in.bits = (uint64_t)test_random(&random) << 32 | test_random(&random);
        if (!isfinite(in.d)) {
            continue;
        }
        snprintf(text, sizeof text, "%.17g", in.d);
        out.d = strtod(text, NULL);
        CHECK(in.bits == out.bits);
    }
}

/* ---- sorting --------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

TEST(libc, qsort_and_bsearch) {
    enum { N = 1000 };
    static uint32_t v[N];
    uint32_t random = 88172645u, sum = 0;
    for (int i = 0; i < N; i++) {
        v[i] = test_random(&random) % 5000;
        sum += v[i];
    }
    qsort(v, N, sizeof v[0], by_value);
    for (int i = 1; i < N; i++) {
        CHECK(v[i - 1] <= v[i]);
    }
    for (int i = 0; i < N; i++) {
        const uint32_t *found = bsearch(&v[i], v, N, sizeof v[0], by_value);
        CHECK(found != NULL && *found == v[i]);
        sum -= v[i];
    }
    CHECK_EQ(sum, 0);
}

/* ---- jumps ----------------------------------------------------------------------------------- */

static jmp_buf target;

__attribute__((noinline)) static int descends(int depth) {
    go_yield();
    if (depth == 0) {
        longjmp(target, 42);
    }
    return depth < 0 ? depth : descends(depth - 1) + 1;
}

/* Out of a recursion that was switched away from at each level, perhaps on another core by then. */
TEST(libc, longjmp_out_of_the_deep) {
    volatile int rounds = 0;
    volatile double before = 1.25;
    int v = setjmp(target);
    if (v == 0) {
        v = descends(20);
    }
    CHECK_EQ(v, 42);
    CHECK(before == 1.25);
    if (++rounds < 10) {
        longjmp(target, 42);
    }
    CHECK_EQ(rounds, 10);
}
