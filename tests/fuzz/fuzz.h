/*
 * tests/fuzz/fuzz.h - what the fuzzers share.
 *
 * A fuzzer is one file: it includes the source of the parser that it is about, gives it what surrounds it, and says
 * what must hold for any bytes, beyond no sanitizer's report. tests/fuzz/run.sh builds each with clang's libFuzzer and
 * begins with the files of corpus/NAME, which every run goes through first.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define WANT(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond);                     \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
