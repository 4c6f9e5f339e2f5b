#!/usr/bin/env bash
# SAN=undefined finds undefined operations, with file and line, and nothing else.
# boards: host virt
. "$(dirname "$0")/san_lib.sh"

need_sanitizer undefined
build san SAN=undefined APP=tests/programs/san_undefined
# gcc for AArch64 takes a misaligned access for what it is there, defined.
for what in shift overflow negate divide outside $([ "$board" != host ] || echo misaligned) null boolean runs_off; do
    reports $what 66 'san_undefined/main.c:[0-9]'
    check "$what: ends there" test "$(grep -c 'went on' "$output")" = 0
done
quiet clean

exit $((failures > 0))
