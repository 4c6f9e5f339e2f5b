#!/usr/bin/env bash
# SAN=address finds accesses out of bounds and to what was given back, and nothing else.
# boards: host
. "$(dirname "$0")/san_lib.sh"

need_sanitizer address
build san SAN=address APP=tests/programs/san_address
for what in heap_overflow use_after_free stack_overflow global_overflow dead_stack; do
    reports $what 66 'touch'
    check "$what: ends there" test "$(grep -c 'went on' "$output")" = 0
done
reports freed_channel 66 'chan_try_send'
quiet clean

exit $((failures > 0))
