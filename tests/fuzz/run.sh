#!/usr/bin/env bash
# Fuzzers of what reads bytes from outside: run.sh [SECONDS [NAME...]]
#
# Each tests/fuzz/NAME.c is built with clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, goes
# through its corpus, and then tries new inputs for SECONDS (3). An input that fails is left in build/fuzz and named.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-3}
[ $# -eq 0 ] || shift
[ $# -ne 0 ] || set -- $(ls tests/fuzz/*.c | xargs -n 1 basename -s .c)
if ! command -v clang > /dev/null || ! echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -fsanitize=fuzzer -x c -o /dev/null - 2> /dev/null; then
    echo "no clang with libFuzzer here: run \`make setup\`"
    exit 77
fi
mkdir -p build/fuzz
failed=0
for name; do
    [ -f "tests/fuzz/$name.c" ] || { echo "run.sh: there is no tests/fuzz/$name.c"; exit 2; }
    clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DHAL_HOST -D_GNU_SOURCE \
        -Wall -Wextra -Werror -Wno-unused-function -Wno-unused-parameter -Wno-missing-noreturn \
        -I. -Iinclude -o "build/fuzz/$name" "tests/fuzz/$name.c"
    mkdir -p "build/fuzz/new.$name"
    if ! "build/fuzz/$name" -max_total_time="$seconds" -max_len=16384 -timeout=10 -print_final_stats=1 \
            -artifact_prefix="build/fuzz/$name-" "build/fuzz/new.$name" "tests/fuzz/corpus/$name" \
            > "build/fuzz/$name.log" 2>&1; then
        grep -v '^#[0-9]' "build/fuzz/$name.log" | tail -n 40
        echo "FAIL fuzz $name: again with build/fuzz/$name FILE, the file is named above"
        failed=$((failed + 1))
    else
        echo "ok   fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") inputs," \
            "$(ls "tests/fuzz/corpus/$name" | wc -l) in the corpus"
    fi
done
exit $((failed != 0))
