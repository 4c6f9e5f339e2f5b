/* bench/raise.c - the tests' way to raise an interrupt by software. */
#include "tests/raise.c"
