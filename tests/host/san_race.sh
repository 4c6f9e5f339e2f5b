#!/usr/bin/env bash
# SAN=race finds the data races of a program, with both sides' functions and goroutines named, and nothing else.
# boards: host virt
. "$(dirname "$0")/san_lib.sh"

need_sanitizer thread
build san SAN=race APP=tests/programs/san_race
for BARELOOM_CORES in 1 3; do # on the host; a machine has its four
    export BARELOOM_CORES
    tries=$((1 + 2 * (BARELOOM_CORES - 1))) # on one core a race is found each time; beside each other two may meet a doorbell that orders them
    reports unlocked 66 'data race' 'count_up' 'counts_alone' 'left' 'right'
    reports half_locked 66 'data race' 'reads_box' 'writes_box' 'reader' 'writer'
    quiet clean
    [ "$board" = host ] || break
done

exit $((failures > 0))
