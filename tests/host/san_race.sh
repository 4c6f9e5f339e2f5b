#!/usr/bin/env bash
# SAN=race finds the data races of a program, with both sides' functions and goroutines named, and nothing else.
# boards: host
. "$(dirname "$0")/san_lib.sh"

need_sanitizer thread
build san SAN=race APP=tests/programs/san_race
for BARELOOM_CORES in 1 3; do
    export BARELOOM_CORES
    reports unlocked 66 'count_up' 'counts_alone' 'left' 'right'
    reports half_locked 66 'reads_box' 'writes_box' 'reader' 'writer'
    quiet clean
done

exit $((failures > 0))
