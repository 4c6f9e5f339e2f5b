#!/usr/bin/env bash
# With CONFIG_FAULT_ENDS_G a G that fails is reported and ended, and the others go on.
# boards: virt rpi3
. "$(dirname "$0")/lib.sh"

build faults APP=tests/host/fault_app CONFIG=-DCONFIG_FAULT_ENDS_G=1
run_image faults
check "main's exit status" test "$status" = 7
for what in 'fatal error: stack overflow' 'call of a NULL function' 'undefined instruction' \
    'goroutine .* "digger" .*core [0-3]' 'overflow+0x' 'goroutine [0-9]* ended, the others go on'; do
    check "three reports of: $what" test "$(grep -c -- "$what" "$output")" -ge 3
done
check "all nine are gone" test "$(grep -c 'is gone, 1 left' "$output")" = 9

exit $((failures > 0))
